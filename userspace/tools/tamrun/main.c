// SPDX-License-Identifier: GPL-2.0
/*
 * Runs an unmodified program with all of its anonymous memory from tamalloc: sets the mode
 * that execve(2) keeps, and becomes the program or waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "tamalloc_syscall.h"

/* Exit statuses of our own; the others are the program's. */
enum { CANNOT_SET_UP = 125, CANNOT_RUN = 126, NOT_FOUND = 127 };

/* What we wait for while the program runs, and what was blocked before. */
static sigset_t awaited, before;
/* The last signal that asked us to end, or 0. */
static int stopped;

/* What a run took. */
struct run {
	long resident, faults;
	struct peak peak;
};

#define NS 1000000000LL
#define MS 1000000LL

static void usage(FILE *to)
{
	fputs("usage: tamrun [--adaptive] [--try] [--stats] [--compare] PROGRAM [ARG]...\n"
	      "\n"
	      "Runs PROGRAM, whatever it is, with all of its anonymous memory from tamalloc.\n"
	      "\n"
	      "--adaptive  all of that memory with adaptive first touch\n"
	      "--try       on a kernel that cannot do that, run PROGRAM on plain memory\n"
	      "--stats     say on stderr at the end what the run took: kB reserved, committed\n"
	      "            and resident at most, page faults\n"
	      "--compare   the same next to a run on plain memory, which comes first, with\n"
	      "            no input and its output discarded\n"
	      "--version   print the version\n"
	      "\n"
	      "Exit status: the program's, 128+N if signal N killed it; 125 if tamrun failed,\n"
	      "126 if PROGRAM could not be run, 127 if it was not found.\n", to);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("tamrun: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(CANNOT_SET_UP);
}

/* Of this process, its children and what they execute. */
static int set_mode(unsigned long mode)
{
	return prctl(PR_SET_TAMALLOC, mode, 0, 0, 0);
}

static void refuse_or_say(int error, int try)
{
	const char *why = error == EINVAL ? "this kernel has no PR_SET_TAMALLOC" :
		"PR_SET_TAMALLOC is refused, as a sandbox does";

	if (!try)
		die("%s (prctl: %s), and nothing was run; with --try the program runs on plain memory",
		    why, strerrorname_np(error));
	fprintf(stderr, "tamrun: %s (prctl: %s): the program runs on plain memory\n", why,
		strerrorname_np(error));
}

static void __attribute__((noreturn)) run(char **argv)
{
	execvp(argv[0], argv);
	int error = errno;

	fprintf(stderr, "tamrun: %s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? NOT_FOUND : CANNOT_RUN);
}

/* What we were started with ignored stays so, for the program too. */
static void await_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD };
	struct sigaction action;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&awaited);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!sigaction(numbers[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&awaited, numbers[i]);
	sigprocmask(SIG_BLOCK, &awaited, &before);
}

/* Of our own CPU time: what we waited for the CPU cost nobody anything. */
static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * NS + now.tv_nsec;
}

/* Whether @pid has ended, and then what it took; orphans, which come to us, are only reaped. */
static bool reap(pid_t pid, struct run *run, int *status)
{
	struct rusage usage;
	pid_t ended;

	while ((ended = wait4(-1, status, WNOHANG, &usage)) > 0) {
		if (ended != pid)
			continue;
		run->faults = usage.ru_minflt + usage.ru_majflt;
		run->resident = usage.ru_maxrss;
		return true;
	}
	if (ended < 0)
		die("wait4: %s", strerror(errno));
	return false;
}

/*
 * Until @pid has ended, whose status it returns. The terminal sends its signals to the
 * program itself, others are passed on; we report what became of it.
 */
