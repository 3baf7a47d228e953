// SPDX-License-Identifier: GPL-2.0
/* Aging, compaction and drop_caches. */
#include "matrix.h"
#include "swap.h"

static void compacted(const struct cell *cell)
{
	char *p = get(cell, 1024 * page);

	fill(p, 512);
	write_file("/proc/sys/vm/compact_memory", "1");
	say_pages(p, 1024);
	fill(p, 1024);
	say_pages(p, 1024);
}

static void aged(const struct cell *cell)
{
	const char mode[2] = { '0' + cell->arg };
	char *p;

	set("/sys/kernel/mm/lru_gen/enabled", mode);
	start_swap(ZRAM);
	p = get(cell, 512 * page);
	fill(p, 256);
	drain_lru();
	CHECK(!madvise(p, 512 * page, MADV_COLD));
	CHECK(!madvise(p, 512 * page, MADV_PAGEOUT));
	say("out: %zu swapped", swapped(p, 512));
	say("%s", contents(p, 512));
	say_pages(p, 512);
	stop_swap();
}

/* Switching MGLRU moves every page between its lists and the classic ones. */
static void switched(const struct cell *cell)
{
	char *p = get(cell, GROUP * page);

	fill(p, WINDOW);
	drain_lru();
	for (int i = 0; i < 3; i++) {
		set("/sys/kernel/mm/lru_gen/enabled", "0");
		fill(p, WINDOW + WINDOW / 4 * i);
		drain_lru();
		set("/sys/kernel/mm/lru_gen/enabled", "7");
	}
	say_pages(p, GROUP);
}

static void dropped(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	drain_lru();
	write_file("/proc/sys/vm/drop_caches", "3");
	say_pages(p, PAGES);
}

const struct row reclaim_rows[] = {
	{ "compact_memory, half written", compacted },
	{ "MADV_COLD and PAGEOUT, MGLRU off", aged, 0 },
	{ "MADV_COLD and PAGEOUT, MGLRU on", aged, 7 },
	{ "MGLRU switched off and on three times", switched,
	  .adaptive = WINDOWS },
	{ "drop_caches", dropped },
	{}
};
