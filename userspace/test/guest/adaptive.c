// SPDX-License-Identifier: GPL-2.0
/*
 * Adaptive first touch, which MADV_HUGEPAGE turns on: a fault fills the largest aligned
 * group of 8 pages to 2 MiB around it of which more than half are accessed. Pages are touched
 * one by one, so the numbers are exact.
 */
#include <pthread.h>

#include "adaptive.h"
#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define THREADS	4UL

static void walk_up(void (*access)(char *))
{
	size_t next = 0;

	start();
	for (size_t i = 0; i < PAGES; i++) {
		long taken = faults();

		if (i == next) {
			fills_by(access, i, window_at(i));
			next += window_at(i);
		} else {
			access(at(i));
			CHECK_EQ(faults() - taken, 0);
		}
	}
	CHECK_EQ(next, PAGES);
}

static void upwards(void)
{
	walk_up(write_to);
}

static void by_reads(void)
{
	walk_up(read_from);
}

static void read_then_write(char *p)
{
	read_from(p);
	write_to(p);
}

static void by_both(void)
{
	walk_up(read_then_write);
}

static void few_faults(void)
{
	start();
	CHECK_EQ(walk(0, GROUP), windows_before(GROUP));
	CHECK_EQ(walk(GROUP, PAGES), (PAGES - GROUP) / WINDOW);
	CHECK_EQ(resident(region, SIZE), PAGES);
}

/* Touch a page; the pages that are there stay fewer than twice those touched by now. */
static void touch_bounded(size_t index, size_t *touched)
{
	long taken = faults();

	poke(at(index), 't');
	++*touched;
	if (faults() > taken && resident(region, SIZE) >= 2 * *touched)
		tap_fail(__FILE__, __LINE__, "page %zu leaves %zu pages for %zu touched", index,
			 resident(region, SIZE), *touched);
}

static void downwards(void)
{
	size_t touched = 0;
	long taken;

	start();
	taken = faults();
	for (size_t i = PAGES; i--;)
		touch_bounded(i, &touched);
	CHECK_EQ(faults() - taken, windows_before(PAGES));
	CHECK_EQ(resident(region, SIZE), PAGES);
}

static void both_ends(void)
{
	size_t touched = 0;
	long taken;

	start();
	taken = faults();
	for (size_t i = 0; i < PAGES / 2; i++) {
		touch_bounded(i, &touched);
		touch_bounded(PAGES - 1 - i, &touched);
	}
	CHECK_EQ(faults() - taken, 2 * windows_before(PAGES / 2));
}

/* Each page once, in an order that jumps about: every step of this can be undone. */
static size_t shuffled(size_t i)
{
	i = i * 1597 % PAGES;
	i ^= i >> 5;
	i = i * 1021 % PAGES;
	return i ^ i >> 6;
}

static void at_random(void)
{
	size_t touched = 0;
	long taken;

	start();
	taken = faults();
	for (size_t i = 0; i < PAGES; i++)
		touch_bounded(shuffled(i), &touched);
	tap_note("%ld faults for %lu pages", faults() - taken, PAGES);
}

/* Any five of eight: the fifth brings the other three. */
static void five_of_eight(void)
{
	start();
	for (unsigned int set = 0; set < 256; set++) {
		size_t members[8], count = 0;

		CHECK(!madvise(region, SIZE, MADV_DONTNEED));

		for (size_t i = 0; i < 8; i++)
			if (set >> i & 1)
				members[count++] = i;
		if (count != 5)
			continue;
		for (size_t i = 0; i < 4; i++)
			poke(at(members[i] + 8), 't');
		CHECK_EQ(resident(region, SIZE), 4);
		poke(at(members[4] + 8), 't');
		CHECK_EQ(resident(region, SIZE), 8);
		CHECK_EQ(resident(at(8), 8 * page), 8);
	}
}

