// SPDX-License-Identifier: GPL-2.0
/* Locking is the one thing that asks for pages before they are touched. */
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define PAGES	64
#define SIZE	(PAGES * page)

static long locked_pages(void)
{
	return field("/proc/self/status", "VmLck") * KIB / page;
}

static void future(void)
{
	char *p;

	CHECK(!mlockall(MCL_FUTURE));
	p = tamalloc(SIZE);
	CHECK_EQ(resident(p, SIZE), PAGES);
	CHECK_EQ(locked_pages(), PAGES);
	CHECK(all_zero(p, SIZE));
	CHECK(!munmap(p, SIZE));
	CHECK_EQ(locked_pages(), 0);
}

static void onfault(void)
{
	char *p;

	CHECK(!mlockall(MCL_FUTURE | MCL_ONFAULT));
	p = tamalloc(SIZE);
	CHECK_EQ(resident(p, SIZE), 0);
	CHECK_EQ(locked_pages(), PAGES);
	check_strict(p, SIZE);
}

static void lock(void)
{
	char *p = tamalloc(SIZE);

	CHECK(!mlock(p, SIZE / 2));
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	CHECK(!munlock(p, SIZE / 2));
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	check_strict(p + SIZE / 2, SIZE / 2);
}

static void lock_onfault(void)
{
	char *p = tamalloc(SIZE);

	CHECK(!mlock2(p, SIZE, MLOCK_ONFAULT));
	CHECK_EQ(resident(p, SIZE), 0);
	CHECK_EQ(locked_pages(), PAGES);
	check_strict(p, SIZE);
}

static const struct test tests[] = {
	TEST("MCL_FUTURE fills a region at once, as it does mmap's", future),
	TEST("MCL_FUTURE with MCL_ONFAULT leaves a region to its touches", onfault),
	TEST("mlock fills what it locks and nothing else", lock),
	TEST("MLOCK_ONFAULT fills nothing", lock_onfault),
};

TAP_MAIN(tests, no_tamalloc)
