// SPDX-License-Identifier: GPL-2.0
/*
 * Runs an unmodified program with its malloc() family served from tamalloc memory, by
 * preloading libtamrun.so (preload.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tamalloc.h"
#include "tamrun.h"

/* Exit statuses of our own; the others are the program's. */
enum { CANNOT_SET_UP = 125, CANNOT_RUN = 126, NOT_FOUND = 127 };

/* What we wait for while the program runs, and what was blocked before. */
static sigset_t awaited, before;
/* The last signal that asked us to end, or 0. */
static int stopped;

/* What a run took; @committed is the most that was seen, in kB, -1 if there was no region. */
struct run {
	struct rusage usage;
	long committed;
};

#define NS 1000000000LL
#define MS 1000000LL

static void usage(FILE *to)
{
	fputs("usage: tamrun [--adaptive] [--stats] [--compare] PROGRAM [ARG]...\n"
	      "\n"
	      "Runs PROGRAM with the memory of malloc() and its family from tamalloc.\n"
	      "\n"
	      "--adaptive  all of that memory with adaptive first touch\n"
	      "--stats     say on stderr at the end what the run took: kB reserved, peak\n"
	      "            committed, peak resident, page faults\n"
	      "--compare   the same next to a run without tamrun, which comes first, with\n"
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

/* The library is beside this program, as built, or in PREFIX/lib/tamalloc, as installed. */
static void preload(void)
{
	static const char * const places[] = { "", "/../lib/tamalloc" };
	char self[PATH_MAX] = "", *dir, *path;
	const char *others = getenv("LD_PRELOAD");

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		die("/proc/self/exe: %s; is /proc mounted?", strerror(errno));
	dir = dirname(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (asprintf(&path, "%s%s/libtamrun.so", dir, places[i]) < 0)
			die("%s", strerror(errno));
		if (access(path, R_OK))
			continue;
		/* The program would run without the library, and nobody would know. */
		if (strpbrk(path, " :"))
			die("%s has a space or a colon in its path, where LD_PRELOAD is split: "
			    "put tamrun elsewhere", path);
		if (others && *others && asprintf(&path, "%s:%s", path, others) < 0)
			die("%s", strerror(errno));
		setenv("LD_PRELOAD", path, 1);
		return;
	}
	die("no libtamrun.so in %s or %s%s; make install puts it there", dir, dir, places[1]);
}

/* The file has a path while we run, and no descriptor of it leaks to the program. */
static struct tamrun_stats *share_stats(void)
{
	struct tamrun_stats *stats;
	int fd = memfd_create("tamrun", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || ftruncate(fd, sizeof(*stats)))
		die("no memory for --stats: %s", strerror(errno));
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (stats == MAP_FAILED)
		die("no memory for --stats: %s", strerror(errno));
	stats->magic = TAMRUN_MAGIC;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	setenv(TAMRUN_STATS, path, 1);
	return stats;
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

/* What @pid has of tamalloc's memory now, resident or in swap. */
static void sample(pid_t pid, struct run *run)
{
	unsigned long resident = 0, swapped = 0;
	long sum = -1;
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *smaps;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	smaps = fopen(path, "re");
	if (!smaps)
		return;
	while (getline(&line, &size, smaps) > 0) {
		sscanf(line, "Rss: %lu", &resident);
		sscanf(line, "Swap: %lu", &swapped);
		/* These end a mapping. The name [anon:tamalloc] can be changed by the program. */
		if (!strncmp(line, "VmFlags:", 8) && strstr(line, " tm"))
			sum = (sum < 0 ? 0 : sum) + resident + swapped;
	}
	free(line);
	fclose(smaps);
	if (sum > run->committed)
		run->committed = sum;
}

static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS + now.tv_nsec;
}

/*
 * Until @pid has ended, whose status it returns. The terminal sends its signals to the
 * program itself, others are passed on; we report what became of it.
 */
static int await(pid_t pid, struct run *run)
{
	long long pause = MS, now, took;
	int number, status;

	run->committed = -1;
	for (;;) {
		/* Often at first, for short programs; for 5% of the time at most. */
		now = nanoseconds();
		sample(pid, run);
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
		if (number != SIGCHLD)
			continue;
		pid_t ended = wait4(pid, &status, WNOHANG, &run->usage);

		if (ended < 0)
			die("wait4: %s", strerror(errno));
		if (ended)
			return status;
	}
}

/* Runs it in a child; its status as a shell has it. */
static int measure(char **argv, int quiet, struct run *took)
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
static void report(const struct tamrun_stats *stats, const struct run runs[2], int columns)
{
	const struct rusage *with = &runs[0].usage, *without = &runs[1].usage;

	if (columns == 2)
		fprintf(stderr, "  %-18s %12s %12s\n", "", "tamrun", "without");
	print_row("reserved, kB", columns, stats->reserved >> 10, -1);
	print_row("peak committed, kB", columns, runs[0].committed, runs[1].committed);
	print_row("peak resident, kB", columns, with->ru_maxrss, without->ru_maxrss);
	print_row("faults", columns, with->ru_minflt + with->ru_majflt,
		  without->ru_minflt + without->ru_majflt);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "adaptive", no_argument, NULL, 'a' },
		{ "stats", no_argument, NULL, 's' },
		{ "compare", no_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int adaptive = 0, count = 0, compare = 0, status, other = 0, option;
	struct run runs[2] = { 0 };
	struct tamrun_stats *stats;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			adaptive = 1;
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

	if (count)
		await_signals();
	if (compare)
		other = measure(argv, 1, &runs[1]);
	if (stopped)
		return 128 + stopped;
	if (!tamalloc_available())
		fputs("tamrun: this kernel has no tamalloc; mmap stands in for it\n", stderr);
	preload();
	if (adaptive)
		setenv(TAMRUN_ADAPTIVE, "1", 1);
	else
		unsetenv(TAMRUN_ADAPTIVE);
	if (!count)
		run(argv);
	stats = share_stats();
	status = measure(argv, 0, &runs[0]);

	fprintf(stderr, "tamrun: %s ended with status %d\n", argv[0], status);
	if (compare && other != status)
		fprintf(stderr, "tamrun: without tamrun, with status %d\n", other);
	if (!stats->processes)
		fputs("tamrun: it did not load libtamrun.so: is it static, or set-user-ID?\n",
		      stderr);
	report(stats, runs, 1 + compare);
	return status;
}
