// SPDX-License-Identifier: GPL-2.0
/* No byte of what others left; run with init_on_alloc and init_on_free as well. */
#include "matrix.h"

#define LEFT (64 * MIB)

static void leave_pattern(void *unused)
{
	char *p = plain(LEFT);

	(void)unused;
	memset(p, 0xa5, LEFT);
}

static void after_another(const struct cell *cell)
{
	char *p;
	size_t bad = 0;

	CHECK(!child(leave_pattern, NULL));
	p = get(cell, LEFT);
	for (size_t i = 0; i < LEFT / page; i++) {
		if (cell->arg == 'w')
			poke(p + i * page, 0);
		bad += !all_zero(p + i * page, page);
	}
	say("of %lu pages %zu are not zero", LEFT / page, bad);
	say("%ld resident", usage(p, LEFT / page, "Rss"));
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
	char *p = get(cell, 2 * huge);
	size_t bad = 0;

	CHECK(!child(leave_pattern, NULL));
	poke(p, 0);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	for (size_t i = 0; i < huge; i += page)
		bad += !all_zero(p + i, page);
	say("of %zu pages %zu are not zero", huge / page, bad);
}

const struct row zero_rows[] = {
	{ "written, after another process filled and freed memory", after_another, 'w' },
	{ "read, after another process filled and freed memory", after_another, 'r', READ_ALLOCATES },
	{ "filled, dropped and written", after_itself },
	{ "collapsed after another process filled and freed memory", collapsed },
	{}
};
