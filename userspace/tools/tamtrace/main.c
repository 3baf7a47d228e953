// SPDX-License-Identifier: GPL-2.0
/* tamtrace: when a program first touches which page of its tamalloc memory. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tamtrace.h"

/* Exit statuses of our own; the others are the program's. */
enum { CANNOT_SET_UP = 125, CANNOT_RUN = 126, NOT_FOUND = 127 };

static struct {
	bool csv;
	const char *from, *output, *picture;
	unsigned long buffer_kb;
	pid_t pid;
} want = { .buffer_kb = 4096 };

static FILE *output;
static struct touches kept;
static unsigned long touches, pages, reads, fallbacks;
static bool no_memory;
static volatile sig_atomic_t stopped;
static pid_t program;

static void usage(FILE *to)
{
	fputs("usage: tamtrace [OPTION]... PROGRAM [ARG]...\n"
	      "       tamtrace [OPTION]... -p PID\n"
	      "       tamtrace [OPTION]... --from FILE\n"
	      "\n"
	      "Shows the first touches of tamalloc memory by PROGRAM, or by process PID from\n"
	      "now on, or those that --csv has written to FILE (- is standard input).\n"
	      "\n"
	      "--csv          as lines of CSV, not as text\n"
	      "--plot FILE    draw a heat map, address against time, into FILE.png or FILE.svg\n"
	      "--output FILE  write there, not to standard error\n"
	      "--buffer KB    for each CPU, for what is not read yet (default 4096)\n"
	      "\n"
	      "Exit status: PROGRAM's, 128+N if signal N killed it, 0 without one; 125 if\n"
	      "tamtrace failed, 126 if PROGRAM could not be run, 127 if it was not found.\n", to);
}

static void __attribute__((noreturn)) misused(void)
{
	usage(stderr);
	exit(CANNOT_SET_UP);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("tamtrace: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(CANNOT_SET_UP);
}

static unsigned long number(const char *name, const char *text, unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || !value || value > most)
		die("%s %s is not a number from 1 to %lu", name, text, most);
	return value;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "csv", no_argument, NULL, 'c' },
		{ "plot", required_argument, NULL, 'l' },
		{ "output", required_argument, NULL, 'o' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "from", required_argument, NULL, 'f' },
		{ "pid", required_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "+hp:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			want.csv = true;
			break;
		case 'l':
			want.picture = optarg;
			check_picture(optarg);
			break;
		case 'o':
			want.output = optarg;
			break;
		case 'b':
			want.buffer_kb = number("--buffer", optarg, 1UL << 30);
			break;
		case 'f':
			want.from = optarg;
			break;
		case 'p':
			want.pid = number("-p", optarg, 1UL << 22);
			break;
		case 'v':
			puts("tamtrace (tamalloc) " VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			misused();
		}
	}
	if (!!argv[optind] + !!want.from + !!want.pid != 1)
		misused();
}

/* It cannot die: the instance stays as long as its files are open, from which @touch comes. */
static void keep(const struct touch *touch)
{
	if (!(kept.count & (kept.count - 1))) {
		void *more = reallocarray(kept.touch, kept.count ? 2 * kept.count : 1, sizeof(*touch));

		if (!more) {
			no_memory = true;
			return;
		}
		kept.touch = more;
	}
	kept.touch[kept.count++] = *touch;
}

static void see(const struct touch *touch, void *arg)
{
	(void)arg;
	touches++;
	pages += touch->pages;
	reads += !touch->write;
	fallbacks += touch->fallback;
	if (want.picture)
		keep(touch);
	if (want.csv)
		csv_line(output, touch);
	else if (!want.picture)
		fprintf(output, "%12.6f s  %7d  %012lx  %4u page%s %s%s\n", touch->seconds,
			touch->tid, touch->address, touch->pages, touch->pages == 1 ? " " : "s",
			touch->write ? "write" : "read ", touch->fallback ? " fallback" : "");
}

/* The terminal sends its signals to the program as well. */
static void stop(int number)
{
	int saved = errno;

	stopped = number;
	if (program > 0 && (number == SIGHUP || number == SIGTERM))
		kill(program, number);
	errno = saved;
}

/* What we were started with ignored stays so, for the program too. */
static void handle_signals(void (*handler)(int))
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (signal(numbers[i], handler) == SIG_IGN)
			signal(numbers[i], SIG_IGN);
}

/* It waits until it is followed. */
static void start(char **argv)
{
	sigset_t all, before;
	int go[2];

	if (pipe(go))
		die("pipe: %s", strerror(errno));
	/* A signal comes before the program is made, or is passed on. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (stopped)
		exit(128 + stopped);
	program = fork();
	if (program < 0)
		die("fork: %s", strerror(errno));
	if (!program) {
		char byte;
		int error;

		handle_signals(SIG_DFL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(CANNOT_SET_UP);
		close(go[0]);
		execvp(*argv, argv);
		error = errno;
		fprintf(stderr, "tamtrace: %s: %s\n", *argv, strerror(error));
		_exit(error == ENOENT ? NOT_FOUND : CANNOT_RUN);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(go[0]);
	follow(program);
	/* EPIPE: a signal has ended it already, which its status tells. */
	if (write(go[1], "", 1) != 1 && errno != EPIPE)
		die("pipe: %s", strerror(errno));
	close(go[1]);
}

static void record(char **argv, int *status)
{
	const struct timespec pause = { 0, 50000000 };
	bool runs = true;

	/* From here on a signal must not end us: the recording would stay in the kernel. */
	handle_signals(stop);
	start_recording(want.buffer_kb);
	if (want.pid)
		follow(want.pid);
	else
		start(argv);
	while (runs && !ferror(output) && !no_memory) {
		nanosleep(&pause, NULL);
		/* What comes after the last look at it is taken below. */
		runs = want.pid ? !stopped && (!kill(want.pid, 0) || errno != ESRCH) :
				  waitpid(program, status, WNOHANG) != program;
		take_touches(see, NULL);
		fflush(output);
	}
	program = 0;
	*status = WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
}

int main(int argc, char **argv)
{
	unsigned long lost = 0;
	int status = 0;

	parse(argc, argv);
	output = want.output ? fopen(want.output, "we") : stderr;
	if (!output)
		die("%s: %s", want.output, strerror(errno));
	if (want.csv)
		csv_header(output);
	if (want.from) {
		read_csv(want.from, see, NULL);
	} else {
		record(argv + optind, &status);
		lost = lost_touches();
	}
	if (no_memory)
		die("no memory for more than %zu touches", kept.count);
	if (fflush(output) || ferror(output))
		die("%s could not be written: %s", want.output ? want.output : "standard error",
		    strerror(errno));
	fprintf(stderr, "tamtrace: %lu first touches, %lu of them reads; %lu pages; %lu fallbacks\n",
		touches, reads, pages, fallbacks);
	if (lost)
		fprintf(stderr, "tamtrace: %lu more were lost; a larger --buffer keeps them\n", lost);
	if (want.picture)
		plot(&kept, want.picture);
	return status;
}
