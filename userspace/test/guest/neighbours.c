// SPDX-License-Identifier: GPL-2.0
/*
 * A plain mapping never merges with a region next to it. The neighbours are
 * MAP_NORESERVE, as regions are, so nothing but the policy keeps them apart.
 */
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define SIZE (2 * huge)

/* A region with a hole of SIZE on either side, all aligned to huge pages. */
static char *lone_region(void)
{
	char *p;

	set(THP "enabled", "always");
	p = tamalloc(SIZE);
	return move_to(p, SIZE, (char *)hole(3 * SIZE) + SIZE);
}

static char *plain_at(char *where, size_t size, int prot)
{
	CHECK(mmap(where, size, prot, ANON | MAP_FIXED_NOREPLACE, -1, 0) == where);
	return where;
}

/* The region has its size and is strict; the neighbour is not. */
static void check_border(char *region, char *neighbour)
{
	struct vma vma;

	CHECK(find_vma(region, &vma));
	CHECK_EQ(vma.start, (uintptr_t)region);
	CHECK_EQ(vma.end, (uintptr_t)region + SIZE);
	CHECK(is_region(region));
	CHECK(!is_region(neighbour));
	poke(neighbour + huge, 'n');
	CHECK_EQ(resident(neighbour + huge, huge), huge / page);
	check_strict(region + huge, huge);
	CHECK_EQ(peek(neighbour + huge), 'n');
}

static void below(void)
{
	char *p = lone_region();

	check_border(p, plain_at(p - SIZE, SIZE, RW));
}

static void above(void)
{
	char *p = lone_region();

	check_border(p, plain_at(p + SIZE, SIZE, RW));
}

/* Between anonymous memory that has an anon_vma already. */
static void touched(void)
{
	char *p = lone_region(), *low, *high;

	poke(p, 1);
	low = plain_at(p - SIZE, huge, RW);
	poke(low, 1);
	plain_at(low + huge, huge, RW);
	high = plain_at(p + SIZE, SIZE, RW);
	poke(high, 1);
	check_border(p, low);
	CHECK_EQ(peek(high), 1);
}

/* mprotect merges mappings that it makes alike. */
static void by_mprotect(void)
{
	char *p = lone_region(), *low = plain_at(p - SIZE, SIZE, PROT_NONE);
	char *high = plain_at(p + SIZE, SIZE, PROT_NONE);

	CHECK(!mprotect(low, SIZE, RW));
	CHECK(!mprotect(high, SIZE, RW));
	check_border(p, low);
	CHECK(!is_region(high));
}

static void by_mremap(void)
{
	char *low = plain(SIZE), *p = lone_region();

	low = move_to(low, SIZE, p - SIZE);
	check_border(p, low);
}

static void into_gap(void)
{
	char *p = lone_region();

	poke(p, 'a');
	CHECK(!munmap(p + huge, page));
	plain_at(p + huge, page, RW);
	CHECK(!is_region(p + huge));
	CHECK(is_region(p));
	CHECK(is_region(p + huge + page));
	poke(p + huge, 'b');
	check_strict(p + huge + page, 64 * page);
	CHECK_EQ(peek(p), 'a');
	CHECK_EQ(peek(p + huge), 'b');
}

/* Placed by the kernel, which often puts them side by side. */
static void by_chance(void)
{
	char *p[8], *q[8];

	set(THP "enabled", "always");
	for (int i = 0; i < 8; i++) {
		p[i] = tamalloc(32 * page);
		q[i] = plain(32 * page);
		poke(q[i], 1);
	}
	for (int i = 0; i < 8; i++) {
		CHECK(is_region(p[i]));
		CHECK(!is_region(q[i]));
		check_strict(p[i], 32 * page);
	}
}

static void two_regions(void)
{
	char *next = tamalloc(SIZE), *p = lone_region();

	next = move_to(next, SIZE, p + SIZE);

	poke(p, 'a');
	poke(next, 'b');
	CHECK(is_region(p));
	CHECK(is_region(next));
	check_strict(p + SIZE - huge, huge);
	check_strict(next + page, huge);
	CHECK(!munmap(p, SIZE));
	CHECK_EQ(peek(next), 'b');
}

static const struct test tests[] = {
	TEST("a plain mapping just below stays apart", below),
	TEST("a plain mapping just above stays apart", above),
	TEST("touched plain mappings on both sides stay apart", touched),
	TEST("neighbours that mprotect makes alike stay apart", by_mprotect),
	TEST("a plain mapping moved next to a region stays apart", by_mremap),
	TEST("a plain mapping in a gap of a region stays apart", into_gap),
	TEST("alternating regions and plain mappings stay apart", by_chance),
	TEST("two regions side by side keep contents and policy", two_regions),
};

TAP_MAIN(tests, no_tamalloc)
