// SPDX-License-Identifier: GPL-2.0
/*
 * process_mrelease(2) takes the memory of a killed process before it has exited.
 * A tracer stops the process on its way out, so that there is time to look.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "matrix.h"

static void await_stop(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, __WALL) == pid);
	CHECK(WIFSTOPPED(status));
}

/* A child with the memory half written, dying, and still there. */
static pid_t dying(char *p)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		fill(p, PAGES / 2);
		raise(SIGSTOP);
		_exit(EXIT_SUCCESS);
	}
	await_stop(pid);
	CHECK(!ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACEEXIT));
	CHECK(!kill(pid, SIGKILL));
	await_stop(pid);
	return pid;
}

static long rss(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return field(path, "RssAnon");
}

/* What cannot be read must not look like a zero: the buffer keeps what it held. */
static void say_byte(int mem, pid_t pid, const char *name, const char *p)
{
	char bytes[2] = { 'y', 'y' };
	const struct iovec local = { &bytes[1], 1 }, remote = { (void *)p, 1 };

	say_outcome(name, pread(mem, &bytes[0], 1, (uintptr_t)p));
	say_outcome("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
	say(bytes[0] == 'y' && bytes[1] == 'y' ? "nothing read" : "READ");
}

static void released(const struct cell *cell)
{
	char *p = get(cell, SIZE), path[64];
	int pidfd, mem, status;
	pid_t pid = dying(p);

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(mem >= 0 && pidfd >= 0);
	say_outcome(NULL, syscall(SYS_process_mrelease, pidfd, 0));
	say(rss(pid) ? "RssAnon NOT 0" : "RssAnon 0");
	say_byte(mem, pid, "read what was written", p);
	say_byte(mem, pid, "read what was not", p + SIZE - page);
	CHECK(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid);
	say(WIFSIGNALED(status) ? "ended by SIG%s" : "ended%s",
	    WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "");
}

static void alive(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);

	fill(p, PAGES);
	say_outcome(NULL, syscall(SYS_process_mrelease, pidfd, 0));
	say_pages(p, PAGES);
}

const struct row reaper_rows[] = {
	{ "process_mrelease of a killed process, then read", released },
	{ "process_mrelease of a living process", alive, .refused = "EINVAL" },
	{}
};
