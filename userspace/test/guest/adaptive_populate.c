// SPDX-License-Identifier: GPL-2.0
/*
 * A range that is populated needs no evidence: it is filled, one fault a page table, and no
 * page beyond it. Until touched these are no evidence for others.
 */
#include <fcntl.h>
#include <sys/uio.h>

#include "adaptive.h"
#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "tap.h"

/* One fault fills what a page table maps of the range. */
static long tables_of(size_t from, size_t to)
{
	return (to - 1) / TABLE - from / TABLE + 1;
}

static void populated_whole(int advice)
{
	long taken;

	start();
	taken = faults();
	CHECK(!madvise(region, SIZE, advice));
	CHECK_EQ(faults() - taken, tables_of(0, PAGES));
	CHECK_EQ(resident(region, SIZE), PAGES);
	CHECK(all_zero(region, SIZE));
	taken = faults();
	for (size_t i = 0; i < PAGES; i++)
		poke(at(i), 't');
	CHECK_EQ(faults() - taken, 0);
}

static void whole(void)
{
	populated_whole(MADV_POPULATE_WRITE);
	populated_whole(MADV_POPULATE_READ);
}

static void check_part(size_t from, size_t to, int advice)
{
	long taken = faults();

	CHECK(!madvise(at(from), (to - from) * page, advice));
	CHECK_EQ(faults() - taken, tables_of(from, to));
	CHECK_EQ(resident(at(from), (to - from) * page), to - from);
	CHECK_EQ(resident(region, SIZE), to - from);
	CHECK(!madvise(region, SIZE, MADV_DONTNEED));
}

static void part(void)
{
	const size_t ends[][2] = {
		{ 0, 1 }, { 0, 3 }, { 0, 4 }, { 3, 24 }, { 4, 9 }, { 8, 16 }, { 17, 120 },
		{ GROUP - 1, GROUP + 1 }, { GROUP - 12, GROUP + WINDOW - 2 },
		{ WINDOW, 3 * GROUP }, { 1, PAGES - 1 },
	};

	start();
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		check_part(ends[i][0], ends[i][1], MADV_POPULATE_WRITE);
		check_part(ends[i][0], ends[i][1], MADV_POPULATE_READ);
	}
}

/* The evidence here would allow a larger window. */
static void part_after_evidence(void)
{
	start();
	CHECK_EQ(walk(0, 64), windows_before(64));
	CHECK(!madvise(at(64), 5 * page, MADV_POPULATE_WRITE));
	CHECK_EQ(resident(region, SIZE), 69);
}

static void around_pages(void)
{
	start();
	poke(at(5), 'a');
	poke(at(GROUP + 8), 'b');
	CHECK(!madvise(region, SIZE, MADV_POPULATE_WRITE));
	CHECK_EQ(resident(region, SIZE), PAGES);
	CHECK_EQ(peek(at(5)), 'a');
	CHECK_EQ(peek(at(GROUP + 8)), 'b');
	*at(5) = *at(GROUP + 8) = 0;
	CHECK(all_zero(region, SIZE));
}

static void strict(void)
{
	long taken;

	start();
	CHECK(!madvise(region, SIZE, MADV_NOHUGEPAGE));
	taken = faults();
	CHECK(!madvise(region, SIZE, MADV_POPULATE_WRITE));
	CHECK_EQ(faults() - taken, PAGES);
}

static void no_evidence(void)
{
	start();
	CHECK(!madvise(region, GROUP * page, MADV_POPULATE_WRITE));
	fills(GROUP, 1);
	for (size_t i = 0; i < GROUP; i++)
		poke(at(i), 't');
	for (size_t i = GROUP + 1; i < 2 * GROUP; i++)
		poke(at(i), 't');
	fills(2 * GROUP, WINDOW);
}

static void locked(void)
{
	const size_t count = GROUP / 3 * 4;
	long taken;

	start();
	taken = faults();
	CHECK(!mlock(at(GROUP), count * page));
	CHECK_EQ(faults() - taken, tables_of(GROUP, GROUP + count));
	CHECK_EQ(resident(region, SIZE), count);
	CHECK_EQ(resident(at(GROUP), count * page), count);
	CHECK(!munlock(region, SIZE));
	taken = faults();
	CHECK(!mlock(region, GROUP * page));
	CHECK_EQ(faults() - taken, 1);
}

static void locked_all(void)
{
	long taken;

	start();
	CHECK(!mlockall(MCL_CURRENT | MCL_ONFAULT));
	CHECK_EQ(resident(region, SIZE), 0);
	CHECK_EQ(walk(0, MIDDLE), windows_before(MIDDLE));
	fills(MIDDLE, MIDDLE);
	taken = vmstat("tamalloc_fault");
	CHECK(!mlockall(MCL_CURRENT));
	CHECK_EQ(vmstat("tamalloc_fault") - taken, tables_of(2 * MIDDLE, PAGES));
	CHECK_EQ(resident(region, SIZE), PAGES);
	CHECK(!munlockall());
}

/* A call that names a range populates all of it and no more. */
static void read_by_call(void)
{
	struct iovec local, remote;
	char *copy = plain(100 * page);

	start();
	memset(copy, 'c', 100 * page);
	local = (struct iovec){ copy, 100 * page };
	remote = (struct iovec){ at(8), 100 * page };
	CHECK_EQ(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), 100 * page);
	CHECK_EQ(resident(region, SIZE), 100);
	CHECK(!memcmp(at(8), copy, 100 * page));
}

static const struct test tests[] = {
	TEST("populating a whole region takes one fault a page table", whole),
	TEST("populating a range fills that range and no page beyond", part),
	TEST("populating a range behind touched pages fills no page beyond it", part_after_evidence),
	TEST("populating keeps the pages that are present", around_pages),
	TEST("a strict region is populated page by page", strict),
	TEST("populated pages are not evidence until touched", no_evidence),
	TEST("mlock of a range fills that range, one fault a page table", locked),
	TEST("mlockall fills what is mapped; with MCL_ONFAULT it waits for touches", locked_all),
	TEST("process_vm_writev fills just the pages it writes", read_by_call),
};

TAP_MAIN(tests, no_tamalloc)
