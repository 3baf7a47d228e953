// SPDX-License-Identifier: GPL-2.0
/* No byte that others have left. Also run with init_on_alloc and init_on_free. */
#include "matrix.h"

#define LEFT		(8 * MIB)
#define HUGE_LEFT	(huge > LEFT ? huge : LEFT)
#define MAX_FRAMES	(4 * GIB / page)

static bool *left;	/* page frames that another process has left behind */

static bool *frame(const char *p)
{
	return &left[(pagemap(p) & PM_FRAME) % MAX_FRAMES];
}

static void leave_pattern(char *p, size_t bytes)
{
	memset(p, 0xa5, bytes);
	for (size_t i = 0; i < bytes / page; i++)
		*frame(p + i * page) = true;
}

static void leave_pages(void *memory)
{
	leave_pattern(memory, LEFT);
}

static void leave_huge_pages(void *memory)
{
	memset(memory, 0xa5, HUGE_LEFT);
	CHECK(!madvise(memory, HUGE_LEFT, MADV_COLLAPSE));
	leave_pattern(memory, HUGE_LEFT);
}

/* The kernel takes what is freed last, if it was freed in blocks of the size it wants. */
static void fill_and_free(void (*leave)(void *), char *memory)
{
	left = mmap(left, MAX_FRAMES, RW, MAP_SHARED | MAP_ANONYMOUS | (left ? MAP_FIXED : 0), -1, 0);
	CHECK(left != MAP_FAILED);
	CHECK(!child(leave, memory));
}

static size_t reused(const char *p, size_t pages)
{
	size_t count = 0;

	for (size_t i = 0; i < pages; i++)
		count += *frame(p + i * page);
	return count;
}

/* Pages that do not lie in these frames would show nothing. */
static void check_reused(const char *p, size_t pages)
{
	size_t count = reused(p, pages);

	if (count < pages / 4)
		tap_fail(__FILE__, __LINE__, "only %zu of %zu frames were used again", count, pages);
}

static void after_another(const struct cell *cell)
{
	size_t bad = 0;
	char *p;

	/* Where blocks of that size are free elsewhere, those go first. */
	for (int tries = 0; !tries || (tries < 32 && reused(p, LEFT / page) < LEFT / page / 4); tries++) {
		p = get(cell, LEFT);
		fill_and_free(leave_pages, p);
		for (size_t i = 0; i < LEFT / page; i++) {
			if (cell->arg == 'w')
				poke(p + i * page, 0);
			bad += !all_zero(p + i * page, page);
		}
		if (!usage(p, LEFT / page, "Rss"))
			break;
	}
	say("of %lu pages %zu are not zero", LEFT / page, bad);
	say("%ld resident", usage(p, LEFT / page, "Rss"));
	if (usage(p, LEFT / page, "Rss"))
		check_reused(p, LEFT / page);
}

static void after_itself(const struct cell *cell)
{
	char *p = get(cell, LEFT);
	size_t bad = 0;

	memset(p, 0xa5, LEFT);
	CHECK(!madvise(p, LEFT, MADV_DONTNEED));
	for (size_t i = 0; i < LEFT; i += page) {
		poke(p + i, 0);
		bad += !all_zero(p + i, page);
	}
	say("of %lu pages %zu are not zero", LEFT / page, bad);
}

static void collapsed(const struct cell *cell)
{
	char *p = get(cell, 2 * huge), *memory = align(plain(HUGE_LEFT), HUGE_LEFT);
	size_t bad = 0;

	/* There are few huge pages, and somebody else may take them. */
	for (int tries = 0; !tries || (tries < 10 && !reused(p, huge / page)); tries++) {
		CHECK(!madvise(p, huge, MADV_DONTNEED));
		fill_and_free(leave_huge_pages, memory);
		poke(p, 0);
		CHECK(!madvise(p, huge, MADV_COLLAPSE));
	}
	for (size_t i = 0; i < huge; i += page)
		bad += !all_zero(p + i, page);
	say("of %zu pages %zu are not zero", huge / page, bad);
	check_reused(p, huge / page);
}

const struct row zero_rows[] = {
	{ "write after another process has filled and freed memory", after_another, 'w' },
	{ "read after another process has filled and freed memory", after_another, 'r', READ_POPULATES },
	{ "fill, MADV_DONTNEED, write again", after_itself },
	{ "MADV_COLLAPSE after another process has filled and freed memory", collapsed,
	  .needs = huge_pages_fit },
	{}
};
