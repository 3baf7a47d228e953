// SPDX-License-Identifier: GPL-2.0
/*
 * Touching more memory than there is: several processes that swap at once, and storms
 * of OOM kills.
 *
 *	pressure		within a memory cgroup
 *	pressure machine=1	swap twice what the machine has; wants a disk
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"

#define WORKERS		4
#define GROUP_MIB	32	/* memory.max; twice as much is touched */
#define MGLRU		"/sys/kernel/mm/lru_gen/enabled"

#define STORM_MIB	24
#define RUNNERS		8
#define KILLS		40

static unsigned long whole_machine;

/* A different value for each word, process and round. */
static unsigned long word(int worker, size_t i, int round)
{
	return (i + 1) * 8191 + ((unsigned long)worker << 56) + ((unsigned long)round << 48);
}

static void fill(unsigned long *p, size_t words, int worker, int round)
{
	for (size_t i = 0; i < words; i++)
		p[i] = word(worker, i, round);
}

/* Odd pages hold the values of round @odd, even ones those of round 0. */
static void check_filled(unsigned long *p, size_t words, int worker, int odd)
{
	const size_t per_page = page / sizeof(*p);

	for (size_t i = 0; i < words; i++) {
		unsigned long want = word(worker, i, i / per_page % 2 ? odd : 0);

		if (p[i] != want)
			tap_fail(__FILE__, __LINE__, "worker %d, word %#zx is %#lx, not %#lx",
				 worker, i, p[i], want);
	}
}

/* Fill and check, then write to every other page, wherever it is by now, and check. */
static void work(int worker, size_t bytes, pthread_barrier_t *all)
{
	const size_t words = bytes / sizeof(long), per_page = page / sizeof(long);
	unsigned long *p = tamalloc(bytes);

	fill(p, words, worker, 0);
	pthread_barrier_wait(all);
	check_filled(p, words, worker, 0);
	for (size_t i = 0; i < words; i++)
		if (i / per_page % 2)
			p[i] = word(worker, i, 1);
	pthread_barrier_wait(all);
	check_filled(p, words, worker, 1);
	CHECK_EQ(resident(p, bytes), bytes / page);
}

