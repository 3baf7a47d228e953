// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps first touch strict where there is evidence for a window. Each test sees
 * windows before and after, so nothing else can have kept them away.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "adaptive.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"
#include "uffd.h"

#define KSM "/sys/kernel/mm/ksm/"

static void strict_between(void (*on)(void), void (*off)(void))
{
	const size_t next = 2 * MIDDLE, end = next + window_at(next);

	start();
	CHECK_EQ(walk(0, MIDDLE), windows_before(MIDDLE));
	on();
	check_strict(at(MIDDLE), MIDDLE * page);
	off();
	fills(next, window_at(next));
	CHECK_EQ(walk(next + 1, end), 0);
	on();
	check_strict(at(end), GROUP * page);
}

static void nohugepage(void)
{
	CHECK(!madvise(region, SIZE, MADV_NOHUGEPAGE));
}

static void hugepage(void)
{
	CHECK(!madvise(region, SIZE, MADV_HUGEPAGE));
}

static void advised(void)
{
	strict_between(nohugepage, hugepage);
}

#define DAMON "/sys/kernel/mm/damon/admin/kdamonds/"

/* A scheme that advises every part of this process, whatever its accesses. */
static void damon_begin(void)
{
	static const char * const settings[][2] = {
		{ "nr_kdamonds", "1" },
		{ "0/contexts/nr_contexts", "1" },
		{ "0/contexts/0/operations", "vaddr" },
		{ "0/contexts/0/monitoring_attrs/intervals/sample_us", "5000" },
		{ "0/contexts/0/monitoring_attrs/intervals/aggr_us", "20000" },
		{ "0/contexts/0/targets/nr_targets", "1" },
		{ "0/contexts/0/schemes/nr_schemes", "1" },
		{ "0/contexts/0/schemes/0/action", "hugepage" },
		{ "0/contexts/0/schemes/0/access_pattern/sz/max", "18446744073709551615" },
		{ "0/contexts/0/schemes/0/access_pattern/nr_accesses/max", "4294967295" },
		{ "0/contexts/0/schemes/0/access_pattern/age/max", "4294967295" },
	};
	char path[160], pid[16];

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		snprintf(path, sizeof(path), DAMON "%s", settings[i][0]);
		write_file(path, settings[i][1]);
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	write_file(DAMON "0/contexts/0/targets/0/pid_target", pid);
	write_file(DAMON "0/state", "on");
}

/* It clears accessed bits while it samples, so that it has to end before anything is counted. */
static void damon_end(void)
{
	write_file(DAMON "0/state", "off");
	write_file(DAMON "nr_kdamonds", "0");
}

static void advised_by_damon(void)
{
	struct vma vma = { };

	start();
	region = align(tamalloc(SIZE), SIZE);
	check_strict(region, WINDOW / 8 * page);
	damon_begin();
	for (int tries = 0; tries < 3000 && !(find_vma(region, &vma) && strstr(vma.flags, " hg") &&
					      vma.end >= (uintptr_t)at(PAGES)); tries++)
		usleep(10000);
	damon_end();
	CHECK(strstr(vma.flags, " hg"));
	CHECK(vma.end >= (uintptr_t)at(PAGES));
	CHECK_EQ(walk(GROUP, 2 * GROUP), windows_before(GROUP));
	fills(2 * GROUP, WINDOW);
}

/* Without advice, and with any other. */
static void unadvised(void)
{
	static const int others[] = { MADV_SEQUENTIAL, MADV_WILLNEED, MADV_RANDOM, MADV_NORMAL };

	start();
	region = align(tamalloc(SIZE), SIZE);
	set(THP "enabled", "always");
	check_strict(region, 32 * page);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		CHECK(!madvise(region, SIZE, others[i]));
		check_strict(at(32 + 8 * i), 8 * page);
	}
	hugepage();
	fills(64, window_at(64));
}

static void never(void)
{
	write_file(THP "enabled", "never");
}

static void madvised(void)
{
	write_file(THP "enabled", "madvise");
}

static void disabled(void)
{
	strict_between(never, madvised);
}

