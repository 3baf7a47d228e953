// SPDX-License-Identifier: GPL-2.0
/* Swapping out to zram or a disk, and in again. */
#include "cgroup.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"

#define PAGES	512
#define SIZE	(PAGES * page)

/* A region with every other page written, and those swapped out. */
static char *swapped_region(void)
{
	char *p;

	set(THP "enabled", "always");
	start_swap(ANY_SWAP);
	p = align(tamalloc(SIZE), SIZE);
	for (size_t i = 0; i < PAGES; i += 2)
		*(size_t *)(p + i * page) = i + 1;
	page_out(p, SIZE);
	CHECK_EQ(in_swap(p, SIZE), PAGES / 2);
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	return p;
}

static void check_contents(char *p)
{
	for (size_t i = 0; i < PAGES; i += 2)
		CHECK_EQ(*(size_t *)(p + i * page), i + 1);
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	for (size_t i = 1; i < PAGES; i += 2)
		check_strict(p + i * page, page);
}

static void out_and_in(void)
{
	check_contents(swapped_region());
	stop_swap();
}

static void look(void *p)
{
	check_contents(p);
	memset(p, 'c', SIZE);
}

static void forked(void)
{
	char *p = swapped_region();

	CHECK_EQ(child(look, p), 0);
	check_contents(p);
	stop_swap();
}

static void by_swapoff(void)
{
	char *p = swapped_region();

	stop_swap();
	CHECK_EQ(in_swap(p, SIZE), 0);
	check_contents(p);
}

static void dropped(void)
{
	char *p = swapped_region();

	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	CHECK_EQ(resident(p, SIZE), 0);
	check_strict(p, SIZE);
	stop_swap();
}

/* Three times the limit of its cgroup, so reclaim has to swap. */
static void fill_and_check(void *unused)
{
	const size_t bytes = 48 * MIB;
	char *p;

	(void)unused;
	cgroup_join();
	p = tamalloc(bytes);
	for (size_t i = 0; i < bytes; i += page)
		*(size_t *)(p + i) = i;
	CHECK(in_swap(p, bytes) >= 30 * MIB / page);
	CHECK_EQ(resident(p, bytes), bytes / page);
	for (size_t i = 0; i < bytes; i += page)
		CHECK_EQ(*(size_t *)(p + i), i);
}

static void pressure(void)
{
	start_swap(ANY_SWAP);
	cgroup_make("16M", "max");
	CHECK_EQ(child(fill_and_check, NULL), 0);
	cgroup_remove();
	stop_swap();
}

static const struct test tests[] = {
	TEST("pages swapped out come back; the others stay strict", out_and_in),
	TEST("a child gets its own copies of its parent's swapped pages", forked),
	TEST("swapoff brings pages back", by_swapoff),
	TEST("MADV_DONTNEED drops swapped pages", dropped),
	TEST("under memory pressure pages are swapped and not lost", pressure),
};

TAP_MAIN(tests, no_tamalloc)