static void swapped_by_many(const char *mglru)
{
	/* No fewer pages than reclaim needs to get on with. */
	size_t limit = GROUP_MIB * MIB > 4096 * page ? GROUP_MIB * MIB : 4096 * page;
	long out = vmstat("pswpout");
	pthread_barrierattr_t shared;
	pthread_barrier_t *all;
	char text[32];

	if (access(MGLRU, W_OK))
		tap_skip("this kernel has no MGLRU (LRU_GEN)");
	if (whole_machine) {
		if (!has_swap_disk())
			tap_skip("there is no disk to swap to: boot with --disk");
		limit = field("/proc/meminfo", "MemTotal") * KIB;
	}
	alarm(whole_machine ? 0 : 1800);
	set(THP "enabled", "always");
	set(MGLRU, mglru);
	start_swap(ANY_SWAP);
	snprintf(text, sizeof(text), "%zu", limit);
	if (!whole_machine)
		cgroup_make(text, "max");

	all = mmap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(all != MAP_FAILED);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(all, &shared, WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			/* A worker that waits for a failed one ends with the test. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (!whole_machine)
				cgroup_join();
			work(i, 2 * limit / WORKERS & -page, all);
			_exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		int status;

		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	CHECK(vmstat("pswpout") - out >= (long)(limit / page / 2));
	if (!whole_machine)
		cgroup_remove();
	stop_swap();
}

static void swapped_with_mglru(void)
{
	swapped_by_many("y");
}

static void swapped_without_mglru(void)
{
	swapped_by_many("n");
}

/* Shared by a runner's threads: how many words it has written, in order. */
struct run {
	unsigned long *p;
	size_t written;
};

static unsigned long *lost;	/* a written word that was read as something else; shared by all */

/* A page that the OOM reaper took from a dying process must not read as zero. */
static void *look_back(void *arg)
{
	struct run *run = arg;
	const size_t step = page / sizeof(long);

	for (size_t i = 0;; i += step) {
		if (i >= __atomic_load_n(&run->written, __ATOMIC_ACQUIRE))
			i = 0;
		else if (run->p[i] != i + 1)
			*lost = i + 1;
	}
	return NULL;
}

/* Touch until killed. */
static void runner(void)
{
	const size_t bytes = 2 * STORM_MIB * MIB, words = bytes / sizeof(long);
	const size_t step = page / sizeof(long);
	struct run run = { 0 };
	pthread_t thread;

	cgroup_join();
	run.p = tamalloc(bytes);
	CHECK(!pthread_create(&thread, NULL, look_back, &run));
	for (size_t i = 0; i < words; i += step) {
		if (i / step % 4 == 3)
			CHECK_EQ(run.p[i], 0);
		run.p[i] = i + 1;
		__atomic_store_n(&run.written, i + step, __ATOMIC_RELEASE);
	}
	_exit(EXIT_SUCCESS);
}

static pid_t start_runner(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		runner();
	return pid;
}

static void storm(void)
{
	const size_t bytes = 8 * MIB;
	pid_t pid[RUNNERS];
	unsigned long *own = tamalloc(bytes);
	long anon;
	int kills = 0, running = RUNNERS;
	char text[32];

	alarm(1800);
	set(THP "enabled", "always");
	lost = mmap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(lost != MAP_FAILED);
	fill(own, bytes / sizeof(*own), 0, 0);
	anon = vmstat("nr_anon_pages");
	snprintf(text, sizeof(text), "%dM", STORM_MIB);
	cgroup_make(text, "0");
	for (int i = 0; i < RUNNERS; i++)
		pid[i] = start_runner();

	while (running) {
		int status, i;
		pid_t ended = waitpid(-1, &status, 0);

		CHECK(ended > 0);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			tap_fail(__FILE__, __LINE__, "a runner ended with status %#x", status);
		for (i = 0; pid[i] != ended; i++)
			CHECK(i + 1 < RUNNERS);
		/* Kill the last ones, which would not reach the limit. */
		if (++kills < KILLS) {
			pid[i] = start_runner();
			continue;
		}
		if (kills == KILLS)
			for (int j = 0; j < RUNNERS; j++)
				if (j != i)
					kill(pid[j], SIGKILL);
		running--;
	}
	CHECK_EQ(*lost, 0);
	CHECK(field(CGROUP "/memory.events", "oom_kill") >= KILLS - RUNNERS);
	check_filled(own, bytes / sizeof(*own), 0, 0);
	CHECK_EQ(cgroup_stat(CGROUP, "anon"), 0);
	CHECK(labs(vmstat("nr_anon_pages") - anon) < 256);
	cgroup_remove();
}

/* Stops for its parent, then runs into its limit. */
static void victim(char *p)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	cgroup_join();
	raise(SIGSTOP);
	for (size_t i = 0; i < 2 * STORM_MIB * MIB; i += page)
		poke(p + i, 'v');
	_exit(EXIT_SUCCESS);
}

/*
 * The OOM reaper takes the pages of a killed process that its tracer holds in exit. A
 * tracer that looks at them gets an error.
 */
static void reaped(void *get)
{
	char *p = ((void *(*)(size_t))get)(2 * STORM_MIB * MIB), path[64], text[32];
	int status;
	pid_t pid;

	alarm(1800);
	snprintf(text, sizeof(text), "%dM", STORM_MIB);
	cgroup_make(text, "0");
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		victim(p);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	CHECK(!ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT));
	CHECK(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	while (field(path, "RssAnon") > (long)(MIB / KIB))
		usleep(100000);
	CHECK_FAILS(ptrace(PTRACE_PEEKDATA, pid, p, NULL), EIO);
	CHECK_FAILS(ptrace(PTRACE_PEEKDATA, pid, p + STORM_MIB * MIB / 2, NULL), EIO);
	CHECK(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cgroup_remove();
}

static void reaped_by_oom(void)
{
	CHECK_EQ(child(reaped, plain), 0);
	CHECK_EQ(child(reaped, tamalloc), 0);
}

static const struct test tests[] = {
	TEST("four processes swap twice the memory and keep every byte, with MGLRU", swapped_with_mglru),
	TEST("four processes swap twice the memory and keep every byte, without MGLRU", swapped_without_mglru),
	TEST("a storm of OOM kills in a cgroup harms nothing outside and leaves nothing", storm),
	TEST("pages taken by the OOM reaper do not read as zero", reaped_by_oom),
};

static const struct parameter parameters[] = {
	{ "machine", &whole_machine, 0 },
	{ }
};

int main(int argc, char **argv)
{
	argc = tap_parameters(argc, argv, parameters);
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), no_tamalloc);
}
