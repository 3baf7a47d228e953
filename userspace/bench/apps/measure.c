// SPDX-License-Identifier: GPL-2.0
/*
 * measure FILE PROGRAM [ARG]...: runs PROGRAM and writes to FILE what it and the children
 * it waited for took: status, peak resident kB, faults, CPU time in microseconds, and the
 * most kB that one of them had of the zero page, as sampled. Under scripts/boot --icount a
 * microsecond is 1000 instructions.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zero.h"

#define NS 1000000000LL
#define MS 1000000LL

/* Of our own CPU time: --icount counts the program's by itself. */
static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * NS + now.tv_nsec;
}

int main(int argc, char **argv)
{
	long zero = 0, now;
	struct rusage usage;
	long long took;
	sigset_t child;
	pid_t pid, ended;
	int status;
	FILE *file;

	if (argc < 3) {
		fputs("usage: measure FILE PROGRAM [ARG]...\n", stderr);
		return 125;
	}
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &child, NULL);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	while (!(ended = pid < 0 ? pid : wait4(pid, &status, WNOHANG, &usage))) {
		took = nanoseconds();
		now = zero_page_kb(pid);
		if (zero < now)
			zero = now;
		/* A sample costs more the more is mapped; it may take 5 % of the time. */
		took = 20 * (nanoseconds() - took);
		took = took < 20 * MS ? 20 * MS : took;
		sigtimedwait(&child, NULL, &(struct timespec){ took / NS, took % NS });
	}
	if (ended < 0) {
		perror("measure");
		return 125;
	}
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	file = fopen(argv[1], "we");
	if (!file || fprintf(file, "%d %ld %ld %lld %ld\n", status, usage.ru_maxrss,
			     usage.ru_minflt + usage.ru_majflt,
			     (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
			     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec, zero) < 0 || fclose(file)) {
		perror(argv[1]);
		return 125;
	}
	return status;
}