static void sparse(void)
{
	const size_t strides[] = { 2, 3, 5, 64, GROUP };

	for (size_t s = 0; s < sizeof(strides) / sizeof(*strides); s++) {
		size_t touched = 0;

		start();
		for (size_t i = 0; i < PAGES; i += strides[s], touched++)
			poke(at(i), 't');
		CHECK_EQ(resident(region, SIZE), touched);
		CHECK(!madvise(region, SIZE, MADV_DONTNEED));
		CHECK_EQ(walk(0, GROUP), windows_before(GROUP));
	}
}

/* Pages that a window filled are not evidence until touched. */
static void untouched(void)
{
	start();
	CHECK_EQ(walk(0, 8), 5);
	fills(8, 8);
	fills(16, 1);
	CHECK_EQ(walk(9, 16), 0);
	fills(24, 1);
	CHECK_EQ(walk(17, 24), 4);
}

/* Half of a group is not enough: page 16 needs all of the 16 before it. */
static void one_missing(void)
{
	for (size_t missing = 9; missing < 16; missing++) {
		start();
		CHECK_EQ(walk(0, missing), 6);
		CHECK_EQ(walk(missing + 1, 16), 0);
		fills(16, 1);
	}
}

/* Four and five of eight make nine of sixteen, and with those before them 24 of 32. */
static void one_elsewhere(void)
{
	start();
	CHECK_EQ(walk(0, 16), 6);
	CHECK(!madvise(at(9), page, MADV_DONTNEED));
	for (size_t i = 25; i < 32; i += 2)
		fills(i, 1);
	for (size_t i = 16; i < 20; i++)
		fills(i, 1);
	poke(at(23), 't');
	CHECK_EQ(resident(region, SIZE), 32);
}

static void opted_in_late(void)
{
	start();
	CHECK(!madvise(region, SIZE, MADV_NOHUGEPAGE));
	check_strict(region, MIDDLE * page);
	CHECK(!madvise(region, SIZE, MADV_HUGEPAGE));
	fills(MIDDLE, MIDDLE);
}

static void aligned(void)
{
	start();
	CHECK(!madvise(region, SIZE, MADV_NOHUGEPAGE));
	check_strict(region, 13 * page);
	CHECK(!madvise(region, SIZE, MADV_HUGEPAGE));
	/* [8, 16) and no more, although [0, 13) is denser. */
	fills(13, 3);
	fills(20, 1);
	fills(19, 1);
	fills(18, 1);
	fills(17, 1);
	/* [16, 24) and no more: [16, 32) has 5 of 16. */
	CHECK_EQ(walk(16, 17), 1);
	CHECK_EQ(resident(at(16), 8 * page), 8);
	CHECK_EQ(resident(region, SIZE), 24);
}

/* The region here starts in the middle of the groups that hold its first pages. */
static void unaligned_start(void)
{
	const size_t size = SIZE / 2;
	char *place = hole(SIZE);

	need_adaptive();
	set(THP "enabled", "madvise");
	region = move_to(tamalloc(size), size, place + 3 * page);
	CHECK(!madvise(region, size, MADV_HUGEPAGE));
	region = place;
	for (size_t i = 3; i < 12; i++)
		fills(i, 1);
	fills(12, 4);
	CHECK_EQ(walk(13, 16), 0);
	for (size_t i = 16; i < 20; i++)
		fills(i, 1);
	fills(20, 4);
	CHECK_EQ(walk(21, 24), 0);
	fills(24, 8);
	CHECK_EQ(walk(25, 32), 0);
	fills(32, 1);
}

