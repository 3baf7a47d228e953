// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "fail_nth.h"
#include "maps.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"

static int fail_nth;

/*
 * Failures come from one source at a time, so that the n-th is the same one each time.
 * Slab allocations count unless caches have to be marked, page allocations from an order
 * on; copies always count.
 */
static const struct source {
	const char *name, *only_marked_slabs, *least_order;
} sources[] = {
	{ "slab", "N", "99" },
	{ "page", "Y", "0" },
	{ "copy", "Y", "99" },
};

static void let_fail(const struct source *source)
{
	write_file("/sys/kernel/debug/failslab/cache-filter", source->only_marked_slabs);
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", source->least_order);
}

/* By default the injectors spare allocations that may sleep, which is nearly all. */
static void let_all_fail(void)
{
	set("/sys/kernel/debug/failslab/cache-filter", "N");
	set("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	set("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	set("/sys/kernel/debug/failslab/verbose", "0");
	set("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	set("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

static void arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	CHECK_EQ(pwrite(fail_nth, text, len, 0), len);
}

/* True if the failure has happened. Asking is a copy too, and may be the n-th. */
static bool disarm(void)
{
	char left[16] = "";
	bool happened = pread(fail_nth, left, sizeof(left) - 1, 0) > 0 && atoi(left) == 0;

	while (pwrite(fail_nth, "0", 1, 0) != 1)
		CHECK_EQ(errno, EFAULT);
	return happened;
}

/* Counts that a failed call must not change. All are exact. */
static const struct count {
	const char *path, *name;
} counts[] = {
	{ "/proc/self/status", "VmSize" },
	{ "/proc/self/status", "VmPTE" },
	{ "/proc/self/status", "VmLck" },
	{ "/proc/self/smaps_rollup", "Anonymous" },
	[COMMITTED_AS] = { "/proc/meminfo", "Committed_AS" },
};

_Static_assert(sizeof(counts) / sizeof(*counts) == STATE_COUNTS, "struct state has them all");

struct state state(void)
{
	struct state now = { .maps = map_count() };

	for (size_t i = 0; i < STATE_COUNTS; i++)
		now.count[i] = field(counts[i].path, counts[i].name);
	return now;
}

void check_state(const struct state *before, const char *after)
{
	struct state now = state();

	for (size_t i = 0; i < STATE_COUNTS; i++)
		if (now.count[i] != before->count[i])
			tap_fail(__FILE__, __LINE__, "after %s %s is %ld, not %ld", after,
				 counts[i].name, now.count[i], before->count[i]);
	if (now.maps != before->maps)
		tap_fail(__FILE__, __LINE__, "after %s there are %d mappings, not %d", after,
			 now.maps, before->maps);
}

static bool documented(const struct op *op, int error)
{
	for (size_t i = 0; i < sizeof(op->errors) / sizeof(*op->errors); i++)
		if (error && op->errors[i] == error)
			return true;
	return false;
}

/* One call with its n-th failure; false if it has fewer. */
static bool fail_one(const struct op *op, int n, int *error)
{
	bool happened;
	long ret;

	if (op->before)
		op->before();
	arm(n);
	ret = op->call();
	*error = ret == -1 ? errno : 0;
	happened = disarm() && n;
	if (*error && !happened)
		tap_fail(__FILE__, __LINE__, "without a failure: %s", strerrorname_np(*error));
	if (*error && !documented(op, *error))
		tap_fail(__FILE__, __LINE__, "failure %d gives %s", n, strerrorname_np(*error));
	op->after(ret);
	return happened;
}

/*
 * Fail everything that can fail. Each n comes twice, as the detectors allocate memory of
 * their own when they first see something, which shifts the failures that follow.
 */
static void fail_each_of(const struct source *source, const struct op *op, int *all, int *all_refused)
{
	int refused = 0, done = 0, error;
	struct state before;

	let_fail(source);
	/* Once without a failure, as some things are set up on first use. */
	fail_one(op, 0, &error);
	before = state();
	for (int round = 2, none = 0; none < 4; round++) {
		bool happened = fail_one(op, round / 2, &error);
		char after[64];

		if (op->miscommits)
			before.count[COMMITTED_AS] = state().count[COMMITTED_AS];
		snprintf(after, sizeof(after), "failure %d (%s)", round / 2, strerrorname_np(error));
		check_state(&before, after);
		refused += happened && error;
		done += happened && !error;
		none = happened ? 0 : none + 1;
	}
	tap_note("%s: %d failures; the call failed for %d and succeeded despite %d", source->name,
		 refused + done, refused, done);
	*all += refused + done;
	*all_refused += refused;
}

/*
 * Join the cgroup and populate the rest of the process. Unregister rseq(2), as the
 * kernel sends SIGSEGV if it fails to write to that area.
 */
static void enter_cgroup(void)
{
	cgroup_join();
#ifdef RSEQ_SIG		/* glibc registers none where it knows no such number */
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	CHECK(!__rseq_size || !syscall(SYS_rseq, area, 32, 1 /* unregister */, RSEQ_SIG));
#endif
	CHECK(!mlockall(MCL_CURRENT) && !munlockall());
}

struct job {
	void (*fn)(void *);
	void *arg;
};

static void run_in_cgroup(void *arg)
{
	const struct job *job = arg;

	enter_cgroup();
	job->fn(job->arg);
}

void in_failing_cgroup(void (*fn)(void *), void *arg, bool swap)
{
	struct job job = { fn, arg };
	long before;

	if (swap)
		start_swap(ANY_SWAP);
	let_all_fail();
	cgroup_make("max", "max");
	before = cgroup_dying();
	CHECK_EQ(child(run_in_cgroup, &job), 0);
	cgroup_remove();
	/* Each CPU keeps some slots that are free again, and they are charged until then. */
	if (swap)
		stop_swap();
	cgroup_check_dying(before);
}

static void fail_by_each_source(void *arg)
{
	int failures = 0, refused = 0;
	const struct op *op = arg;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	CHECK(fail_nth >= 0);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		fail_each_of(&sources[i], op, &failures, &refused);
	CHECK(failures && (refused || !op->refuses));
}

void fail_each(struct op op)
{
	/*
	 * Strict accounting, with room for every test. Not by overcommit_kbytes: writing
	 * that clears overcommit_ratio, which then could not be restored.
	 */
	set("/proc/sys/vm/overcommit_ratio", "1000000");
	set("/proc/sys/vm/overcommit_memory", op.overcommit ?: "2");
	in_failing_cgroup(fail_by_each_source, &op, op.swap);
}
