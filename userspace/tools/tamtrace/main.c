// SPDX-License-Identifier: GPL-2.0
/* tamtrace: when a program first touches which page of its tamalloc memory. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "printable.h"
#include "tamtrace.h"

/* Exit statuses of our own; the others are the program's. */
#define PAUSE_MS	50

enum { CANNOT_SET_UP = 125, CANNOT_RUN = 126, NOT_FOUND = 127 };

static struct {
	bool csv, lines, releases;
	const char *from, *output, *picture, *page;
	unsigned long buffer_kb;
	pid_t pid;
} want = { .buffer_kb = 4096 };

bool no_memory;
static FILE *output;
static struct run run;
static unsigned long resident;
static volatile sig_atomic_t stopped;
static pid_t program;

static void usage(FILE *to)
{
	fputs("usage: tamtrace [OPTION]... PROGRAM [ARG]...\n"
	      "       tamtrace [OPTION]... -p PID\n"
	      "       tamtrace [OPTION]... --from FILE\n"
	      "\n"
	      "Counts the first touches of tamalloc memory by PROGRAM, or by process PID from\n"
	      "now on, or those that --csv has written to FILE (- is standard input).\n"
	      "\n"
	      "--events       print a line for each, on standard error\n"
	      "--csv          print them as lines of CSV\n"
	      "--output FILE  print them to FILE\n"
	      "--releases     print also where touched pages are given back\n"
	      "--html FILE    write a page for a browser: the memory as it fills\n"
	      "--plot FILE    draw a heat map, address against time, into FILE.png or FILE.svg\n"
	      "--buffer KB    size of the trace buffer of each CPU (default 4096)\n"
	      "--version      print the version\n"
	      "\n"
	      "Exit status: PROGRAM's, 128+N if signal N killed it, 0 without one; 125 if\n"
	      "tamtrace failed, 126 if PROGRAM could not be run, 127 if it was not found.\n", to);
}

