// SPDX-License-Identifier: GPL-2.0
/* Each advice of madvise(2), unknown ones, and process_madvise(2). */
#include <sys/uio.h>

#include "matrix.h"

/* Half of the pages are written; the advice is for all. */
static void half_written(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	drain_lru();
	say_outcome(NULL, madvise(p, SIZE, cell->arg));
	say_pages(p, PAGES);
	say("flags %s", flags_of(cell, p));
	fill(p, PAGES);
	say("written: %ld resident", usage(p, PAGES, "Rss"));
}

static void half_read(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	read_all(p, PAGES / 2);
	say_outcome(NULL, madvise(p, SIZE, cell->arg));
	say("%ld resident", usage(p, PAGES, "Rss"));
	write_all(p, PAGES);
	say("written: %ld resident", usage(p, PAGES, "Rss"));
}

static void populate(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long taken;

	fill(p, 1);
	say_outcome(NULL, madvise(p, SIZE, cell->arg));
	say_pages(p, PAGES);
	taken = faults();
	write_all(p, PAGES);
	say("written: %ld faults", faults() - taken);
}

static void populate_read_only(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!mprotect(p, SIZE, PROT_READ));
	say_outcome(NULL, madvise(p, SIZE, cell->arg));
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void lazy_free(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	drain_lru();
	CHECK(!madvise(p, SIZE / 2, MADV_FREE));
	drain_lru();
	say("%ld resident, %ld lazily free", usage(p, PAGES, "Rss"), usage(p, PAGES, "LazyFree"));
	write_all(p, 4);
	CHECK(!madvise(p, SIZE, MADV_PAGEOUT));
	say("MADV_PAGEOUT: %ld resident", usage(p, PAGES, "Rss"));
}

static void collapse(const struct cell *cell)
{
	size_t pages = huge / page;
	char *p = get(cell, 2 * huge);

	if (cell->arg)
		fill(p, cell->arg);
	say_outcome(NULL, madvise(p, huge, MADV_COLLAPSE));
	say("%ld in huge pages", usage(p, 2 * pages, "AnonHugePages"));
	say_pages(p, 2 * pages);
	say_kind(cell, p);
}

static void part(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	drain_lru();
	say_outcome(NULL, madvise(p + 4 * page, 8 * page, cell->arg));
	say_pages(p, PAGES);
	say("mappings: %d", mappings(p, SIZE));
	say_kind(cell, p + 4 * page);
}

