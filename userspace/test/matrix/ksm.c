// SPDX-License-Identifier: GPL-2.0
/* Kernel samepage merging. */
#include <sys/prctl.h>

#include "matrix.h"

#define KSM "/sys/kernel/mm/ksm/"

static void same_content(char *p)
{
	for (size_t i = 0; i < PAGES; i++)
		memset(p + i * page, 's', page);
}

static void start_ksm(void)
{
	set(KSM "pages_to_scan", "10000");
	set(KSM "sleep_millisecs", "0");
	set(KSM "run", "1");
}

static void say_merged(const char *p)
{
	wait_for_growth(KSM "full_scans", 4);
	say("%ld merged", usage(p, PAGES, "KSM"));
}

static void merge(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	size_t right = 0;

	same_content(p);
	start_ksm();
	say_outcome(NULL, madvise(p, SIZE, MADV_MERGEABLE));
	say_merged(p);
	write_file(KSM "run", "0");	/* else it merges the four again */
	write_all(p, 4);
	say("4 written: %ld merged", usage(p, PAGES, "KSM"));
	say_outcome("taken back", madvise(p, SIZE, MADV_UNMERGEABLE));
	say("%ld merged", usage(p, PAGES, "KSM"));
	for (size_t i = 0; i < SIZE; i++)
		right += p[i] == (i % page || i / page >= 4 ? 's' : 'x');
	say(right == SIZE ? "contents kept" : "contents LOST");
	say_kind(cell, p);
}

static void zeroes(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long before;

	read_all(p, PAGES / 2);
	memset(p + SIZE / 2, 0, SIZE / 2);
	set(KSM "use_zero_pages", "1");
	start_ksm();
	before = number(KSM "ksm_zero_pages");
	CHECK(!madvise(p, SIZE, MADV_MERGEABLE));
	wait_for_growth(KSM "full_scans", 4);
	say("%ld became the zero page", number(KSM "ksm_zero_pages") - before);
	say("%ld resident", usage(p, PAGES, "Rss"));
	write_all(p, PAGES);
	say("written: %ld resident", usage(p, PAGES, "Rss"));
}

static void whole_process(const struct cell *cell)
{
	char *p;

	start_ksm();
	say_outcome(NULL, prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0));
	p = get(cell, SIZE);
	same_content(p);
	say_merged(p);
	say("flags %s", flags_of(cell, p));
	CHECK(!prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0));
	say("taken back: %ld merged", usage(p, PAGES, "KSM"));
}

static void write_in_child(void *p)
{
	write_all(p, PAGES);
	say("child: %ld resident, %ld merged", usage(p, PAGES, "Rss"), usage(p, PAGES, "KSM"));
}

static void forked(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	same_content(p);
	start_ksm();
	CHECK(!madvise(p, SIZE, MADV_MERGEABLE));
	say_merged(p);
	write_file(KSM "run", "0");
	CHECK(!child(write_in_child, p));
	say("parent: %ld merged, %s", usage(p, PAGES, "KSM"), *p == 's' ? "kept" : "LOST");
}

/* Pages of this kind and of plain memory with equal contents. */
static void with_plain(const struct cell *cell)
{
	char *p = get(cell, SIZE), *other = align(plain(SIZE), SIZE);

	same_content(p);
	same_content(other);
	start_ksm();
	CHECK(!madvise(p, SIZE, MADV_MERGEABLE));
	CHECK(!madvise(other, SIZE, MADV_MERGEABLE));
	wait_for_growth(KSM "full_scans", 4);
	say("%ld and %ld merged", usage(p, PAGES, "KSM"), usage(other, PAGES, "KSM"));
	write_all(other, PAGES);
	say(*p == 's' ? "contents kept" : "contents LOST");
}

const struct row ksm_rows[] = {
	{ "16 equal pages merged, four written, then unmerged", merge },
	{ "merged with pages of plain memory", with_plain },
	{ "merged, then forked; the child writes", forked },
	{ "zeroes, half only read, use_zero_pages=1", zeroes, 0, READ_POPULATES,
	  .adaptive = LARGE_FOLIO "KSM splits it, and the split maps the zero page before KSM does" },
	{ "PR_SET_MEMORY_MERGE", whole_process },
	{}
};
