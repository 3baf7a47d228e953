// SPDX-License-Identifier: GPL-2.0
/* Transparent huge pages: from faults, khugepaged and MADV_COLLAPSE, and split. */
#include <sys/prctl.h>

#include "matrix.h"

#define KHUGEPAGED	THP "khugepaged/"
#define HUGE_PAGES	(huge / page)

static char *aligned(const struct cell *cell)
{
	return get(cell, 2 * huge);
}

static void say_huge(const char *p)
{
	say("%ld resident", usage(p, 2 * HUGE_PAGES, "Rss"));
	say("%ld in huge pages", usage(p, 2 * HUGE_PAGES, "AnonHugePages"));
}

static void one_touch(const struct cell *cell, char how)
{
	char *p = aligned(cell);

	if (cell->arg)
		CHECK(!madvise(p, 2 * huge, cell->arg));
	say("%s", touch(p, how));
	say_huge(p);
}

static void always(const struct cell *cell)
{
	set(THP "enabled", "always");
	set(THP "defrag", "always");
	one_touch(cell, 'w');
}

static void always_read(const struct cell *cell)
{
	char *p;
	size_t count = 0;

	set(THP "enabled", "always");
	p = aligned(cell);
	read_all(p, 1);
	for (size_t i = 0; i < HUGE_PAGES; i++)
		count += !!(pagemap(p + i * page) & PM_PRESENT);
	say("%zu mapped", count);
	say_huge(p);
}

static void when_advised(const struct cell *cell)
{
	set(THP "enabled", "madvise");
	set(THP "defrag", "always");
	one_touch(cell, 'w');
}

static void never(const struct cell *cell)
{
	set(THP "enabled", "never");
	one_touch(cell, 'w');
}

/* Folios of 16 pages, enabled always or by madvise. */
static void smaller(const struct cell *cell)
{
	set(THP "enabled", "always");
	set_folios(huge, "never");
	set_folios(16 * page, cell->arg ? "madvise" : "always");
	one_touch(cell, 'w');
}