static void with_hole(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	CHECK(!munmap(p + 4 * page, page));
	say_outcome(NULL, madvise(p, SIZE, cell->arg));
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void by_pidfd(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct iovec range = { p, SIZE };
	int fd = syscall(SYS_pidfd_open, getpid(), 0);

	CHECK(fd >= 0);
	fill(p, PAGES);
	say_outcome(NULL, syscall(SYS_process_madvise, fd, &range, 1, cell->arg, 0));
	say_pages(p, PAGES);
}

/* Guards take the place of what was there. */
static void guarded(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	say_outcome(NULL, madvise(p + 4 * page, 8 * page, MADV_GUARD_INSTALL));
	say("%ld resident", usage(p, PAGES, "Rss"));
	say("touched: %s, %s", touch(p + 5 * page, 'r'), touch(p + 9 * page, 'w'));
	say("beside: %s", touch(p + 12 * page, 'w'));
	say("mappings: %d", mappings(p, SIZE));
	say_outcome("removed", madvise(p + 4 * page, 8 * page, MADV_GUARD_REMOVE));
	write_all(p, PAGES);
	say_pages(p, PAGES);
	say_kind(cell, p);
}

/* An advice and its opposite: no trace is left in the flags. */
static void taken_back(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	CHECK(!madvise(p, SIZE, cell->arg & 0xff));
	say("flags %s", flags_of(cell, p));
	say_outcome("back", madvise(p, SIZE, cell->arg >> 8));
	say("flags %s", flags_of(cell, p));
	say_pages(p, PAGES);
}

#define HALF(advice) { #advice, half_written, advice }
#define UNKNOWN(number) { "unknown advice " #number, half_written, number, .refused = "EINVAL" }
#define GUARD(number) { "unknown advice " #number, half_written, number, .refused = "EINVAL", .before = LINUX(6, 13) }

const struct row advice_rows[] = {
	HALF(MADV_NORMAL),
	HALF(MADV_RANDOM),
	HALF(MADV_SEQUENTIAL),
	HALF(MADV_WILLNEED),
	HALF(MADV_DONTNEED),
	HALF(MADV_FREE),
	{ "MADV_FREE on half, four written again, MADV_PAGEOUT", lazy_free },
	{ "MADV_REMOVE", half_written, MADV_REMOVE, .refused = "EINVAL" },
	HALF(MADV_DONTFORK),
	HALF(MADV_DOFORK),
	HALF(MADV_MERGEABLE),
	HALF(MADV_UNMERGEABLE),
	{ "MADV_HUGEPAGE", half_written, MADV_HUGEPAGE, .adaptive = ADVISED },
	HALF(MADV_NOHUGEPAGE),
	HALF(MADV_DONTDUMP),
	HALF(MADV_DODUMP),
	HALF(MADV_WIPEONFORK),
	HALF(MADV_KEEPONFORK),
	HALF(MADV_OOM_SIGBUS),
	HALF(MADV_OOM_KILL),
	HALF(MADV_COLD),
	HALF(MADV_PAGEOUT),
	{ "MADV_POPULATE_READ", populate, MADV_POPULATE_READ, READ_POPULATES },
	{ "MADV_POPULATE_WRITE", populate, MADV_POPULATE_WRITE },
	{ "MADV_POPULATE_READ, read-only", populate_read_only, MADV_POPULATE_READ, READ_POPULATES },
	{ "MADV_POPULATE_WRITE, read-only", populate_read_only, MADV_POPULATE_WRITE, .refused = "EINVAL" },
	HALF(MADV_DONTNEED_LOCKED),
	{ "MADV_COLLAPSE, 16 pages", half_written, MADV_COLLAPSE, .refused = "EINVAL" },
	{ "MADV_COLLAPSE, 2 MiB untouched", collapse, 0, .refused = "EINVAL" },
	{ "MADV_COLLAPSE, 2 MiB with one page touched", collapse, 1, .needs = huge_pages_fit },
	{ "MADV_COLLAPSE, 2 MiB with all pages touched", collapse, 512, .needs = huge_pages_fit },
	UNKNOWN(5), UNKNOWN(7), UNKNOWN(26), UNKNOWN(99), GUARD(102), GUARD(103), UNKNOWN(-1),
	{ "MADV_GUARD_INSTALL on eight pages in the middle, then REMOVE", guarded, .since = LINUX(6, 13) },
	{ "MADV_DONTNEED, pages only read", half_read, MADV_DONTNEED },
	{ "MADV_FREE, pages only read", half_read, MADV_FREE, READ_POPULATES },
	{ "MADV_DONTNEED on eight pages in the middle", part, MADV_DONTNEED },
	{ "MADV_FREE on eight pages in the middle", part, MADV_FREE },
	{ "MADV_PAGEOUT on eight pages in the middle, without swap", part, MADV_PAGEOUT },
	{ "MADV_HUGEPAGE on eight pages in the middle", part, MADV_HUGEPAGE,
	  .adaptive = ADVISED },
	{ "MADV_SEQUENTIAL on eight pages in the middle", part, MADV_SEQUENTIAL },
	{ "MADV_DONTNEED over a hole", with_hole, MADV_DONTNEED, .refused = "ENOMEM" },
	{ "MADV_POPULATE_WRITE over a hole", with_hole, MADV_POPULATE_WRITE, .refused = "ENOMEM" },
	{ "MADV_HUGEPAGE, then NOHUGEPAGE", taken_back, MADV_HUGEPAGE | MADV_NOHUGEPAGE << 8,
	  .adaptive = ADVISED },
	{ "MADV_MERGEABLE, then UNMERGEABLE", taken_back, MADV_MERGEABLE | MADV_UNMERGEABLE << 8 },
	{ "MADV_SEQUENTIAL, then NORMAL", taken_back, MADV_SEQUENTIAL | MADV_NORMAL << 8 },
	{ "MADV_DONTDUMP, then DODUMP", taken_back, MADV_DONTDUMP | MADV_DODUMP << 8 },
	{ "process_madvise COLD", by_pidfd, MADV_COLD },
	{ "process_madvise PAGEOUT, without swap", by_pidfd, MADV_PAGEOUT },
	{ "process_madvise WILLNEED", by_pidfd, MADV_WILLNEED },
	{ "process_madvise COLLAPSE, 16 pages", by_pidfd, MADV_COLLAPSE, .refused = "EINVAL" },
	{ "process_madvise DONTNEED", by_pidfd, MADV_DONTNEED, .refused = "EINVAL", .before = LINUX(6, 15) },
	{ "process_madvise FREE", by_pidfd, MADV_FREE, .refused = "EINVAL", .before = LINUX(6, 15) },
	{ "process_madvise DONTNEED", by_pidfd, MADV_DONTNEED, .since = LINUX(6, 15) },
	{ "process_madvise FREE", by_pidfd, MADV_FREE, .since = LINUX(6, 15) },
	{}
};
