// SPDX-License-Identifier: GPL-2.0
/* mremap(2), with each of its flags. */
#include "matrix.h"

static char *filled(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	return p;
}

static void say_mappings(const char *p)
{
	say("mappings: %d", mappings(p - SIZE, 3 * SIZE));
}

static void grow_in_place(const struct cell *cell)
{
	char *p = filled(cell), *q = mremap(p, SIZE, 2 * SIZE, 0);

	say(q == p ? "in place" : "NOT in place");
	say_mappings(p);
	say_pages(p, 2 * PAGES);
	say_kind(cell, p);
	write_all(p + SIZE, PAGES);
	say("%ld resident", usage(p, 2 * PAGES, "Rss"));
}

static char *blocked(char *p)
{
	CHECK(mmap(p + SIZE, page, PROT_NONE, ANON | MAP_FIXED, -1, 0) == p + SIZE);
	return p;
}

static void grow_blocked(const struct cell *cell)
{
	char *p = blocked(filled(cell));

	say_outcome(NULL, (long)mremap(p, SIZE, 2 * SIZE, 0));
	say_pages(p, PAGES);
}

static void grow_and_move(const struct cell *cell)
{
	char *p = blocked(filled(cell)), *q = mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE);

	say(q != p && q != MAP_FAILED ? "moved" : "NOT moved");
	say_pages(q, 2 * PAGES);
	say_kind(cell, q);
	say("old place %s", touch(p, 'r'));
	write_all(q + SIZE, PAGES);
	say("%ld resident", usage(q, 2 * PAGES, "Rss"));
}

static void shrink(const struct cell *cell)
{
	char *p = filled(cell), *q = mremap(p, SIZE, SIZE / 2, 0);

	say(q == p ? "in place" : "NOT in place");
	say_pages(p, PAGES / 2);
	say_kind(cell, p);
	say("the rest %s", touch(p + SIZE / 2, 'r'));
}

static void move(const struct cell *cell)
{
	char *p = filled(cell), *to = hole(SIZE);

	say(mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to ? "moved" : "NOT moved");
	say_pages(to, PAGES);
	say_kind(cell, to);
	say("old place %s", touch(p, 'r'));
}

static void move_over_another(const struct cell *cell)
{
	char *p = filled(cell), *to = plain(SIZE);

	write_all(to, PAGES);
	say(mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to ? "moved" : "NOT moved");
	say_pages(to, PAGES);
	say_kind(cell, to);
}

static void move_the_middle(const struct cell *cell)
{
	char *p = filled(cell), *to = hole(SIZE);

	move_to(p + 4 * page, 8 * page, to);
	say_mappings(p);
	say("%ld resident moved", usage(to, 8, "Rss"));
	say(*(size_t *)to == 5 ? "kept" : "LOST");
	say_kind(cell, to);
	say("%s left", contents(p, 4));
	say("hole %s", touch(p + 4 * page, 'r'));
	move_to(to, 8 * page, p + 4 * page);
	say("back: mappings: %d", mappings(p - SIZE, 3 * SIZE));
	say_pages(p, PAGES);
}

static void move_untouched(const struct cell *cell)
{
	char *p = get(cell, SIZE), *to = hole(SIZE);

	move_to(p, SIZE, to);
	say("%ld resident", usage(to, PAGES, "Rss"));
	fill(to, PAGES);
	say_pages(to, PAGES);
	say_kind(cell, to);
}

static void dont_unmap(const struct cell *cell)
{
	char *p = filled(cell);
	char *q = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	CHECK(q != MAP_FAILED);
	say_pages(q, PAGES);
	say_kind(cell, q);
	say("left behind: %ld resident", usage(p, PAGES, "Rss"));
	say_kind(cell, p);
	write_all(p, PAGES);
	say("written: %ld resident", usage(p, PAGES, "Rss"));
	say("zero but for that: %s", all_zero(p + 8, page - 8) ? "yes" : "NO");
	say_pages(q, PAGES);
}

static void dont_unmap_fixed(const struct cell *cell)
{
	char *p = filled(cell), *to = hole(SIZE);

	say(mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, to) == to ?
	    "moved" : "NOT moved");
	say_pages(to, PAGES);
	say("left behind: %ld resident", usage(p, PAGES, "Rss"));
}

/* Whole page tables move; the argument: so does a huge page. */
static void move_huge(const struct cell *cell)
{
	char *p = get(cell, 2 * huge), *to = hole(2 * huge);

	fill(p, 2 * huge / page);
	if (cell->arg)
		CHECK(!madvise(p, huge, MADV_COLLAPSE));
	move_to(p, 2 * huge, to);
	say_pages(to, 2 * huge / page);
	say("%ld in huge pages", usage(to, 2 * huge / page, "AnonHugePages"));
	move_to(to, 2 * huge, p + page);
	say("by one page: %ld resident", usage(p + page, 2 * huge / page, "Rss"));
	say("%s", contents(p + page, 2 * huge / page));
}

static void duplicate(const struct cell *cell)
{
	char *p = filled(cell);

	say_outcome(NULL, (long)mremap(p, 0, SIZE, MREMAP_MAYMOVE));
	say_pages(p, PAGES);
}

static void overlap(const struct cell *cell)
{
	char *p = filled(cell);

	say_outcome(NULL, (long)mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, p + page));
	say_pages(p, PAGES);
}

static void across(const struct cell *cell)
{
	char *p = filled(cell);

	CHECK(!mprotect(p, page, PROT_READ));
	say_outcome(NULL, (long)mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE));
	say_mappings(p);
}

const struct row mremap_rows[] = {
	{ "grow in place", grow_in_place },
	{ "grow without room, without MAYMOVE", grow_blocked, .refused = "ENOMEM" },
	{ "grow without room, with MAYMOVE", grow_and_move },
	{ "shrink", shrink },
	{ "move (FIXED)", move },
	{ "move (FIXED) over plain memory", move_over_another },
	{ "move eight pages out of the middle and back", move_the_middle },
	{ "move untouched memory", move_untouched },
	{ "move with DONTUNMAP", dont_unmap },
	{ "move (FIXED) with DONTUNMAP", dont_unmap_fixed },
	{ "move whole page tables, then by one page", move_huge, 0, .needs = huge_pages_fit },
	{ "move a huge page, then by one page", move_huge, 1, .needs = huge_pages_fit },
	{ "old size 0", duplicate, .refused = "EINVAL" },
	{ "move onto itself", overlap, .refused = "EINVAL" },
	{ "grow across two mappings", across, .refused = "EFAULT" },
	{}
};
