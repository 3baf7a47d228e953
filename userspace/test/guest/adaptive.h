/* SPDX-License-Identifier: GPL-2.0 */
/* An adaptive region, and an exact count of the pages that each touch fills. */
#ifndef ADAPTIVE_H
#define ADAPTIVE_H

#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "pages.h"
#include "settings.h"
#include "tap.h"

#define MIDDLE	(WINDOW < 64 ? WINDOW : 64UL)	/* where a walk fills as many again */
#define PAGES	(4 * GROUP)
#define SIZE	(PAGES * page)

static char *region;

static inline void start(void)
{
	set(THP "enabled", "madvise");
	/* khugepaged would collapse what is touched in full, and a touch meanwhile faults once more. */
	set_folios(huge, "never");
	region = adaptive(SIZE);
}

static inline char *at(size_t index)
{
	return region + index * page;
}

static inline void write_to(char *p)
{
	poke(p, 't');
}

static inline void read_from(char *p)
{
	CHECK_EQ(peek(p), 0);
}

/* A first touch of page @index has to take one fault and fill @pages from there on. */
static inline void fills_by(void (*access)(char *), size_t index, size_t pages)
{
	size_t before = resident(region, SIZE);
	long taken = faults();

	access(at(index));
	CHECK_EQ(faults() - taken, 1);
	if (resident(at(index), pages * page) != pages)
		tap_fail(__FILE__, __LINE__, "page %zu does not fill %zu", index, pages);
	if (resident(region, SIZE) - before != pages)
		tap_fail(__FILE__, __LINE__, "page %zu fills %zu, not %zu", index,
			 resident(region, SIZE) - before, pages);
}

static inline void fills(size_t index, size_t pages)
{
	fills_by(write_to, index, pages);
}

/* What the fault at @index of an upward walk from the start of a group fills. */
static inline size_t window_at(size_t index)
{
	if (index < 4)
		return 1;
	return index < WINDOW ? index & -index : WINDOW;
}

/* Faults of an upward walk to there, which for the first largest group are 11. */
static inline long windows_before(size_t index)
{
	long sum = 0;

	for (size_t i = 0; i < index; i += window_at(i))
		sum++;
	return sum;
}

/* Touch pages upwards; how many faults that took. */
static inline long walk(size_t from, size_t to)
{
	long taken = faults();

	for (size_t i = from; i < to; i++)
		poke(at(i), 't');
	return faults() - taken;
}

/* Of the last window, from MIDDLE to before 2 * MIDDLE, only the first half is touched. */
static inline void half_touched(void)
{
	start();
	CHECK_EQ(walk(0, MIDDLE), windows_before(MIDDLE));
	fills(MIDDLE, MIDDLE);
	CHECK_EQ(walk(MIDDLE + 1, MIDDLE / 2 * 3), 0);
}

/* How many pages a touch behind it fills: one, as the other half is no evidence. */
static inline size_t filled_behind(void)
{
	size_t before = resident(region, SIZE);

	poke(at(2 * MIDDLE), 't');
	return resident(region, SIZE) - before;
}

static inline void check_evidence(void)
{
	CHECK_EQ(resident(region, SIZE), 2 * MIDDLE);
	CHECK_EQ(filled_behind(), 1);
}

#endif /* ADAPTIVE_H */
