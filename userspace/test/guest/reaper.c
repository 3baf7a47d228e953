// SPDX-License-Identifier: GPL-2.0
/*
 * What the OOM reaper took away does not come back as zeroes. process_mrelease()
 * reaps a process that is killed but has not exited, which this test arranges by
 * keeping it off its only CPU.
 */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "mem.h"
#include "process.h"
#include "settings.h"
#include "tap.h"

#define PAGES 16UL

/* A child that does not outlive a failed check. */
static pid_t start(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	return pid;
}

/* A process on @cpu that runs for ever, at a priority above all others. */
static pid_t hog(int cpu)
{
	struct sched_param first = { .sched_priority = sched_get_priority_max(SCHED_FIFO) };
	int ready[2];
	char byte;
	pid_t pid;

	CHECK_EQ(pipe(ready), 0);
	pid = start();
	if (!pid) {
		pin_to_cpu(cpu);
		CHECK_EQ(sched_setscheduler(0, SCHED_FIFO, &first), 0);
		CHECK_EQ(write(ready[1], "", 1), 1);
		for (;;)
			;
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	return pid;
}

/* A process on @cpu whose region has been written; it waits to be killed. */
static pid_t victim(int cpu, char **region)
{
	int ready[2];
	pid_t pid;

	CHECK_EQ(pipe(ready), 0);
	pid = start();
	if (!pid) {
		char *p = tamalloc(PAGES * page);

		pin_to_cpu(cpu);
		memset(p, 'x', PAGES * page);
		CHECK_EQ(write(ready[1], &p, sizeof(p)), sizeof(p));
		for (;;)
			;
	}
	CHECK_EQ(read(ready[0], region, sizeof(*region)), sizeof(*region));
	return pid;
}

static ssize_t peek_at(pid_t pid, void *from, char *byte)
{
	struct iovec local = { .iov_base = byte, .iov_len = 1 };
	struct iovec remote = { .iov_base = from, .iov_len = 1 };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static void reaped(void)
{
	pid_t running, killed;
	char *region, byte = 0;
	int pidfd;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		tap_skip("needs two CPUs");
	set("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	pin_to_cpu(0);
	killed = victim(1, &region);
	pidfd = syscall(SYS_pidfd_open, killed, 0);
	CHECK(pidfd >= 0);
	CHECK_EQ(peek_at(killed, region, &byte), 1);
	CHECK_EQ(byte, 'x');

	running = hog(1);
	CHECK_EQ(kill(killed, SIGKILL), 0);
	CHECK_EQ(syscall(SYS_process_mrelease, pidfd, 0), 0);
	byte = 'y';
	CHECK_FAILS(peek_at(killed, region, &byte), EFAULT);
	CHECK_EQ(byte, 'y');

	CHECK_EQ(kill(running, SIGKILL), 0);
	CHECK_EQ(waitpid(running, NULL, 0), running);
	CHECK_EQ(waitpid(killed, NULL, 0), killed);
}

static const struct test tests[] = {
	TEST("a reaped page of a killed process is gone, not zero", reaped),
};

TAP_MAIN(tests, no_tamalloc)
