// SPDX-License-Identifier: GPL-2.0
/*
 * Windows where memory is scarce: fragmented, limited by a cgroup, or bound to a node.
 * Where a window cannot be allocated the fault fills one page, at no other cost.
 */
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>

#include "adaptive.h"
#include "cgroup.h"
#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "process.h"
#include "settings.h"
#include "sigbus.h"
#include "swap.h"
#include "tap.h"

#define LIMIT		(16 * MIB)

static void bind_to(void *start, size_t bytes, int policy, int node)
{
	unsigned long mask = 1UL << node;

	CHECK_EQ(syscall(SYS_mbind, start, bytes, policy, &mask, 8 * sizeof(mask), 0), 0);
}

static int node_of(void *p)
{
	int node = -1;

	CHECK_EQ(syscall(SYS_move_pages, 0, 1, &p, NULL, &node, 0), 0);
	return node;
}

static size_t pages_on(int node, size_t from, size_t to)
{
	size_t count = 0;

	for (size_t i = from; i < to; i++)
		count += node_of(at(i)) == node;
	return count;
}

static void bound(int node)
{
	start();
	bind_to(region, SIZE, MPOL_BIND, node);
	CHECK_EQ(walk(0, PAGES / 2), windows_before(PAGES / 2));
	CHECK_EQ(pages_on(node, 0, PAGES / 2), PAGES / 2);
}

static void numa(void)
{
	bound(0);
	bound(1);
}

/* In each group of eight the fifth touch fills three pages, none beside another. */
static const unsigned short parted_by_singles[] = { 1, 2, 4, 5, 6 };

static void touch_and_fill_singles(void)
{
	for (size_t i = 0; i < PAGES; i += GROUP) {
		for (size_t n = 0; n < 4; n++)
			fills(i + parted_by_singles[n], 1);
		write_to(at(i + parted_by_singles[4]));
		CHECK_EQ(resident(at(i), GROUP * page), 8);
	}
}

static void singles_bound(int node)
{
	start();
	bind_to(region, SIZE, MPOL_BIND, node);
	touch_and_fill_singles();
	for (size_t i = 0; i < PAGES; i += GROUP)
		CHECK_EQ(pages_on(node, i, i + 8), 8);
}

static void singles_bound_by_task(int node)
{
	unsigned long mask = 1UL << node;

	start();
	CHECK_EQ(syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)), 0);
	touch_and_fill_singles();
	CHECK_EQ(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0), 0);
	for (size_t i = 0; i < PAGES; i += GROUP)
		CHECK_EQ(pages_on(node, i, i + 8), 8);
}

static void numa_of_singles(void)
{
	for (int node = 0; node < 2; node++) {
		singles_bound(node);
		singles_bound_by_task(node);
	}
}

/*
 * Take all of node 1 in single pages and free every other one. What is free is then
 * fragmented, but for the kernel's reserves.
 */
static void break_up_node1(void)
{
	const size_t bytes = field("/proc/meminfo", "MemTotal") / KIB * MIB;
	char *p = plain(bytes);
	size_t got = 0;

	set("/proc/sys/vm/min_free_kbytes", "1024");
	set("/proc/sys/vm/compaction_proactiveness", "0");
	CHECK(!madvise(p, bytes, MADV_NOHUGEPAGE));
	bind_to(p, bytes, MPOL_PREFERRED, 1);
	do {
		for (size_t i = 0; i < MIB; i += page)
			poke(p + got + i, 1);
		got += MIB;
	} while (node_of(p + got - page) == 1 && got < bytes);
	for (size_t i = 0; i < got; i += 2 * page)
		CHECK(!madvise(p + i, page, MADV_DONTNEED));
}

/* Fill a region from the rest until hardly any window can be allocated. */
static void use_up_windows(void)
{
	const size_t bytes = 128 * MIB;
	char *p = adaptive(bytes);
	long last = vmstat("tamalloc_fallback");

	bind_to(p, bytes, MPOL_BIND, 1);
	for (size_t i = 0; i < bytes; i += page) {
		poke(p + i, 1);
		if (i / page % 1024)
			continue;
		if (vmstat("tamalloc_fallback") - last > 200)
			return;
		last = vmstat("tamalloc_fallback");
	}
	tap_fail(__FILE__, __LINE__, "memory is not fragmented after %zu MiB", bytes / MIB);
}

/* Direct reclaim and direct compaction. */
static long stalled(void)
{
	return vmstat("allocstall_dma32") + vmstat("allocstall_normal") +
	       vmstat("allocstall_movable") + vmstat("compact_stall");
}

