// SPDX-License-Identifier: GPL-2.0
/* Repeated operations leave no page, mapping or page table behind. */
#include <fcntl.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "settings.h"
#include "tap.h"

#define TIMES	10000
#define SLACK	64	/* pages and page tables that others may allocate meanwhile */
#define CACHED	9000	/* pages that may be cached; a leak would be one a round */

static struct usage {
	long anon, tables, free, vmas, vm_kb, rss_kb, pte_kb;
} before;

/* After folding in the per-CPU counts. */
static long folded_in(const char *name)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	CHECK(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
	return vmstat(name);
}

static struct usage usage(void)
{
	return (struct usage) {
		.anon = folded_in("nr_anon_pages"),
		.tables = folded_in("nr_page_table_pages"),
		.free = folded_in("nr_free_pages"),
		.vmas = map_count(),
		.vm_kb = vm_size(),
		.rss_kb = field("/proc/self/status", "RssAnon"),
		.pte_kb = field("/proc/self/status", "VmPTE"),
	};
}

static void start(void)
{
	usage();
	before = usage();
}

/* RCU frees pages late, so give the counts time to settle. */
static void check_nothing_left(void)
{
	struct usage now = usage();

	for (int i = 0; i < 200; i++) {
		if (now.anon - before.anon < SLACK &&
		    now.tables - before.tables < SLACK &&
		    before.free - now.free < CACHED)
			break;
		usleep(20000);
		now = usage();
	}
	tap_note("pages free %+ld, anonymous %+ld, in page tables %+ld",
		 now.free - before.free, now.anon - before.anon,
		 now.tables - before.tables);
	CHECK(now.anon - before.anon < SLACK);
	CHECK(now.tables - before.tables < SLACK);
	CHECK(before.free - now.free < CACHED);
	CHECK_EQ(now.vmas, before.vmas);
	CHECK_EQ(now.vm_kb, before.vm_kb);
	CHECK(now.rss_kb - before.rss_kb <= 256);
	CHECK(now.pte_kb - before.pte_kb <= 64);
}

static void allocate(void)
{
	start();
	for (int i = 0; i < TIMES; i++) {
		char *p = tamalloc(16 * page);

		poke(p + i % 16 * page, 1);
		(void)peek(p + (i + 5) % 16 * page);
		CHECK(!munmap(p, 16 * page));
	}
	check_nothing_left();
}

static void drop(void)
{
	char *p = tamalloc(16 * page);

	start();
	for (int i = 0; i < TIMES; i++) {
		poke(p + i % 16 * page, 1);
		(void)peek(p + (i + 5) % 16 * page);
		CHECK(!madvise(p, 16 * page, MADV_DONTNEED));
	}
	check_nothing_left();
}

static void refused(void)
{
	start();
	for (int i = 0; i < TIMES; i++) {
		CHECK_FAILS(tamalloc_call(16 * page, NULL), EFAULT);
		CHECK_FAILS(tamalloc_call(SIZE_MAX, NULL), ENOMEM);
	}
	check_nothing_left();
}

/* Regions that exit() has to release. */
static void abandon(void *p)
{
	char *own = tamalloc(64 * page);

	for (size_t i = 0; i < 64 * page; i += page) {
		poke(own + i, 1);
		poke((char *)p + i, 2);
	}
}

static void exits(void)
{
	char *p = tamalloc(64 * page);

	(void)peek(p);
	start();
	for (int i = 0; i < 100; i++)
		CHECK_EQ(child(abandon, p), 0);
	check_nothing_left();
}

static const struct test tests[] = {
	TEST("10,000 regions, touched and unmapped, leave nothing", allocate),
	TEST("10,000 rounds of MADV_DONTNEED leave nothing", drop),
	TEST("10,000 refused calls leave nothing", refused),
	TEST("100 processes that exit with regions leave nothing", exits),
};

TAP_MAIN(tests, no_tamalloc)
