// SPDX-License-Identifier: GPL-2.0
/* Soft-dirty tracking, by which CRIU and others find what has changed. */
#include <fcntl.h>

#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define PAGES 8UL

static bool soft_dirty(void *p)
{
	return pagemap(p) & PM_SOFT_DIRTY;
}

static void first_touch(void)
{
	char *p = tamalloc(PAGES * page);

	poke(p, 1);
	write_file("/proc/self/clear_refs", "4");
	CHECK(!soft_dirty(p));
	poke(p + page, 1);
	CHECK(soft_dirty(p + page));
	CHECK(!soft_dirty(p));
	CHECK(!soft_dirty(p + 2 * page));
}

static void second_touch(void)
{
	char *p = tamalloc(PAGES * page);

	memset(p, 1, PAGES * page);
	write_file("/proc/self/clear_refs", "4");
	peek(p);
	CHECK(!soft_dirty(p));
	poke(p, 2);
	CHECK(soft_dirty(p));
	CHECK(!soft_dirty(p + page));
}

static const struct test tests[] = {
	TEST("a page first written is soft-dirty, others are not", first_touch),
	TEST("a page written again is soft-dirty, one that is read is not", second_touch),
};

TAP_MAIN(tests, no_tamalloc)