/* Groups are of pages of the mapping: they move with it. */
static void moved_whole(void)
{
	start();
	CHECK_EQ(walk(0, WINDOW), windows_before(WINDOW));
	region = move_to(region, SIZE, hole(2 * SIZE));
	fills(WINDOW, WINDOW);
	CHECK_EQ(walk(WINDOW + 1, GROUP), 0);
	fills(GROUP, WINDOW);

	/* Where a group lies in two page tables it is not filled; a smaller one is. */
	start();
	CHECK_EQ(walk(0, WINDOW), windows_before(WINDOW));
	region = move_to(region, SIZE, (char *)hole(SIZE + huge) + huge - SIZE / 4 + 7 * page);
	for (size_t i = WINDOW; i < WINDOW + 4; i++)
		fills(i, 1);
	fills(WINDOW + 4, 4);
	CHECK_EQ(walk(WINDOW + 5, WINDOW + 8), 0);
	fills(WINDOW + 8, WINDOW > 16 ? 8 : 1);
}

static void to_the_end(void)
{
	const size_t sizes[] = { 20, 31, 16, 32 }, last[] = { 1, 1, 0, 16 };

	set(THP "enabled", "madvise");
	for (size_t i = 0; i < 4; i++) {
		char *next;

		/* The neighbour is a region too; its protection keeps it from merging. */
		region = adaptive(SIZE);
		next = at(sizes[i]);
		CHECK(!mprotect(next, SIZE - sizes[i] * page, PROT_READ));
		CHECK_EQ(walk(0, 16), 6);
		if (last[i])
			fills(16, last[i]);
		CHECK_EQ(resident(next, SIZE - sizes[i] * page), 0);
		CHECK(!munmap(next, SIZE - sizes[i] * page));
	}
}

/* Touched pages of the mapping below are not evidence for this one. */
static void from_the_start(void)
{
	start();
	CHECK(!mprotect(at(12), (GROUP - 12) * page, PROT_READ));
	CHECK_EQ(walk(0, 12), 9);
	for (size_t i = 12; i < 17; i++)
		fills_by(read_from, i, 1);
	for (size_t i = 17; i < GROUP; i++)
		CHECK_EQ(peek(at(i)), 0);
	fills(GROUP, 1);
}

/* They are once the two have merged. */
static void merged_again(void)
{
	start();
	CHECK(!mprotect(at(WINDOW), WINDOW * page, PROT_READ));
	CHECK_EQ(walk(0, WINDOW), windows_before(WINDOW));
	CHECK(!mprotect(at(WINDOW), WINDOW * page, RW));
	fills(WINDOW, WINDOW);
}

static void mapped_inside(void)
{
	start();
	poke(at(13), 'm');
	poke(at(40), 'm');
	CHECK_EQ(walk(0, 13), 6);
	CHECK_EQ(walk(14, 16), 0);
	CHECK_EQ(resident(region, SIZE), 17);
	fills(16, 16);
	CHECK_EQ(walk(17, 40), 1);
	/* What half a lent group holds beyond a page that is there does not come at once. */
	CHECK_EQ(walk(41, 64), WINDOW > 32 ? 0 : 5);
	CHECK_EQ(resident(region, SIZE), 64);
	CHECK_EQ(peek(at(13)), 'm');
	CHECK_EQ(peek(at(40)), 'm');
}

/* Dropped pages are not evidence, and a window may fill them again. */
static void dropped(void)
{
	start();
	CHECK_EQ(walk(0, 64), windows_before(64));
	CHECK(!madvise(at(16), 48 * page, MADV_DONTNEED));
	CHECK_EQ(resident(region, SIZE), 16);
	fills(32, 1);
	fills(16, 16);
	CHECK(!madvise(at(24), 8 * page, MADV_DONTNEED));
	CHECK_EQ(resident(region, SIZE), 25);
	CHECK_EQ(walk(17, 24), 0);
	fills(24, 8);
	CHECK(all_zero(at(24) + page, 7 * page));
}

static void forked_child(void *unused)
{
	(void)unused;
	/* Its pages are present, but this process has not touched them. */
	fills(MIDDLE, 1);
	for (size_t i = 1; i < 8; i++)
		poke(at(MIDDLE + i), 'c');
	for (size_t i = 0; i < MIDDLE; i++)
		CHECK_EQ(peek(at(i)), 't');
	fills(MIDDLE + 8, 8);
	CHECK(all_zero(at(MIDDLE + 9), 7 * page));
}

