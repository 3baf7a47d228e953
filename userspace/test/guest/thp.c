// SPDX-License-Identifier: GPL-2.0
/*
 * Transparent huge pages never add a page to a region, even with the most eager settings.
 * Each test has a control, a plain mapping that does get a huge page.
 */
#include <stdio.h>

#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"
#include "uapi.h"

#define SIZE (4 * huge)
#define KHUGEPAGED THP "khugepaged/"

static void always(void)
{
	need_memory(SIZE);
	set(THP "enabled", "always");
	set(THP "defrag", "always");
}

static void at_fault(void)
{
	char *p, *control;

	always();
	p = align(tamalloc(SIZE), SIZE);
	control = align(plain(SIZE), SIZE);
	poke(control, 1);
	CHECK_EQ(resident(control, SIZE), huge / page);
	poke(p, 1);
	CHECK_EQ(resident(p, SIZE), 1);
	(void)peek(p + huge);
	CHECK_EQ(resident(p, SIZE), 2);
	check_strict(p + 2 * huge, huge);
}

static void mthp(void)
{
	char *p, *control;

	set(THP "enabled", "always");
	set_folios(huge, "never");
	set_folios(16 * page, "always");
	p = align(tamalloc(SIZE), SIZE);
	control = align(plain(SIZE), SIZE);
	poke(control, 1);
	CHECK_EQ(resident(control, SIZE), 16);
	poke(p, 1);
	CHECK_EQ(resident(p, SIZE), 1);
	check_strict(p + huge, 128 * page);
}

/* As eager as can be: one page is enough, and there are no pauses. */
static void force_khugepaged(void)
{
	char most[32];

	if (!huge_pages_fit())
		tap_skip("khugepaged takes too long for huge pages of this size");
	snprintf(most, sizeof(most), "%zu", TABLE - 1);
	set(KHUGEPAGED "max_ptes_none", most);
	set(KHUGEPAGED "pages_to_scan", "100000");
	set(KHUGEPAGED "alloc_sleep_millisecs", "0");
	set(KHUGEPAGED "scan_sleep_millisecs", "0");
}

/* Until @control is huge and khugepaged has made @rounds more passes. */
static void wait_for_khugepaged(char *control, int rounds)
{
	long last = -1;

	for (int i = 0; i < 3000; i++) {
		long scans = number(KHUGEPAGED "full_scans");

		if (resident(control, SIZE) == SIZE / page && last < 0)
			last = scans + rounds;
		if (last >= 0 && scans >= last)
			return;
		usleep(10000);
	}
	tap_fail(__FILE__, __LINE__, "khugepaged did not finish its passes in 30 s");
}

static void khugepaged(void)
{
	char *p, *full, *control;

	need_memory(SIZE);
	set(THP "enabled", "never");
	p = align(tamalloc(SIZE), SIZE);
	full = align(tamalloc(SIZE), SIZE);
	control = align(plain(SIZE), SIZE);
	for (size_t i = 0; i < SIZE; i += huge) {
		poke(p + i, 1);
		poke(control + i, 1);
		for (size_t j = page; j < huge; j += page)
			poke(full + i + j, 1);
	}
	always();
	CHECK(!madvise(control, SIZE, MADV_HUGEPAGE));
	force_khugepaged();
	wait_for_khugepaged(control, 4);
	CHECK_EQ(resident(p, SIZE), SIZE / huge);
	CHECK_EQ(resident(full, SIZE), SIZE / page - SIZE / huge);
}

/* Here the region is advised against huge pages, and the control for them. */
static void khugepaged_after_fork(void)
{
	char *p, *control;

	always();
	force_khugepaged();
	p = align(tamalloc(SIZE), SIZE);
	for (size_t i = 0; i < SIZE; i += huge)
		poke(p + i + page, 1);
	CHECK(!madvise(p, SIZE, MADV_NOHUGEPAGE));
	control = align(plain(SIZE), SIZE);
	CHECK(!madvise(control, SIZE, MADV_NOHUGEPAGE));
	for (size_t i = 0; i < SIZE; i += huge)
		poke(control + i, 1);
	CHECK_EQ(resident(control, SIZE), SIZE / huge);
	CHECK(!madvise(control, SIZE, MADV_HUGEPAGE));
	wait_for_khugepaged(control, 4);
	CHECK_EQ(resident(p, SIZE), SIZE / huge);
}

static void collapse(void)
{
	char *p;

	need_memory(SIZE);
	p = align(tamalloc(SIZE), SIZE);
	for (size_t i = 0; i < 10; i++)
		poke(p + i * 50 * page, 'a' + i);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	CHECK_EQ(resident(p, SIZE), huge / page);
	for (size_t i = 0; i < 10; i++) {
		CHECK_EQ(peek(p + i * 50 * page), 'a' + (char)i);
		CHECK(all_zero(p + (i * 50 + 1) * page, 49 * page));
	}
	check_strict(p + huge, huge);
}

/* An adaptive region gets windows and nothing from khugepaged. */
static void khugepaged_adaptive(void)
{
	char *p, *full, *control;

	always();
	force_khugepaged();
	p = adaptive(SIZE);
	full = adaptive(SIZE);
	for (size_t i = 0; i < SIZE; i += huge)
		poke(p + i, 1);
	for (size_t i = 0; i < SIZE - page; i += page)
		poke(full + i, 1);
	CHECK_EQ(resident(full, SIZE), SIZE / page);
	CHECK(!madvise(full + SIZE - page, page, MADV_DONTNEED));
	control = align(plain(SIZE), SIZE);
	CHECK(!madvise(control, SIZE, MADV_NOHUGEPAGE));
	for (size_t i = 0; i < SIZE; i += huge)
		poke(control + i, 1);
	CHECK(!madvise(control, SIZE, MADV_HUGEPAGE));
	wait_for_khugepaged(control, 4);
	CHECK_EQ(resident(p, SIZE), SIZE / huge);
	CHECK_EQ(resident(full, SIZE), SIZE / page - 1);
}

static void nohugepage(void)
{
	char *p;

	always();
	p = align(tamalloc(SIZE), SIZE);
	CHECK(!madvise(p, SIZE, MADV_NOHUGEPAGE));
	check_strict(p, huge);
}

static const struct test tests[] = {
	TEST("THP=always maps no huge page at a fault", at_fault),
	TEST("folios of 16 pages, set to always, add no page", mthp),
	TEST("four passes of khugepaged add no page", khugepaged),
	TEST("khugepaged adds no page to a region with MADV_NOHUGEPAGE", khugepaged_after_fork),
	TEST("khugepaged adds no page to an adaptive region", khugepaged_adaptive),
	TEST("MADV_COLLAPSE makes a huge page, as it is explicit", collapse),
	TEST("MADV_NOHUGEPAGE is accepted and changes nothing", nohugepage),
};

TAP_MAIN(tests, no_tamalloc)