static void fragmented(void)
{
	long fallbacks, stalls, taken;

	need_adaptive();
	set(THP "enabled", "madvise");
	/* It would compact the memory for huge pages, and stall itself. */
	set(THP "khugepaged/defrag", "0");
	break_up_node1();
	use_up_windows();
	region = adaptive(SIZE);
	bind_to(region, SIZE, MPOL_BIND, 1);
	stalls = stalled();
	fallbacks = vmstat("tamalloc_fallback");
	taken = faults();
	for (size_t i = 0; i < PAGES; i++) {
		long before = vmstat("tamalloc_fallback"), filled = vmstat("tamalloc_ahead");

		*(size_t *)at(i) += i;
		if (vmstat("tamalloc_fallback") > before)
			CHECK_EQ(vmstat("tamalloc_ahead") - filled, 0);
	}
	fallbacks = vmstat("tamalloc_fallback") - fallbacks;
	tap_note("%ld faults, for %ld of which no window could be allocated", faults() - taken, fallbacks);
	/* With the detectors memory is less fragmented. */
	CHECK(fallbacks > (long)PAGES / (has_detectors() ? 256 : 16));
	CHECK_EQ(stalled(), stalls);
	CHECK_EQ(resident(region, SIZE), PAGES);
	CHECK_EQ(pages_on(1, 0, PAGES), PAGES);
	for (size_t i = 0; i < PAGES; i++)
		CHECK_EQ(*(size_t *)at(i), i);
}

#define SPACE		(64 * MIB)

/* Touch those pages of each @group, 16 MiB in all; the kernel fills the rest of each. */
static void touch_most(const unsigned short *which, size_t of, size_t group)
{
	const size_t touched = 16 * MIB / page;

	set(THP "enabled", "madvise");
	region = adaptive(SPACE);
	for (size_t i = 0; i < touched; i++)
		*(size_t *)at(i / of * group + which[i % of]) = i + 1;
	for (size_t i = 0; i < touched; i++)
		CHECK_EQ(*(size_t *)at(i / of * group + which[i % of]), i + 1);
}

static void touch_windows(void *unused)
{
	const size_t most = WINDOW + 1;
	unsigned short which[most];

	(void)unused;
	cgroup_join();
	for (size_t i = 0; i < most; i++)
		which[i] = i;
	touch_most(which, most, GROUP);
}

static void touch_singles(void *unused)
{
	(void)unused;
	cgroup_join();
	touch_most(parted_by_singles, 5, 8);
}

/* What was touched is dropped, so that in the end all there is came ahead. */
static void drop_touched(void *unused)
{
	(void)unused;
	cgroup_join();
	set(THP "enabled", "madvise");
	region = adaptive(SPACE);
	for (size_t i = 0; i < SPACE / page; i += GROUP) {
		walk(i, i + WINDOW + 1);
		CHECK(!madvise(at(i), (WINDOW + 1) * page, MADV_DONTNEED));
	}
}

/* Without swap: 16 MiB are touched, up to twice as much is filled. */
static void survives(void (*touch)(void *))
{
	need_adaptive();
	cgroup_make("24M", "0");
	CHECK_EQ(child(touch, NULL), 0);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 0);
	cgroup_remove();
}

static void windows_go(void)
{
	survives(touch_windows);
}

/* That the system splits no huge pages says nothing about these. */
static void windows_go_always(void)
{
	set(THP "shrink_underused", "0");
	survives(touch_windows);
}

static void singles_go(void)
{
	survives(touch_singles);
}

static void rest_goes(void)
{
	survives(drop_touched);
}

static void set_limit(size_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", bytes);
	write_file(CGROUP "/memory.max", text);
}

/*
 * The page behind the first group is touched, and how much that fills: itself, or the folios
 * that come before the one that is refused, where a window has several.
 */
static size_t fills_some(size_t folio)
{
	size_t before = resident(region, SIZE), filled;
	long fallbacks = vmstat("tamalloc_fallback"), taken = faults();

	write_to(at(GROUP));
	CHECK_EQ(faults() - taken, 1);
	CHECK_EQ(vmstat("tamalloc_fallback") - fallbacks, 1);
	filled = resident(region, SIZE) - before;
	CHECK_EQ(resident(at(GROUP), WINDOW * page), filled);
	if (folio == WINDOW)
		CHECK_EQ(filled, 1);
	else
		CHECK(filled == 1 || (filled && filled % folio == 0 && filled < WINDOW));
	return filled;
}