static void disabled(const struct cell *cell)
{
	set(THP "enabled", "always");
	CHECK(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	one_touch(cell, 'w');
}

static void disabled_collapse(const struct cell *cell)
{
	char *p;

	set(THP "enabled", "always");
	CHECK(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	p = aligned(cell);
	fill(p, PAGES);
	say_outcome(NULL, madvise(p, huge, MADV_COLLAPSE));
	say_huge(p);
}

static void collapse_setting(const struct cell *cell)
{
	static const char *const setting[] = { "never", "madvise", "always" };
	char *p;

	set(THP "enabled", "never");
	p = aligned(cell);
	fill(p, PAGES);
	write_file(THP "enabled", setting[cell->arg]);
	say_outcome(NULL, madvise(p, huge, MADV_COLLAPSE));
	say_huge(p);
	say("%s", contents(p, PAGES));
}

/* khugepaged at its most eager, until it has collapsed a control and scanned all once more. */
static void khugepaged(const struct cell *cell)
{
	const long written = cell->arg ?: (long)HUGE_PAGES - 1;
	char *p, *control, most[32];

	set(THP "enabled", "never");
	p = aligned(cell);
	control = align(plain(huge), huge);
	fill(p, written);
	fill(control, 1);
	snprintf(most, sizeof(most), "%ld", (long)HUGE_PAGES - 1);
	set(KHUGEPAGED "max_ptes_none", most);
	set(KHUGEPAGED "pages_to_scan", "100000");
	set(KHUGEPAGED "alloc_sleep_millisecs", "0");
	set(KHUGEPAGED "scan_sleep_millisecs", "0");
	write_file(THP "enabled", "always");
	CHECK(!madvise(control, huge, MADV_HUGEPAGE));
	CHECK(!madvise(p, 2 * huge, MADV_HUGEPAGE));
	for (int i = 0; i < 6 && !usage(control, HUGE_PAGES, "AnonHugePages"); i++)
		wait_for_growth(KHUGEPAGED "full_scans", 1);
	CHECK_EQ(usage(control, HUGE_PAGES, "AnonHugePages"), HUGE_PAGES);
	wait_for_growth(KHUGEPAGED "full_scans", 3);
	say_huge(p);
	say("%s", usage(p, 2 * HUGE_PAGES, "Rss") == written ? "those touched" : "more than touched");
}

static char *collapsed(const struct cell *cell)
{
	char *p = aligned(cell);

	fill(p, HUGE_PAGES);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	return p;
}

static void split_by_munmap(const struct cell *cell)
{
	char *p = collapsed(cell);

	CHECK(!munmap(p + huge / 2, page));
	say("%ld resident before the hole", usage(p, HUGE_PAGES / 2, "Rss"));
	say("%s", contents(p, HUGE_PAGES / 2));
	say("hole %s", touch(p + huge / 2, 'r'));
	say_kind(cell, p);
}

static void split_by_mprotect(const struct cell *cell)
{
	char *p = collapsed(cell);

	CHECK(!mprotect(p + huge / 2, page, PROT_READ));
	say_huge(p);
	say("write %s", touch(p + huge / 2, 'w'));
	say("%s", contents(p, HUGE_PAGES));
}

static void split_by_dontneed(const struct cell *cell)
{
	char *p = collapsed(cell);

	CHECK(!madvise(p + huge / 2, page, MADV_DONTNEED));
	say_huge(p);
	say(all_zero(p + huge / 2, page) ? "dropped page zero" : "dropped page NOT zero");
	say("%s", contents(p, HUGE_PAGES / 2));
}

static void write_one(void *p)
{
	poke(p, 'x');
	say("child: %ld in huge pages", usage(p, HUGE_PAGES, "AnonHugePages"));
	say("%ld resident", usage(p, HUGE_PAGES, "Rss"));
}

static void split_by_fork(const struct cell *cell)
{
	char *p = collapsed(cell);

	CHECK(!child(write_one, p));
	say("parent: %s", contents(p, HUGE_PAGES));
	say_huge(p);
}

static void split_by_debugfs(const struct cell *cell)
{
	char *p = collapsed(cell), request[96];

	snprintf(request, sizeof(request), "%d,0x%lx,0x%lx,0", getpid(), (unsigned long)p,
		 (unsigned long)p + huge);
	write_file("/sys/kernel/debug/split_huge_pages", request);
	say_huge(p);
	say("%s", contents(p, HUGE_PAGES));
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	say("collapsed again: %ld in huge pages", usage(p, HUGE_PAGES, "AnonHugePages"));
}

const struct row thp_rows[] = {
	{ "always, one page written", always, 0, NO_HUGE_PAGE, .needs = huge_pages_fit },
	{ "always, one page read", always_read, 0, NO_HUGE_PAGE },
	{ "always, MADV_HUGEPAGE, one page written", always, MADV_HUGEPAGE, NO_HUGE_PAGE,
	  .needs = huge_pages_fit },
	{ "always, MADV_NOHUGEPAGE, one page written", always, MADV_NOHUGEPAGE },
	{ "madvise, one page written", when_advised },
	{ "madvise, MADV_HUGEPAGE, one page written", when_advised, MADV_HUGEPAGE, NO_HUGE_PAGE,
	  .needs = huge_pages_fit },
	{ "never, one page written", never },
	{ "never, MADV_HUGEPAGE, one page written", never, MADV_HUGEPAGE },
	{ "folios of 16 pages always, one page written", smaller, 0, NO_HUGE_PAGE },
	{ "folios of 16 pages by madvise, MADV_HUGEPAGE, one page written", smaller, MADV_HUGEPAGE, NO_HUGE_PAGE },
	{ "PR_SET_THP_DISABLE, always, one page written", disabled },
	{ "PR_SET_THP_DISABLE, MADV_COLLAPSE", disabled_collapse, 0, .refused = "EINVAL" },
	{ "never, MADV_COLLAPSE", collapse_setting, 0, .needs = huge_pages_fit },
	{ "madvise, MADV_COLLAPSE", collapse_setting, 1, .needs = huge_pages_fit },
	{ "always, MADV_COLLAPSE", collapse_setting, 2, .needs = huge_pages_fit },
	{ "khugepaged, one page written", khugepaged, 1, NO_HUGE_PAGE, .needs = huge_pages_fit },
	{ "khugepaged, all pages but one written", khugepaged, 0, NO_HUGE_PAGE,
	  .needs = huge_pages_fit },
	{ "huge page, one page unmapped", split_by_munmap, .needs = huge_pages_fit },
	{ "huge page, one page read-only", split_by_mprotect, .needs = huge_pages_fit },
	{ "huge page, MADV_DONTNEED on one page", split_by_dontneed, .needs = huge_pages_fit },
	{ "huge page, fork, the child writes a byte", split_by_fork, .needs = huge_pages_fit },
	{ "huge page, split through debugfs, collapsed again", split_by_debugfs,
	  .needs = huge_pages_fit },
	{}
};
