// SPDX-License-Identifier: GPL-2.0
/*
 * measure FILE PROGRAM [ARG]...: runs PROGRAM and writes to FILE what it and the children
 * it waited for took: status, peak resident kB, faults, CPU time in microseconds. Under
 * scripts/boot --icount a microsecond is 1000 instructions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	FILE *file;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: measure FILE PROGRAM [ARG]...\n", stderr);
		return 125;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("measure");
		return 125;
	}
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	file = fopen(argv[1], "we");
	if (!file || fprintf(file, "%d %ld %ld %lld\n", status, usage.ru_maxrss,
			     usage.ru_minflt + usage.ru_majflt,
			     (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
			     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) < 0 || fclose(file)) {
		perror(argv[1]);
		return 125;
	}
	return status;
}
