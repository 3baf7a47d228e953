// SPDX-License-Identifier: GPL-2.0
/* tamstat: which processes have tamalloc memory, and how much of it they have touched. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tamstat.h"

enum { FAILED = 1, MISUSED = 125 };

static struct {
	int pid;		/* 0 for all */
	bool map, advise, json, denied_said;
	double seconds;		/* between two looks, 0 for one look */
} want;

static void usage(FILE *to)
{
	fputs("usage: tamstat [--json] [--watch SECONDS] [--proc DIR] [[--map | --advise] PID]\n"
	      "\n"
	      "Shows the processes that have tamalloc memory: what they have reserved and how\n"
	      "much of it is committed, which is resident or swapped. With a PID, its regions.\n"
	      "\n"
	      "--map      draw them, page by page\n"
	      "--advise   what tamalloc would save of the memory that is not tamalloc's; works\n"
	      "           on any kernel\n"
	      "--watch    again every so many seconds, in place\n"
	      "--json     an object on one line\n"
	      "--proc     where procfs is mounted (default /proc)\n"
	      "--version  print the version\n"
	      "\n"
	      "Exit status: 0, 1 if the memory could not be read, 125 if the command line is wrong.\n", to);
}

/* getopt_long() has given the reason if there is none. */
static void __attribute__((noreturn, format(printf, 1, 2))) misused(const char *format, ...)
{
	va_list args;

	if (*format) {
		fputs("tamstat: ", stderr);
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	usage(stderr);
	exit(MISUSED);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "map", no_argument, NULL, 'm' },
		{ "advise", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "watch", required_argument, NULL, 'w' },
		{ "proc", required_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;
	long pid;
	char *end;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			want.map = true;
			break;
		case 'a':
			want.advise = true;
			break;
		case 'j':
			want.json = true;
			break;
		case 'w':
			want.seconds = strtod(optarg, &end);
			if (*end || !(want.seconds >= 0.1 && want.seconds <= 86400))
				misused("--watch %s is not a number of seconds, 0.1 to 86400", optarg);
			break;
		case 'p':
			procfs = optarg;
			break;
		case 'v':
			puts("tamstat (tamalloc) " VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			misused("%s", "");
		}
	}
	argv += optind;
	if (*argv) {
		pid = strtol(*argv, &end, 10);
		if (!isdigit((unsigned char)**argv) || *end || pid < 1 || pid > 1 << 22)
			misused("%s is not a PID", *argv);
		want.pid = pid;
		argv++;
	}
	if (*argv)
		misused("%s is one argument too many", *argv);
	if (want.map && want.advise)
		misused("--map or --advise, not both");
	if (!want.pid && (want.map || want.advise))
		misused("%s needs a PID", want.map ? "--map" : "--advise");
}

static void flush(void)
{
	if (!fflush(stdout))
		return;
	perror("tamstat: standard output");
	exit(FAILED);
}

/* 0 or an errno. */
static int show_all(void)
{
	struct table table;
	int error = read_table(&table);

	if (error) {
		fprintf(stderr, "tamstat: %s: %s; is procfs mounted there?\n", procfs, strerror(error));
		return error;
	}
	if (want.json)
		json_table(&table);
	else if (!table.count && tamalloc_error())
		printf("No process has tamalloc memory:\n%s.\n"
		       "tamstat --advise PID tells whether it would help a process.\n",
		       no_tamalloc(tamalloc_error()));
	else
		text_table(&table);
	flush();
	/* Where tables replace each other, this may not go between them. */
	if (table.denied && !want.json && !want.denied_said)
		fprintf(stderr, "tamstat: %zu more could not be read, as they are not this user's; root sees all\n",
			table.denied);
	want.denied_said = !isatty(STDOUT_FILENO);
	free_table(&table);
	return 0;
}

/* After a first look, that it has ended is no error. */
static int not_read(int error, bool seen)
{
	if (error == ENOENT || error == ESRCH) {
		fprintf(stderr, "tamstat: %d %s\n", want.pid, seen ? "has ended" :
			"is no process; tamstat without a PID shows those that have tamalloc memory");
		return seen ? 0 : FAILED;
	}
	fprintf(stderr, "tamstat: %d could not be read: %s%s\n", want.pid, strerror(error),
		error == EACCES || error == EPERM ? "; it is not this user's, so run tamstat as root" :
		error == ENOTTY ? "; its pagemap has no PAGEMAP_SCAN" : "");
	return FAILED;
}

/* 0 or an errno. */
static int show_advice(void)
{
	struct advice advice;
	int error = read_advice(want.pid, &advice);

	if (error)
		return error;
	if (want.json)
		json_advice(&advice);
	else
		text_advice(&advice);
	free_advice(&advice);
	flush();
	return 0;
}

/* 0 or an errno. */
static int show_process(void)
{
	struct process process;
	int error = read_process(want.pid, &process);

	if (error)
		return error;
	if (!process.count && !want.json)
		printf("%d %s has no tamalloc memory%s%s\n", process.pid, process.command,
		       tamalloc_error() ? ": " : "",
		       tamalloc_error() ? no_tamalloc(tamalloc_error()) : "");
	else if (want.map)
		error = want.json ? json_map(&process) : text_map(&process);
	else if (want.json)
		json_process(&process);
	else
		text_process(&process);
	free_process(&process);
	flush();
	return error;
}

int main(int argc, char **argv)
{
	bool in_place, seen = false;
	struct timespec pause;

	/* A table comes onto the terminal at once. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	parse(argc, argv);
	pause.tv_sec = want.seconds;
	pause.tv_nsec = (want.seconds - pause.tv_sec) * 1e9;
	in_place = want.seconds && !want.json && isatty(STDOUT_FILENO);
	for (;;) {
		int error;

		if (in_place)
			fputs("\033[H\033[J", stdout);
		if (!want.pid)
			error = show_all();
		else
			error = want.advise ? show_advice() : show_process();
		if (error)
			return want.pid ? not_read(error, seen) : FAILED;
		if (!want.seconds)
			return 0;
		seen = true;
		nanosleep(&pause, NULL);
		if (!in_place && !want.json)
			putchar('\n');
	}
}