static void thp_disable(void)
{
	CHECK(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

static void thp_enable(void)
{
	CHECK(!prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
}

static void disabled_by_prctl(void)
{
	strict_between(thp_disable, thp_enable);
}

static int uffd;

static void watch(void)
{
	uffd = uffd_open(O_CLOEXEC | O_NONBLOCK, 0);
	CHECK(uffd >= 0);
	CHECK(!uffd_register(uffd, region, SIZE, UFFDIO_REGISTER_MODE_WP));
}

static void unwatch(void)
{
	close(uffd);
}

static void watched(void)
{
	strict_between(watch, unwatch);
}

static void mergeable(void)
{
	CHECK(!madvise(region, SIZE, MADV_MERGEABLE));
}

static void unmergeable(void)
{
	CHECK(!madvise(region, SIZE, MADV_UNMERGEABLE));
}

static void merged(void)
{
	strict_between(mergeable, unmergeable);
}

static void wait_for_ksm(const char *file, long least)
{
	for (int i = 0; i < 3000; i++) {
		if (number(file) >= least)
			return;
		usleep(10000);
	}
	tap_fail(__FILE__, __LINE__, "KSM did not get this far in 30 s");
}

/* KSM unmerges a page by a write fault, on the program's behalf. */
static void unmerge(int lock, size_t pages)
{
	start();
	if (lock)
		CHECK(!mlock2(region, SIZE, lock));
	CHECK_EQ(walk(0, MIDDLE), windows_before(MIDDLE));
	fills(MIDDLE, MIDDLE);
	/* One of the first of equal pages stays what it is: here they have been touched. */
	for (size_t i = 1; i < 8; i++)
		CHECK_EQ(peek(at(MIDDLE + i)), 0);
	mergeable();
	set(KSM "pages_to_scan", "10000");
	set(KSM "sleep_millisecs", "0");
	set(KSM "run", "1");
	wait_for_ksm(KSM "pages_sharing", (lock ? 2 * MIDDLE - 8 : MIDDLE - 4));
	wait_for_ksm(KSM "full_scans", number(KSM "full_scans") + 3);
	unmergeable();
	CHECK_EQ(resident(region, SIZE), 2 * MIDDLE);
	fills(2 * MIDDLE, pages);
}

/* Where KSM splits a window, the zero page replaces the pages that are zero. */
static void unmerged(void)
{
	unmerge(0, 1);
}

/* In a locked region it may not: merging and unmerging replace each page. */
static void unmerged_locked(void)
{
	unmerge(MLOCK_ONFAULT, 1);
}

static void set_sizes(const char *value)
{
	for (size_t bytes = 4 * page; bytes <= huge; bytes *= 2)
		set_folios(bytes, value);
}

static void sizes_never(void)
{
	start();
	set_sizes("never");
	CHECK_EQ(walk(0, GROUP), windows_before(GROUP));
	fills(GROUP, WINDOW);
}

static void sizes_always(void)
{
	start();
	set(THP "enabled", "always");
	set_sizes("always");
	fills(0, 1);
	fills(GROUP, 1);
	CHECK_EQ(walk(1, GROUP), windows_before(GROUP) - 1);
}

static const struct test tests[] = {
	TEST("MADV_NOHUGEPAGE turns windows off and MADV_HUGEPAGE turns them on", advised),
	TEST("without MADV_HUGEPAGE a region is strict, even with THP=always", unadvised),
	TEST("a DAMON scheme of the administrator's turns them on", advised_by_damon),
	TEST("a region is strict with THP=never", disabled),
	TEST("a region is strict under PR_SET_THP_DISABLE", disabled_by_prctl),
	TEST("a region registered with userfaultfd is strict", watched),
	TEST("a region with MADV_MERGEABLE is strict", merged),
	TEST("pages that KSM has unmerged are not evidence", unmerged),
	TEST("nor are they in a locked region, where MADV_UNMERGEABLE copies each page", unmerged_locked),
	TEST("hugepages-*kB/enabled=never leaves windows as they are", sizes_never),
	TEST("hugepages-*kB/enabled=always adds no window", sizes_always),
};

TAP_MAIN(tests, no_tamalloc)
