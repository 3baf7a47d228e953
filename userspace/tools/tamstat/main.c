// SPDX-License-Identifier: GPL-2.0
/* tamstat: which processes have tamalloc memory, and how much of it they have touched. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tamstat.h"

enum { FAILED = 1, MISUSED = 2 };

static struct {
	int pid;		/* 0 for all */
	bool map, json, denied_said;
	double seconds;		/* between two looks, 0 for one look */
} want;

static void usage(FILE *to)
{
	fputs("usage: tamstat [--json] [--watch SECONDS] [--proc DIR] [[--map] PID]\n"
	      "\n"
	      "Shows the processes that have tamalloc memory: what they have reserved and how\n"
	      "much of it is committed, which is resident or swapped. With a PID, its regions.\n"
	      "\n"
	      "--map      draw them, page by page\n"
	      "--watch    again every so many seconds, in place\n"
	      "--json     an object on one line\n"
	      "--proc     where procfs is mounted (default /proc)\n"
	      "\n"
	      "Exit status: 0, or 1 if that could not be read, 2 if the command line is wrong.\n", to);
}

static void __attribute__((noreturn)) misused(void)
{
	usage(stderr);
	exit(MISUSED);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "map", no_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ "watch", required_argument, NULL, 'w' },
		{ "proc", required_argument, NULL, 'p' },
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
		case 'j':
			want.json = true;
			break;
		case 'w':
			want.seconds = strtod(optarg, &end);
			if (*end || !(want.seconds >= 0.1 && want.seconds <= 86400)) {
				fprintf(stderr, "tamstat: --watch %s is not a number of seconds, 0.1 to 86400\n",
					optarg);
				misused();
			}
			break;
		case 'p':
			procfs = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			misused();
		}
	}
	argv += optind;
	if (*argv) {
		pid = strtol(*argv, &end, 10);
		if (!isdigit((unsigned char)**argv) || *end || pid < 1 || pid > 1 << 22) {
			fprintf(stderr, "tamstat: %s is not a PID\n", *argv);
			misused();
		}
		want.pid = pid;
		argv++;
	}
	if (*argv || (want.map && !want.pid))
		misused();
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
static int show_process(void)
{
	struct process process;
	int error = read_process(want.pid, &process);

	if (error)
		return error;
	if (!process.count && !want.json)
		printf("%d %s has no tamalloc memory\n", process.pid, process.command);
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

	/* Names of programs are text in UTF-8, as JSON is. */
	setlocale(LC_CTYPE, "C.UTF-8");
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
		error = want.pid ? show_process() : show_all();
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
