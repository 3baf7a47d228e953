// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages in the end: khugepaged makes one of an adaptive region where every page was
 * touched, and nowhere else. That adds no page.
 */
#include <stdio.h>

#include "adaptive.h"
#include "maps.h"

#define KHUGEPAGED THP "khugepaged/"
#define BLOCK	TABLE
#define BLOCKS	(4 * huge)

/* As eager as can be: one page of a block would be enough elsewhere. */
static void start_eager(void)
{
	char most[32];

	if (!huge_pages_fit())
		tap_skip("khugepaged takes too long for huge pages of this size");
	snprintf(most, sizeof(most), "%zu", BLOCK - 1);
	set(THP "enabled", "madvise");
	set(THP "defrag", "always");
	set(KHUGEPAGED "max_ptes_none", most);
	set(KHUGEPAGED "pages_to_scan", "100000");
	set(KHUGEPAGED "alloc_sleep_millisecs", "0");
	set(KHUGEPAGED "scan_sleep_millisecs", "0");
}

static void wait_for_huge(size_t count)
{
	for (int i = 0; i < 3000; i++) {
		if (smaps_kb(region, BLOCKS, "AnonHugePages") * KIB / huge >= count)
			return;
		usleep(10000);
	}
	tap_fail(__FILE__, __LINE__, "no %zu huge pages after 30 s", count);
}

static void wait_for_scans(int rounds)
{
	long last = number(KHUGEPAGED "full_scans") + rounds;

	while (number(KHUGEPAGED "full_scans") < last)
		usleep(10000);
}

/* Blocks 0 and 3 in full, all but one page of block 1, somewhat more than half of block 2. */
static void touch_blocks(void)
{
	for (size_t i = 0; i < BLOCKS / page; i++) {
		if (i == 2 * BLOCK - 1 || (i >= BLOCK / 8 * 21 && i < 3 * BLOCK))
			continue;
		*(size_t *)at(i) = i + 1;
	}
}

static void full_blocks(void)
{
	size_t before;

	start_eager();
	region = adaptive(BLOCKS);
	touch_blocks();
	before = resident(region, BLOCKS);
	wait_for_huge(2);
	wait_for_scans(4);
	CHECK_EQ(smaps_kb(region, BLOCKS, "AnonHugePages") * KIB, 2 * huge);
	CHECK_EQ(resident(region, BLOCKS), before);
	for (size_t i = 0; i < BLOCKS / page; i++)
		CHECK(*(size_t *)at(i) == i + 1 || *(size_t *)at(i) == 0);
}

static void strict(void)
{
	char *full;

	start_eager();
	region = adaptive(BLOCKS);
	full = align(tamalloc(BLOCKS), BLOCKS);
	for (size_t i = 0; i < BLOCKS; i += page) {
		poke(region + i, 1);
		poke(full + i, 1);
	}
	wait_for_huge(BLOCKS / huge);
	wait_for_scans(4);
	CHECK_EQ(smaps_kb(full, BLOCKS, "AnonHugePages"), 0);
}

static void is_evidence(void)
{
	start_eager();
	region = adaptive(BLOCKS);
	for (size_t i = 0; i < BLOCK; i++)
		poke(at(i), 1);
	wait_for_huge(1);
	region = at(BLOCK - GROUP);
	fills(GROUP, WINDOW);
}

static const struct test tests[] = {
	TEST("khugepaged takes blocks that were touched in full, and no others", full_blocks),
	TEST("it takes nothing of a strict region", strict),
	TEST("a huge page is evidence for the pages beside it", is_evidence),
};

TAP_MAIN(tests, no_tamalloc)