/* getopt_long() has given the reason if there is none. */
static void __attribute__((noreturn)) misused(const char *reason)
{
	fputs(reason, stderr);
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

/* Before the program runs, not when it has. */
static void check_place(const char *option, const char *path)
{
	char *copy = strdup(path);

	if (!copy || access(dirname(copy), W_OK))
		die("%s %s: %s", option, path, strerror(errno));
	free(copy);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "csv", no_argument, NULL, 'c' },
		{ "events", no_argument, NULL, 'e' },
		{ "releases", no_argument, NULL, 'r' },
		{ "html", required_argument, NULL, 'w' },
		{ "plot", required_argument, NULL, 'l' },
		{ "output", required_argument, NULL, 'o' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "from", required_argument, NULL, 'f' },
		{ "pid", required_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option, sources;

	while ((option = getopt_long(argc, argv, "+hp:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			want.csv = want.lines = true;
			break;
		case 'e':
			want.lines = true;
			break;
		case 'r':
			want.releases = want.lines = true;
			break;
		case 'w':
			want.page = optarg;
			check_place("--html", optarg);
			break;
		case 'l':
			want.picture = optarg;
			check_place("--plot", optarg);
			check_picture(optarg);
			break;
		case 'o':
			want.output = optarg;
			want.lines = true;
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
			misused("");
		}
	}
	sources = !!argv[optind] + !!want.from + !!want.pid;
	if (sources != 1)
		misused(sources ? "tamtrace: PROGRAM, -p and --from: only one of them\n" :
				  "tamtrace: PROGRAM, -p or --from is missing\n");
}

/* It cannot die: the instance stays as long as its files are open, from which @event comes. */
static void keep(const struct event *event)
{
	if (!(run.count & (run.count - 1))) {
		void *more = reallocarray(run.events, run.count ? 2 * run.count : 1, sizeof(*event));

		if (!more) {
			no_memory = true;
			return;
		}
		run.events = more;
	}
	run.events[run.count++] = *event;
}

static void print(const struct event *event)
{
	if (want.csv)
		csv_line(output, event);
	else
		fprintf(output, "%12.6f s  %7d  %012lx  %4u page%s %s%s\n", event->seconds,
			event->tid, event->address, event->pages, event->pages == 1 ? " " : "s",
			event->what == READ ? "read " : names_of_what[event->what],
			event->fallback ? " fallback" : "");
}

static void see(const struct event *event)
{
	if (is_touch(event)) {
		run.touches++;
		run.pages += event->pages;
		run.reads += event->what == READ;
		run.fallbacks += event->fallback;
	} else {
		run.gone[event->what] += event->pages;
	}
	resident += gain(event);
	if ((long)resident > (long)run.peak)
		run.peak = resident;
	if (want.picture || want.page)
		keep(event);
	if (want.lines && (want.releases || is_touch(event)))
		print(event);
}

/* A newline ends it, and others may be in it. */
static const char *name_of(int pid)
{
	static char name[64];
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : read(fd, name, sizeof(name));
	if (fd >= 0)
		close(fd);
	if (length < 1)
		return "?";
	name[length - 1] = 0;
	make_printable(name);
	return name;
}

/* The name of a program, also where it is tamrun that runs it, or of what --csv has written. */
static const char *title(char **argv)
{
	char *name = *argv;
	size_t length;

	if (want.pid)
		return name_of(want.pid);
	if (want.from) {
		name = strdupa(strcmp(want.from, "-") ? want.from : "touches");
	} else if (!strcmp(basename(name), "tamrun")) {
		while (*++argv)
			if (**argv != '-')
				break;
		name = *argv ?: name;
	}
	name = strdup(basename(name));
	if (!name)
		die("%s", strerror(errno));
	length = strlen(name);
	if (length > 4 && !strcmp(name + length - 4, ".csv"))
		name[length - 4] = 0;
	make_printable(name);
	return name;
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

/* Until there is nobody any more to be followed, in steps of a pause. */
static bool runs(int pidfd, int *status)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (!want.pid) {
		nanosleep(&(struct timespec){ 0, PAUSE_MS * 1000000 }, NULL);
		return waitpid(program, status, WNOHANG) != program;
	}
	/* A process that nobody has waited for has ended as well. */
	return poll(&end, 1, PAUSE_MS) <= 0 && !stopped;
}

static void record(char **argv, int *status)
{
	int pidfd = want.pid ? syscall(SYS_pidfd_open, want.pid, 0) : -1;
	bool more;

	if (want.pid && pidfd < 0)
		die("there is no process %d", want.pid);
	/* From here on a signal must not end us: the recording would stay in the kernel. */
	handle_signals(stop);
	start_recording(want.buffer_kb, see);
	if (want.pid)
		follow(want.pid);
	else
		start(argv);
	do {
		more = runs(pidfd, status);
		/* What comes after the last look at it is taken here. */
		take_events();
		fflush(output);
	} while (more && !ferror(output) && !no_memory);
	program = 0;
	*status = WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
}

static double mb(unsigned long pages)
{
	return pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void summarize(unsigned long lost)
{
	unsigned long released = 0;

	for (enum what what = 0; what < WHATS; what++)
		released += run.gone[what];
	fprintf(stderr, "tamtrace: %lu first touches, %lu of them reads; %lu pages; %lu fallbacks\n",
		run.touches, run.reads, run.pages, run.fallbacks);
	if (released)
		fprintf(stderr, "tamtrace: %.1f MB touched, at most %.1f MB of it resident; given back: %.1f MB by munmap, "
			"%.1f MB by madvise, %.1f MB otherwise, %.1f MB at the end\n", mb(run.pages), mb(run.peak),
			mb(run.gone[UNMAPPED]), mb(run.gone[DONTNEED]), mb(run.gone[UNSEEN]), mb(run.gone[EXITED]));
	if (lost)
		fprintf(stderr, "tamtrace: %lu more were lost; a larger --buffer keeps them\n", lost);
}

int main(int argc, char **argv)
{
	unsigned long lost = 0;
	int status = 0;

	parse(argc, argv);
	run.title = title(argv + optind);
	output = want.output ? fopen(want.output, "we") : stderr;
	if (!output)
		die("%s: %s", want.output, strerror(errno));
	if (want.csv)
		csv_header(output);
	if (want.from) {
		read_csv(want.from, see);
	} else {
		record(argv + optind, &status);
		lost = lost_events();
	}
	if (no_memory)
		die("no memory for more than %lu touches", run.touches);
	if (fflush(output) || ferror(output))
		die("%s could not be written: %s", want.output ? want.output : "standard error",
		    strerror(errno));
	summarize(lost);
	if (run.touches && want.picture)
		plot(&run, want.picture);
	if (run.touches && want.page)
		write_page(&run, want.page);
	if (!run.touches && (want.picture || want.page))
		fputs("tamtrace: there was no first touch, so there is nothing to draw\n", stderr);
	return status;
}
