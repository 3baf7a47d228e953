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
#include <unistd.h>

#include "tamalloc.h"
#include "tamrun.h"

/* Exit statuses of our own; the others are the program's. */
enum { CANNOT_SET_UP = 125, CANNOT_RUN = 126, NOT_FOUND = 127 };

/* What we wait for while the program runs, and what was blocked before. */
static sigset_t awaited, before;
/* The last signal that asked us to end, or 0. */
static int stopped;

static void usage(FILE *to)
{
	fputs("usage: tamrun [--adaptive] [--stats] [--compare] PROGRAM [ARG]...\n"
	      "\n"
	      "Runs PROGRAM with the memory of malloc() and its family from tamalloc.\n"
	      "\n"
	      "--adaptive  all of that memory with adaptive first touch\n"
	      "--stats     say on stderr at the end what the run took: bytes reserved, peak\n"
	      "            resident, page faults\n"
	      "--compare   the same next to a run without tamrun, which comes first; what\n"
	      "            that one prints goes to /dev/null, and it has no input\n"
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

/*
 * Until @pid has ended, whose status it returns. The terminal sends its signals to the
 * program itself, others are passed on; we report what became of it.
 */
static int await(pid_t pid, struct rusage *usage)
{
	int number, status;

	for (;;) {
		number = sigwaitinfo(&awaited, NULL);
		if (number == SIGHUP || number == SIGTERM)
			kill(pid, number);
		/* Of signals that are pending, the one with the lowest number comes: SIGCHLD is last. */
		if (number > 0 && number != SIGCHLD)
			stopped = number;
		if (number != SIGCHLD)
			continue;
		pid_t ended = wait4(pid, &status, WNOHANG, usage);

		if (ended < 0)
			die("wait4: %s", strerror(errno));
		if (ended)
			return status;
	}
}

/* Runs it in a child; its status as a shell has it. */
static int measure(char **argv, int quiet, struct rusage *usage)
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
	status = await(pid, usage);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void report(const struct tamrun_stats *stats, const struct rusage *with,
		   const struct rusage *without)
{
	long rows[][2] = {
		{ stats->reserved >> 10, -1 },
		{ with->ru_maxrss, without ? without->ru_maxrss : -1 },
		{ with->ru_minflt + with->ru_majflt,
		  without ? without->ru_minflt + without->ru_majflt : -1 },
	};
	static const char * const names[] = { "reserved, kB", "peak resident, kB", "faults" };

	if (without)
		fprintf(stderr, "  %-18s %12s %12s\n", "", "tamrun", "without");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fprintf(stderr, "  %-18s %12ld", names[i], rows[i][0]);
		if (rows[i][1] >= 0)
			fprintf(stderr, " %12ld", rows[i][1]);
		fputc('\n', stderr);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "adaptive", no_argument, NULL, 'a' },
		{ "stats", no_argument, NULL, 's' },
		{ "compare", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int adaptive = 0, count = 0, compare = 0, status, other = 0, option;
	struct rusage with, without;
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
		usage(stderr);
		return CANNOT_SET_UP;
	}

	if (count)
		await_signals();
	if (compare)
		other = measure(argv, 1, &without);
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
	status = measure(argv, 0, &with);

	fprintf(stderr, "tamrun: %s ended with status %d\n", argv[0], status);
	if (compare && other != status)
		fprintf(stderr, "tamrun: without tamrun, with status %d\n", other);
	if (!stats->processes)
		fputs("tamrun: it did not load libtamrun.so: is it static, or set-user-ID?\n",
		      stderr);
	report(stats, &with, compare ? &without : NULL);
	return status;
}
