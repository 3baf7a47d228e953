// SPDX-License-Identifier: GPL-2.0
/* Swapped out and back in. */
#include "matrix.h"
#include "swap.h"

static const char *state(const char *p, size_t pages)
{
	static char text[64];

	snprintf(text, sizeof(text), "%ld resident, %zu swapped", usage(p, pages, "Rss"), swapped(p, pages));
	return text;
}

/* Half of the pages written, and swapped out. */
static char *swapped_out(const struct cell *cell, enum swap_device device)
{
	char *p;

	start_swap(device);
	p = get(cell, SIZE);
	fill(p, PAGES / 2);
	drain_lru();
	CHECK(!madvise(p, SIZE, MADV_PAGEOUT));
	say("out: %s", state(p, PAGES));
	return p;
}

static void out_and_in(const struct cell *cell)
{
	char *p = swapped_out(cell, cell->arg);

	say("smaps: %ld in Swap", usage(p, PAGES, "Swap"));
	say("%s", contents(p, PAGES));
	say("in: %s", state(p, PAGES));
	fill(p, PAGES);
	say("all written: %s", state(p, PAGES));
	say("%s", contents(p, PAGES));
	say_kind(cell, p);
	stop_swap();
}

static void only_read(const struct cell *cell)
{
	char *p;

	start_swap(ZRAM);
	p = get(cell, SIZE);
	read_all(p, PAGES);
	drain_lru();
	CHECK(!madvise(p, SIZE, MADV_PAGEOUT));
	say("out: %s", state(p, PAGES));
	say(all_zero(p, SIZE) ? "zero" : "NOT zero");
	stop_swap();
}

static void by_swapoff(const struct cell *cell)
{
	char *p = swapped_out(cell, cell->arg);

	stop_swap();
	say("swapoff: %s", state(p, PAGES));
	say("%s", contents(p, PAGES));
}

/* The argument: the advice once it is swapped out. */
static void advised(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);

	say_outcome("advice", madvise(p, SIZE, cell->arg));
	say("%s", state(p, PAGES));
	say("%s", contents(p, PAGES));
	fill(p, PAGES);
	say("written: %s", state(p, PAGES));
	stop_swap();
}

static void willneed(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);

	say_outcome("MADV_WILLNEED", madvise(p, SIZE, MADV_WILLNEED));
	say("%s", contents(p, PAGES));
	say("%s", state(p, PAGES));
	stop_swap();
}

static void in_core(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);
	unsigned char in[PAGES];
	int count = 0;

	say_outcome("mincore", mincore(p, SIZE, in));
	for (size_t i = 0; i < PAGES; i++)
		count += in[i] & 1;
	say(count <= PAGES / 2 ? "none of the untouched" : "MORE than were written");
	say("%s", state(p, PAGES));
	stop_swap();
}

static void look_and_write(void *p)
{
	say("child: %s", state(p, PAGES));
	say("%s", contents(p, PAGES));
	write_all(p, PAGES);
}

static void forked(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);

	CHECK(!child(look_and_write, p));
	say("parent: %s", contents(p, PAGES));
	say("%s", state(p, PAGES));
	stop_swap();
}

static void moved(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);

	p = move_to(p, SIZE, hole(SIZE));
	say("moved: %s", state(p, PAGES));
	say("%s", contents(p, PAGES));
	stop_swap();
}

static void protected(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);

	CHECK(!mprotect(p, SIZE, PROT_READ));
	say("read-only: %s", contents(p, PAGES));
	say("write %s", touch(p, 'w'));
	CHECK(!mprotect(p, SIZE, RW));
	fill(p, PAGES);
	say("%s", state(p, PAGES));
	stop_swap();
}

static void locked(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);

	say_outcome("mlock", mlock(p, SIZE));
	say("%s", state(p, PAGES));
	say("%s", contents(p, PAGES));
	stop_swap();
}

static void unmapped(const struct cell *cell)
{
	char *p = swapped_out(cell, ZRAM);
	long free = field("/proc/meminfo", "SwapFree");

	CHECK(!munmap(p, SIZE / 4));
	say("slots freed: %ld", (field("/proc/meminfo", "SwapFree") - free) / (long)(page / KIB));
	say("%ld in Swap", usage(p + SIZE / 4, PAGES - PAGES / 4, "Swap"));
	stop_swap();
}

static void huge_page(const struct cell *cell)
{
	size_t pages = huge / page;
	char *p;

	start_swap(ZRAM);
	p = get(cell, 2 * huge);
	fill(p, pages);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	CHECK(!madvise(p, 2 * huge, MADV_PAGEOUT));
	say("out: %s", state(p, 2 * pages));
	say("%s", contents(p, 2 * pages));
	say("in: %s", state(p, 2 * pages));
	stop_swap();
}

/* Pages of zeroes take no space on the device. */
static void zeroes(const struct cell *cell)
{
	char *p;

	start_swap(ZRAM);
	p = get(cell, SIZE);
	memset(p, 0, SIZE / 2);
	drain_lru();
	CHECK(!madvise(p, SIZE, MADV_PAGEOUT));
	say("out: %s", state(p, PAGES));
	say("%s", contents(p, PAGES));
	stop_swap();
}

static void through_zswap(const struct cell *cell)
{
	long before = field("/proc/vmstat", "zswpout");
	char *p = swapped_out(cell, ZSWAP);

	say("%ld through zswap", field("/proc/vmstat", "zswpout") - before);
	say("%s", contents(p, PAGES));
	stop_swap();
}

const struct row swap_rows[] = {
	{ "half written, out to zram and back in", out_and_in, ZRAM },
	{ "half written, out to a disk and back in", out_and_in, DISK },
	{ "half written, out to a disk behind zswap and back in", out_and_in, ZSWAP },
	{ "half written, pages that go to zswap", through_zswap },
	{ "only read, out and back in", only_read, 0,
	  "a read populates a page, which can be swapped; the shared zero page of plain memory cannot",
	  .needs = swaps_folios },
	{ "zeroes written, out and back in", zeroes, .needs = swaps_folios },
	{ "huge page, out and back in", huge_page, .needs = huge_pages_fit },
	{ "swapoff, zram", by_swapoff, ZRAM },
	{ "swapoff, a disk behind zswap", by_swapoff, ZSWAP },
	{ "swapped out, MADV_DONTNEED", advised, MADV_DONTNEED },
	{ "swapped out, MADV_FREE", advised, MADV_FREE },
	{ "swapped out, MADV_COLD", advised, MADV_COLD },
	{ "swapped out, MADV_WILLNEED", willneed },
	{ "swapped out, mincore", in_core },
	{ "swapped out, fork; the child writes", forked },
	{ "swapped out, mremap", moved },
	{ "swapped out, mprotect", protected },
	{ "swapped out, mlock", locked },
	{ "swapped out, quarter unmapped", unmapped },
	{}
};
