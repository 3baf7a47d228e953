// SPDX-License-Identifier: GPL-2.0
/*
 * launch [--marked] PROGRAM [ARG]...: in the guest, run one program so that the tracer sees it
 * alone, and pass on its output and status.
 *
 * On the only CPU, a program under SCHED_FIFO is not preempted, and its parent is the next to
 * run. Its output goes to a file first: whoever empties a pipe would run in between. Addresses
 * are not randomized. --marked: the program has markers of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "marker.h"

#define OUTPUT	"/tmp/launch.output"

static void fail(const char *what)
{
	fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void be_first(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		fail("SCHED_FIFO");
}

/* By default, real-time tasks leave 5 % of each second to the others. */
static void no_throttling(void)
{
	int fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "-1", 2) != 2)
		fail("/proc/sys/kernel/sched_rt_runtime_us");
	close(fd);
}

/* Marker and system call without an instruction between them. */
static long marked_execve(const char *path, char **argv, char **environment)
{
	long result = SYS_execve;

	__asm__ volatile(LAB_MARK(LAB_MARK_EXEC) "syscall"
			 : "+a"(result) : "D"(path), "S"(argv), "d"(environment) : "rcx", "r11", "memory");
	return result;
}

static long marked_wait(pid_t pid, int *status)
{
	register long no_usage __asm__("r10") = 0;
	long result = SYS_wait4;

	__asm__ volatile("syscall\n" LAB_MARK(LAB_MARK_STOP)
			 : "+a"(result) : "D"((long)pid), "S"(status), "d"(0L), "r"(no_usage)
			 : "rcx", "r11", "memory");
	return result;
}

static void run(char **argv, int output, int marked)
{
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		fail("personality");
	if (dup2(output, 1) < 0)
		fail("dup2");
	be_first(2);
	if (marked)
		execv(argv[0], argv);
	else
		errno = -marked_execve(argv[0], argv, environ);
	fail(argv[0]);
}

int main(int argc, char **argv)
{
	int marked = argc > 1 && !strcmp(argv[1], "--marked");
	int status = 0, output;
	off_t size;
	pid_t pid;

	argv += 1 + marked;
	if (!argv[0]) {
		fputs("usage: launch [--marked] PROGRAM [ARG]...\n", stderr);
		return 125;
	}
	output = open(OUTPUT, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (output < 0)
		fail(OUTPUT);
	no_throttling();
	be_first(1);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid)
		run(argv, output, marked);
	if (marked_wait(pid, &status) != pid)
		fail("wait");
	size = lseek(output, 0, SEEK_END);
	lseek(output, 0, SEEK_SET);
	while (size > 0) {
		ssize_t n = sendfile(1, output, NULL, size);

		if (n <= 0)
			fail("sendfile");
		size -= n;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