static int await(pid_t pid, struct run *run)
{
	long long pause = MS, now, took;
	int number, status;

	for (;;) {
		/* Often at first, for short programs; for 5% of a CPU's time at most. */
		now = nanoseconds();
		sample(&run->peak);
		took = nanoseconds() - now;
		pause = pause < 25 * MS ? 2 * pause : 50 * MS;
		now = pause > 20 * took ? pause : 20 * took;
		number = sigtimedwait(&awaited, NULL,
				      &(struct timespec){ now / NS, now % NS });
		if (number == SIGHUP || number == SIGTERM)
			kill(pid, number);
		/* Of signals that are pending, the one with the lowest number comes: SIGCHLD is last. */
		if (number > 0 && number != SIGCHLD)
			stopped = number;
		if (number == SIGCHLD && reap(pid, run, &status))
			return status;
	}
}

/* Runs it in a child, in that mode if there is one; its status as a shell has it. */
static int measure(char **argv, int mode, int quiet, struct run *took)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (quiet) {
			int null = open("/dev/null", O_RDWR | O_CLOEXEC);

			dup2(null, 0);
			dup2(null, 1);
			dup2(null, 2);
		}
		/* Ours may be one already, if it is a tamrun that runs us. */
		set_mode(mode);
		run(argv);
	}
	status = await(pid, took);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void print_row(const char *name, int columns, long with, long without)
{
	long figures[] = { with, without };

	fprintf(stderr, "  %-18s", name);
	for (int i = 0; i < columns; i++) {
		if (figures[i] < 0)
			fprintf(stderr, " %12s", "-");
		else
			fprintf(stderr, " %12ld", figures[i]);
	}
	fputc('\n', stderr);
}

/* The second run is all zero if there was none, and not printed. */
static void report(const struct run runs[2], int columns)
{
	const struct run *with = &runs[0], *without = &runs[1];
	const struct peak *peak = &with->peak;
	bool known = peak->seen && !peak->error;

	if (columns == 2)
		fprintf(stderr, "  %-18s %12s %12s\n", "", "tamrun", "without");
	print_row("peak reserved, kB", columns, known ? peak->reserved : -1, -1);
	print_row("peak committed, kB", columns, known ? peak->committed : -1, -1);
	print_row("peak resident, kB", columns, with->resident, without->resident);
	print_row("faults", columns, with->faults, without->faults);
	if (peak->error == ENOENT)
		fputs("reserved and committed are not known: /proc or its task/TID/children is not there\n", stderr);
	else if (peak->error)
		fprintf(stderr, "reserved and committed are not known: smaps of a process: %s\n",
			strerror(peak->error));
	else if (known)
		fputs("reserved and committed: of all processes together, as sampled every 50 ms\n", stderr);
	else
		fputs("reserved and committed: no tamalloc memory in any sample\n", stderr);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "adaptive", no_argument, NULL, 'a' },
		{ "try", no_argument, NULL, 't' },
		{ "stats", no_argument, NULL, 's' },
		{ "compare", no_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int mode = PR_TAMALLOC_STRICT, try = 0, count = 0, compare = 0, status, other = 0, option;
	struct run runs[2] = { 0 };

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			mode = PR_TAMALLOC_ADAPTIVE;
			break;
		case 't':
			try = 1;
			break;
		case 'c':
			compare = 1;
			/* fallthrough */
		case 's':
			count = 1;
			break;
		case 'v':
			puts("tamrun (tamalloc) " VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return CANNOT_SET_UP;
		}
	}
	argv += optind;
	if (!*argv) {
		fputs("tamrun: no PROGRAM to run\n", stderr);
		usage(stderr);
		return CANNOT_SET_UP;
	}

	if (set_mode(mode))
		refuse_or_say(errno, try);
	if (!count)
		run(argv);
	await_signals();
	/* So that what its processes leave behind stays among our descendants. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (compare)
		other = measure(argv, PR_TAMALLOC_OFF, 1, &runs[1]);
	if (stopped)
		return 128 + stopped;
	status = measure(argv, mode, 0, &runs[0]);

	fprintf(stderr, "tamrun: %s ended with status %d\n", argv[0], status);
	if (compare && other != status)
		fprintf(stderr, "tamrun: without tamrun, with status %d\n", other);
	report(runs, 1 + compare);
	return status;
}
