// SPDX-License-Identifier: GPL-2.0
/*
 * Charges that fail. The kernel cannot inject such failures, so a cgroup is filled whose
 * processes may not be killed. Calls then return an error and touches wait. A process
 * that may be killed dies alone, and everything it had is uncharged.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define LIMIT	(4 * MIB)
#define SIZE	(4 * LIMIT)

static char *region, *source;
static int zeroes;

static void be_unkillable(void)
{
	write_file("/proc/self/oom_score_adj", "-1000");
}

/* These run with the cgroup full: any other page needed would wait for room. */
static long populate_write(void)
{
	return madvise(region, SIZE, MADV_POPULATE_WRITE);
}

static long populate_read(void)
{
	return madvise(region, SIZE, MADV_POPULATE_READ);
}

static long write_remotely(void)
{
	const struct iovec local = { source, SIZE }, remote = { region, SIZE };

	return process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

static long read_zeroes(void)
{
	return read(zeroes, region, SIZE);
}

static const struct refusal {
	long (*call)(void);
	int error;
	bool may_be_partial;
} refusals[] = {
	{ populate_write, ENOMEM, false },
	{ populate_read, ENOMEM, false },
	{ write_remotely, EFAULT, true },
	{ read_zeroes, EFAULT, true },
};

static void refused(void *arg)
{
	const struct refusal *refusal = arg;
	long ret;

	/* Populate the rest of the process, so that nothing else has to wait. */
	CHECK(!mlockall(MCL_CURRENT) && !munlockall());
	be_unkillable();
	source = plain(SIZE);
	zeroes = open("/dev/zero", O_RDONLY);
	region = tamalloc(SIZE);
	CHECK(zeroes >= 0);
	cgroup_join();
	ret = refusal->call();
	CHECK(!madvise(region + MIB, SIZE - MIB, MADV_DONTNEED));
	if (ret < 0)
		CHECK_EQ(errno, refusal->error);
	CHECK(ret < 0 || (refusal->may_be_partial && ret > 0 && ret < (long)SIZE));
	CHECK_EQ(resident(region, SIZE), MIB / page);
	CHECK(all_zero(region, MIB));
	/* With room again touches work as before. */
	CHECK(!madvise(region, SIZE, MADV_DONTNEED));
	check_strict(region, 16 * page);
}

static void in_full_cgroup(void (*fn)(void))
{
	long before;

	cgroup_make("4M", "0");
	before = cgroup_dying();
	fn();
	cgroup_remove();
	cgroup_check_dying(before);
}

static void refuse_all(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		CHECK_EQ(child(refused, (void *)&refusals[i]), 0);
}

static void calls(void)
{
	in_full_cgroup(refuse_all);
}

static void touch_all(void)
{
	region = tamalloc(SIZE);
	for (size_t i = 0; i < SIZE; i += page)
		poke(region + i, 't');
	CHECK_EQ(resident(region, SIZE), SIZE / page);
	for (size_t i = 0; i < SIZE; i += page)
		CHECK_EQ(peek(region + i), 't');
}

/* A process that has reached the limit and waits in a touch. */
static pid_t start_waiter(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		cgroup_join();
		be_unkillable();
		touch_all();
		_exit(EXIT_SUCCESS);
	}
	while (field(CGROUP "/memory.events", "oom") < 2)
		usleep(1000);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	return pid;
}

static void wait_for_room(void)
{
	pid_t pid = start_waiter();
	int status;

	write_file(CGROUP "/memory.max", "64M");
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void touch_waits(void)
{
	in_full_cgroup(wait_for_room);
}

static void kill_waiter(void)
{
	pid_t pid = start_waiter();
	int status;

	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void touch_is_killed(void)
{
	in_full_cgroup(kill_waiter);
}

static void populate_all(void *unused)
{
	(void)unused;
	cgroup_join();
	region = tamalloc(SIZE);
	madvise(region, SIZE, MADV_POPULATE_WRITE);
}

static void kill_offender(void)
{
	CHECK_EQ(killed_by(populate_all, NULL), SIGKILL);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 1);
}

static void offender(void)
{
	in_full_cgroup(kill_offender);
}

static const struct test tests[] = {
	TEST("in a full cgroup MADV_POPULATE is ENOMEM; read(2) and process_vm_writev are EFAULT or partial", calls),
	TEST("a touch waits for room and then succeeds", touch_waits),
	TEST("a touch that waits can be killed", touch_is_killed),
	TEST("a process that populates beyond the limit is killed and uncharged", offender),
};

TAP_MAIN(tests, no_tamalloc)