/* There is room for the first 2 MiB, but not for a window beyond. */
static void refused_charge(void *unused)
{
	size_t folio, filled;
	long fallbacks, free;

	(void)unused;
	/* What another CPU has charged ahead makes the kernel swap, when the limit is set. */
	pin_to_cpu(0);
	cgroup_join();
	start();
	CHECK_EQ(walk(0, GROUP), windows_before(GROUP));
	folio = folio_pages(at(WINDOW));
	/* Some pages for what reading /proc is charged: a window of several folios fills the rest. */
	set_limit(2 * MIB + MIB / 2 + 4 * page);
	filled = fills_some(folio);
	/* If several folios came, one page more may need reclaim. */
	if (filled == 1) {
		fallbacks = vmstat("tamalloc_fallback");
		fills(GROUP + 1, 1);
		CHECK_EQ(vmstat("tamalloc_fallback"), fallbacks);
	}
	/* A window that is not freed is a MiB lost each time. */
	free = vmstat("nr_free_pages");
	for (int i = 0; i < 64; i++) {
		CHECK(!madvise(at(GROUP), WINDOW * page, MADV_DONTNEED));
		filled = fills_some(folio);
	}
	CHECK(free - vmstat("nr_free_pages") < (long)(32 * MIB / page));
	set_limit(LIMIT);
	CHECK_EQ(walk(GROUP + 1, GROUP + 4), filled == 1 ? 3 : 0);
	if (filled == 1)
		fills(GROUP + 4, 4);
	CHECK_EQ(field(CGROUP "/memory.events", "oom"), 0);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 0);
}

#define REFUSALS	4096

static void touch_five(void)
{
	CHECK(!madvise(region, 8 * page, MADV_DONTNEED));
	for (size_t n = 0; n < 5; n++)
		poke(at(parted_by_singles[n]), 't');
}

static void fill_cgroup(char *p, size_t bytes)
{
	size_t got = 0;

	while (got < bytes && try_poke(p + got, 't'))
		got += page;
	CHECK(got < bytes);
}

/*
 * There is room for the five pages that are touched, but for none of the three that come ahead,
 * which are allocated together. /proc wants some room, too.
 */
static void refused_singles(void *unused)
{
	const size_t bytes = 2 * LIMIT, some = 64 * page;
	char *rest;
	long free;

	(void)unused;
	pin_to_cpu(0);
	cgroup_join();
	sigbus_catch();
	CHECK(!mlockall(MCL_CURRENT));
	start();
	touch_five(); /* for the page table */
	CHECK(!madvise(region, 8 * page, MADV_DONTNEED));
	rest = tamalloc(bytes);
	CHECK(!madvise(rest, bytes, MADV_OOM_SIGBUS));
	fill_cgroup(rest, bytes);
	CHECK(!madvise(rest, some, MADV_DONTNEED));
	free = vmstat("nr_free_pages");
	fill_cgroup(rest, bytes);
	CHECK(!madvise(rest, 5 * page, MADV_DONTNEED));
	for (int i = 0; i < REFUSALS; i++)
		touch_five();
	CHECK(!madvise(rest, some, MADV_DONTNEED));
	CHECK_EQ(resident(region, SIZE), 5);
	CHECK(free - vmstat("nr_free_pages") < REFUSALS / 4);
}

static void singles_come_back(void)
{
	long fallbacks = vmstat("tamalloc_fallback");

	need_adaptive();
	cgroup_make("16M", "0");
	CHECK_EQ(child(refused_singles, NULL), 0);
	CHECK_EQ(vmstat("tamalloc_fallback") - fallbacks, REFUSALS);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 0);
	cgroup_remove();
}

static void refused_with(const char *swap)
{
	need_adaptive();
	cgroup_make("16M", swap);
	CHECK_EQ(child(refused_charge, NULL), 0);
	cgroup_remove();
}

static void charge_fails(void)
{
	refused_with("0");
}

/* With swap, so that reclaim could make room for the window. */
static void charge_reclaims_nothing(void)
{
	need_adaptive();
	start_swap(ANY_SWAP);
	refused_with("max");
	stop_swap();
}

/* How far a walk got before it was killed; shared with the walker. */
static size_t *reached;

static void walk_until_killed(void *advice)
{
	const size_t bytes = 4 * LIMIT;
	char *p;

	cgroup_join();
	p = align(tamalloc(bytes), bytes);
	CHECK(!madvise(p, bytes, *(int *)advice));
	for (size_t i = 0; i < bytes; i += page, ++*reached)
		poke(p + i, 1);
}

