// SPDX-License-Identifier: GPL-2.0
/* mlock, mlock2, mlockall, and their limit. */
#include <sys/resource.h>

#include "matrix.h"

static void say_locked(const char *p)
{
	say("%ld resident, %ld locked", usage(p, PAGES, "Rss"), usage(p, PAGES, "Locked"));
}

/* What mlock(2) counts against RLIMIT_MEMLOCK, touched or not. */
static long accounted(void)
{
	return field("/proc/self/status", "VmLck") / (long)(page / KIB);
}

static void lock(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long taken;

	say_outcome(NULL, mlock(p, SIZE));
	say_locked(p);
	taken = faults();
	write_all(p, PAGES);
	say("written: %ld faults", faults() - taken);
	CHECK(!munlock(p, SIZE));
	say("unlocked: %ld locked", usage(p, PAGES, "Locked"));
	say("mappings: %d", mappings(p, SIZE));
}

static void lock_part(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long taken;

	say_outcome(NULL, mlock(p + 4 * page, 8 * page));
	say_locked(p);
	say("mappings: %d", mappings(p, SIZE));
	say_kind(cell, p + 4 * page);
	CHECK(!munlock(p, SIZE));
	say("unlocked: mappings: %d, %ld resident", mappings(p, SIZE), usage(p, PAGES, "Rss"));
	taken = faults();
	write_all(p, PAGES);
	say("written: %ld faults", faults() - taken);
}

static void lock_read_only(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!mprotect(p, SIZE, PROT_READ));
	say_outcome(NULL, mlock(p, SIZE));
	say_locked(p);
}

static void lock_no_access(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!mprotect(p, SIZE, PROT_NONE));
	say_outcome(NULL, mlock(p, SIZE));
	say_locked(p);
}

static void lock_on_fault(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long taken, before = accounted();

	say_outcome(NULL, mlock2(p, SIZE, MLOCK_ONFAULT));
	say("VmLck + %ld", accounted() - before);
	say_locked(p);
	taken = faults();
	write_all(p, 4);
	say("4 written: %ld faults, %ld resident, %ld locked", faults() - taken,
	    usage(p, PAGES, "Rss"), usage(p, PAGES, "Locked"));
	say("flags %s", flags_of(cell, p));
}

/* Advice that takes pages away does not take locked ones. */
static void locked_advice(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	CHECK(!mlock(p, SIZE));
	say_outcome(NULL, madvise(p, SIZE, cell->arg));
	say_pages(p, PAGES);
}

static void all_current(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	say_outcome(NULL, mlockall(MCL_CURRENT));
	say_locked(p);
	CHECK(!munlockall());
	say("unlocked: %ld locked", usage(p, PAGES, "Locked"));
}

/* The argument: with or without MCL_ONFAULT. */
static void all_future(const struct cell *cell)
{
	long taken, before;
	char *p;

	say_outcome(NULL, mlockall(MCL_CURRENT | MCL_FUTURE | cell->arg));
	before = accounted();
	p = cell->kind->map(SIZE);
	say("VmLck + %ld", accounted() - before);
	say_locked(p);
	say("flags %s", flags_of(cell, p));
	if (!cell->arg)
		say(all_zero(p, SIZE) ? "zero" : "NOT zero");
	taken = faults();
	write_all(p, 4);
	say("4 written: %ld faults", faults() - taken);
	fill(p, PAGES);
	say_pages(p, PAGES);
	CHECK(!munmap(p, SIZE));
	say("unmapped: VmLck + %ld", accounted() - before);
}

static void limited(const struct cell *cell)
{
	const struct rlimit few = { 8 * page, 8 * page };
	char *p = get(cell, SIZE);

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &few));
	CHECK(!setresuid(65534, 65534, 65534));
	say_outcome(NULL, mlock(p, SIZE));
	say_outcome("half", mlock(p, SIZE / 2));
}

static void locked_over_fork(void *p)
{
	say("child: %ld resident, %ld locked", usage(p, PAGES, "Rss"), usage(p, PAGES, "Locked"));
}

static void forked(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!mlock(p, SIZE));
	CHECK(!child(locked_over_fork, p));
	say_locked(p);
}

static void grown(const struct cell *cell)
{
	char *p = get(cell, 2 * SIZE);

	CHECK(!munmap(p + SIZE, SIZE));
	CHECK(!mlock(p, SIZE));
	CHECK(mremap(p, SIZE, 2 * SIZE, 0) == p);
	say("%ld resident, %ld locked", usage(p, 2 * PAGES, "Rss"), usage(p, 2 * PAGES, "Locked"));
}

static void mrelocked(const struct cell *cell)
{
	char *p = get(cell, SIZE), *q;

	CHECK(!mlock(p, SIZE));
	fill(p, PAGES);
	q = move_to(p, SIZE, hole(SIZE));
	say_locked(q);
	say_pages(q, PAGES);
}

const struct row lock_rows[] = {
	{ "mlock, untouched", lock },
	/* Parts that mlock() has populated become one again with what is untouched since 6.16. */
	{ "mlock on eight pages in the middle", lock_part, .before = LINUX(6, 16) },
	{ "mlock on eight pages in the middle", lock_part, .adaptive = WINDOWS, .since = LINUX(6, 16) },
	{ "mlock, read-only and untouched", lock_read_only, 0, READ_POPULATES },
	{ "mlock, PROT_NONE", lock_no_access, .refused = "ENOMEM" },
	{ "mlock2(ONFAULT)", lock_on_fault },
	{ "mlockall(CURRENT)", all_current },
	{ "mlockall(FUTURE), then reserve", all_future, 0 },
	{ "mlockall(FUTURE, ONFAULT), then reserve", all_future, MCL_ONFAULT },
	{ "mlock beyond RLIMIT_MEMLOCK, unprivileged", limited, .refused = "ENOMEM" },
	{ "locked, then forked", forked },
	{ "locked, then grown by mremap", grown },
	{ "locked, then moved by mremap", mrelocked },
	{ "locked, MADV_DONTNEED", locked_advice, MADV_DONTNEED, .refused = "EINVAL" },
	{ "locked, MADV_DONTNEED_LOCKED", locked_advice, MADV_DONTNEED_LOCKED },
	{ "locked, MADV_FREE", locked_advice, MADV_FREE, .refused = "EINVAL" },
	{ "locked, MADV_PAGEOUT", locked_advice, MADV_PAGEOUT, .refused = "EINVAL" },
	{ "locked, MADV_COLD", locked_advice, MADV_COLD, .refused = "EINVAL" },
	{}
};