static void forked(void)
{
	start();
	CHECK_EQ(walk(0, MIDDLE), windows_before(MIDDLE));
	CHECK_EQ(child(forked_child, NULL), 0);
	fills(MIDDLE, MIDDLE);
	CHECK(all_zero(at(MIDDLE + 1), (MIDDLE - 1) * page));
}

static void *walk_own_part(void *arg)
{
	char *p = at((size_t)arg * PAGES / THREADS);
	long taken = thread_faults();

	for (size_t i = 0; i < PAGES / THREADS; i++)
		poke(p + i * page, 't');
	CHECK_EQ(thread_faults() - taken, windows_before(PAGES / THREADS));
	return NULL;
}

/* From the top down: no part has evidence from the one below. */
static void threads(void)
{
	pthread_t thread[THREADS];

	start();
	for (size_t i = THREADS; i--;) {
		CHECK(!pthread_create(&thread[i], NULL, walk_own_part, (void *)i));
		CHECK(!pthread_join(thread[i], NULL));
	}
	CHECK_EQ(resident(region, SIZE), PAGES);
}

static pthread_barrier_t together;

static void *walk_together(void *arg)
{
	char *p = at((size_t)arg * PAGES / THREADS);

	pthread_barrier_wait(&together);
	for (size_t i = 0; i < PAGES / THREADS - 1; i++)
		*(size_t *)(p + i * page) = (size_t)arg + i;
	return NULL;
}

/* All at once. Each leaves out its last page, so it is no evidence for the next part. */
static void threads_together(void)
{
	pthread_t thread[THREADS];
	long taken;

	start();
	pthread_barrier_init(&together, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, walk_together, (void *)i));
	taken = vmstat("tamalloc_fault");
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	taken = vmstat("tamalloc_fault") - taken;
	CHECK(taken <= (long)THREADS * windows_before(PAGES / THREADS));
	CHECK_EQ(resident(region, SIZE), PAGES);
	for (size_t i = 0; i < PAGES; i++) {
		size_t part = i / (PAGES / THREADS), index = i % (PAGES / THREADS);
		bool touched = index < PAGES / THREADS - 1;

		CHECK_EQ(*(size_t *)at(i), touched ? part + index : 0);
	}
}

static const struct test tests[] = {
	TEST("an upward walk fills 1, 1, 1, 1, 4, 8 ... pages, up to 1 MiB", upwards),
	TEST("reads are as good evidence as writes", by_reads),
	TEST("reading and then writing takes one fault a window", by_both),
	TEST("a walk takes few faults for its first 2 MiB, then one a MiB", few_faults),
	TEST("a downward walk takes no more faults", downwards),
	TEST("nor does a walk from both ends", both_ends),
	TEST("in a random order there are never twice the pages touched", at_random),
	TEST("any five of eight pages bring the other three", five_of_eight),
	TEST("scattered touches fill one page each", sparse),
	TEST("pages filled by a window are not evidence until touched", untouched),
	TEST("half of a group is not enough evidence", one_missing),
	TEST("evidence may lie anywhere in the group", one_elsewhere),
	TEST("pages touched before MADV_HUGEPAGE are evidence", opted_in_late),
	TEST("a group is aligned to its size", aligned),
	TEST("a group begins in its mapping", unaligned_start),
	TEST("groups move with their mapping", moved_whole),
	TEST("a group ends in its mapping", to_the_end),
	TEST("pages of the mapping below are not evidence", from_the_start),
	TEST("pages of a mapping that has merged with this one are evidence", merged_again),
	TEST("what is filled leaves pages that are present alone", mapped_inside),
	TEST("dropped pages are not evidence and read as zero when refilled", dropped),
	TEST("a child inherits no evidence; its parent keeps it", forked),
	TEST("several walks in one region each get their windows", threads),
	TEST("several threads walking at once each get their windows", threads_together),
};

TAP_MAIN(tests, no_tamalloc)
