// SPDX-License-Identifier: GPL-2.0
/*
 * A process touches more than the machine has. The OOM killer finds it by its resident
 * pages and kills no other.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "counters.h"
#include "mem.h"
#include "settings.h"
#include "tap.h"

#define HELD	(64 * MIB)

static void *(*reserve)(size_t size);

static void check_held(const char *p)
{
	for (size_t i = 0; i < HELD; i += page)
		CHECK_EQ(peek(p + i), 'h');
}

static char *hold(void *(*get)(size_t))
{
	char *p = get(HELD);

	for (size_t i = 0; i < HELD; i += page)
		poke(p + i, 'h');
	return p;
}

/* It has a lot of plain memory, but not the most. */
static pid_t start_bystander(void)
{
	pid_t pid = fork();
	int status;
	char *p;

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		p = hold(plain);
		raise(SIGSTOP);
		check_held(p);
		_exit(EXIT_SUCCESS);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	return pid;
}

/* Half of it by reads, half by writes. */
static void touch_too_much(void *unused)
{
	const size_t bytes = 2 * KIB * field("/proc/meminfo", "MemTotal");
	char *p = reserve(bytes);

	(void)unused;
	for (size_t i = 0; i < bytes; i += page) {
		if (i / page % 2)
			poke(p + i, 1);
		else
			CHECK_EQ(peek(p + i), 0);
	}
}

static void killed_alone(void *(*how)(size_t))
{
	long kills = vmstat("oom_kill");
	pid_t bystander;
	char *own;
	int status;

	set(THP "enabled", "madvise");
	reserve = how;
	own = hold(how);
	bystander = start_bystander();
	CHECK_EQ(killed_by(touch_too_much, NULL), SIGKILL);
	CHECK_EQ(vmstat("oom_kill") - kills, 1);
	check_held(own);
	CHECK(!kill(bystander, SIGCONT));
	CHECK_EQ(waitpid(bystander, &status, 0), bystander);
	CHECK_EQ(status, 0);
}

static void strict(void)
{
	killed_alone(tamalloc);
}

static void by_windows(void)
{
	killed_alone(adaptive);
}

static const struct test tests[] = {
	TEST("a process that touches more than the machine has is killed alone", strict),
	TEST("so is one whose region is adaptive", by_windows),
};

TAP_MAIN(tests, no_tamalloc)