static size_t reach(int advice)
{
	*reached = 0;
	CHECK_EQ(killed_by(walk_until_killed, &advice), SIGKILL);
	return *reached;
}

static void killed(void)
{
	size_t strict, wide, slack = MIB / page;

	set(THP "enabled", "madvise");
	reached = mmap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(reached != MAP_FAILED);
	cgroup_make("16M", "0");
	strict = reach(MADV_NOHUGEPAGE);
	wide = reach(MADV_HUGEPAGE);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 2);
	cgroup_remove();
	tap_note("killed after %zu pages, %zu if strict", wide, strict);
	CHECK(strict >= LIMIT / page - slack && strict <= LIMIT / page);
	CHECK(wide >= strict - slack && wide <= strict + slack);
}

static void charge_and_drop(void *unused)
{
	const size_t half = WINDOW / 2;

	(void)unused;
	cgroup_join();
	start();
	CHECK_EQ(walk(0, GROUP), windows_before(GROUP));
	cgroup_check_charge(2 * MIB);
	fills(GROUP, WINDOW);
	cgroup_check_charge(3 * MIB);
	CHECK_EQ(walk(GROUP + 1, PAGES), (PAGES - GROUP) / WINDOW - 1);
	cgroup_check_charge(8 * MIB);
	/* Whole windows, and halves of others. */
	CHECK(!madvise(at(9 * half), 4 * half * page, MADV_DONTNEED));
	CHECK(!madvise(at(13 * half), half * page, MADV_DONTNEED));
	CHECK(!madvise(at(8 * half), half * page, MADV_DONTNEED));
	CHECK_EQ(resident(region, SIZE), PAGES - 6 * half);
	cgroup_check_charge(5 * MIB);
	CHECK(!munmap(region, SIZE));
	cgroup_check_charge(0);
}

/*
 * One page is left of each of six windows. Its folio is paid for in full until there is need
 * of what nobody has mapped any more.
 */
static void leave_one_of_each(void *unused)
{
	const size_t left = (PAGES - GROUP) / WINDOW;
	size_t folio;

	(void)unused;
	cgroup_join();
	start();
	walk(0, PAGES);
	folio = folio_pages(at(GROUP));
	CHECK(!madvise(region, GROUP * page, MADV_DONTNEED));
	for (size_t i = GROUP; i < PAGES; i += WINDOW)
		CHECK(!madvise(at(i + 1), (WINDOW - 1) * page, MADV_DONTNEED));
	CHECK_EQ(resident(region, SIZE), left);
	cgroup_check_charge(left * folio * page);
	set_limit(2 * MIB);
	cgroup_check_charge(left * page);
	CHECK_EQ(resident(region, SIZE), left);
	for (size_t i = GROUP; i < PAGES; i += WINDOW)
		CHECK_EQ(*at(i), 't');
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 0);
}

static void charge_goes(void)
{
	need_adaptive();
	cgroup_make("16M", "0");
	CHECK_EQ(child(leave_one_of_each, NULL), 0);
	cgroup_remove();
}

static void charged(void)
{
	long before;

	need_adaptive();
	cgroup_make("16M", "0");
	before = cgroup_dying();
	CHECK_EQ(child(charge_and_drop, NULL), 0);
	cgroup_remove();
	cgroup_check_dying(before);
}

static const struct test tests[] = {
	TEST("windows obey the region's NUMA policy", numa),
	TEST("so do single pages that come ahead, and the task's policy", numa_of_singles),
	TEST("fragmented memory yields single pages, without a stall", fragmented),
	TEST("a window over the cgroup's limit becomes one page, and nothing is killed", charge_fails),
	TEST("a window over the cgroup's limit swaps nothing out", charge_reclaims_nothing),
	TEST("single pages over the cgroup's limit are given back", singles_come_back),
	TEST("windows that were not touched go before anything is killed", windows_go),
	TEST("they go with shrink_underused=0, too", windows_go_always),
	TEST("so do single pages that came ahead", singles_go),
	TEST("so does what is left when all that was touched is dropped", rest_goes),
	TEST("an adaptive region reaches the OOM killer at the same size as a strict one", killed),
	TEST("a window of which one page is left is paid for until there is pressure", charge_goes),
	TEST("a window is charged once and uncharged in full", charged),
};

TAP_MAIN(tests, no_tamalloc)
