// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a window. Its pages start as zeroes and are then memory like any other,
 * whatever part of the window is moved, shared, dropped or swapped. None of that is a
 * touch of its other pages.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "adaptive.h"
#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "process.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"

static void dirty(void *unused)
{
	char *p = plain(64 * MIB);

	(void)unused;
	/* Huge pages too, as windows may be allocated from those. */
	madvise(p, 64 * MIB, MADV_HUGEPAGE);
	memset(p, 0xa5, 64 * MIB);
}

/* Each window is checked as a whole right after it was filled. */
static void zeroes(void)
{
	start();
	CHECK_EQ(child(dirty, NULL), 0);
	for (size_t i = 0; i < PAGES; i++) {
		size_t window = window_at(i);

		CHECK(i % window || all_zero(at(i), window * page));
		poke(at(i) + i % page, 'z');
	}
}

#define COUNT	(PAGES / 2)

/* Pages that hold the numbers from 1 on. */
static void fill(void)
{
	long taken;

	start();
	taken = faults();
	for (size_t i = 0; i < COUNT; i++)
		*(size_t *)at(i) = i + 1;
	CHECK_EQ(faults() - taken, windows_before(COUNT));
}

static void check_pages(size_t from, size_t to, size_t shift)
{
	for (size_t i = from; i < to; i++) {
		CHECK_EQ(*(size_t *)at(i), i + shift + 1);
		CHECK(all_zero(at(i) + sizeof(size_t), page - sizeof(size_t)));
	}
}

static void moved(void)
{
	const size_t from = COUNT / 4 + 5, count = COUNT / 2;
	char *old;

	fill();
	old = region;
	/* From the middle of a window, to an unaligned place. */
	region = move_to(at(from), count * page, (char *)hole(SIZE) + 7 * page);
	check_pages(0, count, from);
	CHECK(!munmap(region, count * page));
	region = old;
	check_pages(0, from, 0);
	check_pages(from + count, COUNT, 0);
	region = move_to(tamalloc(count * page), count * page, old + from * page);
	CHECK(all_zero(region, count * page));
}

static void protected(void)
{
	const size_t bytes = COUNT / 8 * 5 * page;
	long taken;

	fill();
	CHECK(!mprotect(at(5), bytes, PROT_READ));
	check_pages(0, COUNT, 0);
	CHECK(!mprotect(at(5), bytes, PROT_NONE));
	CHECK(!mprotect(at(5), bytes, RW));
	check_pages(0, COUNT, 0);
	taken = faults();
	for (size_t i = 0; i < COUNT; i++)
		*(size_t *)at(i) = i + 1;
	CHECK_EQ(faults() - taken, 0);
}

/* Filled while it was read-only. */
static void read_only(void)
{
	start();
	CHECK_EQ(walk(0, 8), 5);
	CHECK(!mprotect(region, SIZE, PROT_READ));
	fills_by(read_from, 8, 8);
	CHECK_EQ(killed_by((void (*)(void *))write_to, at(9)), SIGSEGV);
	CHECK(!mprotect(region, SIZE, RW));
	for (size_t i = 8; i < 16; i++) {
		CHECK_EQ(peek(at(i)), 0);
		poke(at(i), 'w');
	}
	for (size_t i = 8; i < 16; i++)
		CHECK_EQ(peek(at(i)), 'w');
}

static void change_all(void *unused)
{
	(void)unused;
	check_pages(0, COUNT, 0);
	for (size_t i = 0; i < COUNT; i++)
		*(size_t *)at(i) = 0;
	CHECK(all_zero(region, COUNT * page));
}

static void forked(void)
{
	fill();
	CHECK_EQ(child(change_all, NULL), 0);
	check_pages(0, COUNT, 0);
}

static void parent_changes(void)
{
	int pipes[2], status;
	char c = 0;
	pid_t pid;

	fill();
	CHECK(!pipe(pipes));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK_EQ(read(pipes[0], &c, 1), 1);
		check_pages(0, COUNT, 0);
		_exit(EXIT_SUCCESS);
	}
	for (size_t i = 0; i < COUNT; i++)
		*(size_t *)at(i) = 0;
	CHECK_EQ(write(pipes[1], &c, 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void unmapped(void)
{
	long anon;

	fill();
	for (size_t i = 0; i < COUNT; i += 3)
		CHECK(!munmap(at(i), page));
	for (size_t i = 0; i < COUNT; i++)
		if (i % 3)
			check_pages(i, i + 1, 0);
	CHECK(!munmap(region, SIZE));

	/* Control: unmapping a window frees all of it. */
	anon = field("/proc/self/status", "RssAnon");
	fill();
	CHECK_EQ(field("/proc/self/status", "RssAnon") - anon, 4 * (long)MIB / (long)KIB);
	CHECK(!munmap(region, SIZE));
	CHECK_EQ(field("/proc/self/status", "RssAnon"), anon);
}

static void dropped(void)
{
	fill();
	for (size_t i = 0; i < COUNT; i += 2)
		CHECK(!madvise(at(i), page, MADV_DONTNEED));
	CHECK_EQ(resident(region, SIZE), COUNT / 2);
	for (size_t i = 0; i < COUNT; i++) {
		if (i % 2)
			check_pages(i, i + 1, 0);
		else
			CHECK(all_zero(at(i), page));
	}
	CHECK_EQ(resident(region, SIZE), COUNT);
}

static void freed(void)
{
	fill();
	CHECK(!madvise(at(COUNT / 4), COUNT / 2 * page, MADV_FREE));
	page_out(region, SIZE);
	for (size_t i = COUNT / 4; i < COUNT / 4 * 3; i++)
		CHECK(*(size_t *)at(i) == 0 || *(size_t *)at(i) == i + 1);
	for (size_t i = COUNT / 4; i < COUNT / 4 * 3; i++)
		*(size_t *)at(i) = i + 1;
	check_pages(0, COUNT, 0);
}

static size_t swapped_at(size_t from, size_t to)
{
	return in_swap(at(from), (to - from) * page);
}

static void out_and_in(void)
{
	start_swap(ANY_SWAP);
	fill();
	page_out(region, COUNT * page);
	CHECK_EQ(swapped_at(0, COUNT), COUNT);
	check_pages(0, COUNT, 0);
	CHECK_EQ(resident(region, SIZE), COUNT);
	stop_swap();
}

static void swapped_and_forked(void)
{
	start_swap(ANY_SWAP);
	fill();
	page_out(region, COUNT * page);
	CHECK_EQ(swapped_at(0, COUNT), COUNT);
	CHECK_EQ(child(change_all, NULL), 0);
	check_pages(0, COUNT, 0);
	stop_swap();
}

/* A rotational disk would get folios page by page, and zero pages not at all. */
static void start_swap_of_folios(void)
{
	if (has_swap_disk())
		set("/sys/block/vda/queue/rotational", "0");
	start_swap(ANY_SWAP);
}

/*
 * Only equal entries come in together, and the page that faulted is soft-dirty from birth. So
 * this is about pages 4 to 7, of which none did: they came ahead of page 28.
 */
static void swapped_no_touch(void)
{
	start_swap_of_folios();
	start();
	for (size_t i = 0; i < 32; i += 8)
		walk(i, i + 4);
	poke(at(28), 't');
	CHECK_EQ(resident(region, SIZE), 32);
	CHECK_EQ(walk(4, 8), 0);
	page_out(region, 32 * page);
	CHECK_EQ(swapped_at(4, 8), 4);
	CHECK_EQ(swapped_at(0, 32), swaps_folios() ? 32 : 21);
	/* From the swap cache, which may still hold the four as a folio. */
	CHECK_EQ(peek(at(5)), 't');
	CHECK(!madvise(region, 4 * page, MADV_DONTNEED));
	fills(0, 1);
	stop_swap();
}

static void swapped_in_by_swapoff(void)
{
	start_swap_of_folios();
	half_touched();
	page_out(region, 2 * MIDDLE * page);
	CHECK_EQ(swapped_at(0, MIDDLE / 2 * 3), MIDDLE / 2 * 3);
	CHECK_EQ(swapped_at(0, 2 * MIDDLE), swaps_folios() ? 2 * MIDDLE : MIDDLE / 2 * 3);
	stop_swap();
	CHECK_EQ(swapped_at(0, 2 * MIDDLE), 0);
	check_evidence();
}

static void over_swapped(void)
{
	start_swap(ANY_SWAP);
	start();
	poke(at(13), 's');
	page_out(at(13), page);
	CHECK_EQ(swapped_at(13, 14), 1);
	CHECK_EQ(walk(0, 13), 6);
	CHECK_EQ(swapped_at(13, 14), 1);
	CHECK_EQ(resident(region, SIZE), 16);
	CHECK_EQ(peek(at(13)), 's');
	stop_swap();
}

static void migrated(void)
{
	const size_t count = 2 * MIDDLE;
	void *addr[count];
	int node[count], status[count];
	size_t on_second;

	half_touched();
	for (size_t i = 0; i < count; i++) {
		addr[i] = at(i);
		node[i] = 1;
	}
	/* A page with an extra reference at that moment does not move: try again. */
	do {
		CHECK(syscall(SYS_move_pages, 0, count, addr, node, status, MPOL_MF_MOVE) >= 0);
		on_second = 0;
		for (size_t i = 0; i < count; i++)
			on_second += status[i] == 1;
	} while (on_second < count);
	check_evidence();
}

static void cold(void)
{
	half_touched();
	CHECK(!madvise(region, 2 * MIDDLE * page, MADV_COLD));
	for (size_t i = 0; i < MIDDLE; i++)
		CHECK_EQ(peek(at(i)), 't');
	check_evidence();
}

static void protected_no_touch(void)
{
	half_touched();
	CHECK(!mprotect(region, SIZE, PROT_NONE));
	CHECK(!mprotect(region, SIZE, RW));
	check_evidence();
}

/*
 * Reclaim finds that part of the window was written again, and maps that as it was. It meets
 * page MIDDLE first, which took the fault and is soft-dirty, unlike the others: no batch has both.
 */
static void taken_back(void)
{
	long taken;

	half_touched();
	CHECK(!madvise(at(MIDDLE), MIDDLE * page, MADV_FREE));
	taken = faults();
	for (size_t i = MIDDLE + 3; i < 2 * MIDDLE; i += 2)
		write_to(at(i));
	CHECK_EQ(faults() - taken, 0);
	page_out(at(MIDDLE), MIDDLE * page);
	poke(at(MIDDLE), 't');
	check_evidence();
}

static void copied_no_touch(void)
{
	half_touched();
	CHECK_EQ(child((void (*)(void *))write_to, at(MIDDLE)), 0);
	poke(at(MIDDLE), 'p');
	check_evidence();
}

static void *wait_for_end(void *unused)
{
	pause();
	return unused;
}

/*
 * Keep touching one page until NUMA balancing has taken the ptes of its window away and a
 * hinting fault has given back its own. The second thread is needed, as balancing skips
 * pages on the right node in a process with one; pages on a wrong node would move.
 */
static void numa_hinted(void)
{
	long updates, last;
	pthread_t other;

	if (access("/proc/sys/kernel/numa_balancing", W_OK))
		tap_skip("this kernel has no NUMA_BALANCING");
	pin_to_cpu(0);
	set("/proc/sys/kernel/numa_balancing", "1");
	CHECK(!pthread_create(&other, NULL, wait_for_end, NULL));
	half_touched();
	/* More at once than this process has other pages. */
	updates = last = vmstat("numa_pte_updates");
	while (updates - last < (long)(2 * MIDDLE)) {
		last = updates;
		for (int i = 0; i < 10000; i++)
			poke(at(MIDDLE), 'n');
		updates = vmstat("numa_pte_updates");
	}
	poke(at(MIDDLE), 'n');
	write_file("/proc/sys/kernel/numa_balancing", "0");
	check_evidence();
}

static bool is_soft_dirty(size_t index)
{
	return pagemap(at(index)) & PM_SOFT_DIRTY;
}

static void tracked(void)
{
	char *other = plain(page);

	poke(other, 't');
	if (!(pagemap(other) & PM_SOFT_DIRTY))
		tap_skip("this kernel tracks no soft-dirty pages (MEM_SOFT_DIRTY)");
	start();
	CHECK_EQ(walk(0, 8), 5);
	write_file("/proc/self/clear_refs", "4");
	(void)peek(at(8));
	poke(at(16), 't');
	CHECK_EQ(resident(region, SIZE), 17);
	for (size_t i = 8; i < 16; i++) {
		CHECK(!is_soft_dirty(i));
		CHECK_EQ(peek(at(i)), 0);
		CHECK(!is_soft_dirty(i));
	}
	CHECK(is_soft_dirty(16));
	poke(at(8), 'w');
	poke(at(9), 'w');
	CHECK(is_soft_dirty(8));
	CHECK(is_soft_dirty(9));
	CHECK(!is_soft_dirty(10));
}

static const struct test tests[] = {
	TEST("every page of a window is zero after other data filled the memory", zeroes),
	TEST("part of a window moves with its contents", moved),
	TEST("mprotect and back keeps a window, without a fault", protected),
	TEST("a window filled while read-only can be written once that is allowed", read_only),
	TEST("a child has its own copy of a window", forked),
	TEST("a child does not see its parent's writes", parent_changes),
	TEST("unmapping every third page keeps the others", unmapped),
	TEST("dropping every other page makes those zero and keeps the others", dropped),
	TEST("pages after MADV_FREE hold zeroes or what they held", freed),
	TEST("a window swapped out comes back", out_and_in),
	TEST("a window swapped out comes back in a child and in its parent", swapped_and_forked),
	TEST("swapping one page in is not a touch of its window's other pages", swapped_no_touch),
	TEST("swapoff is not a touch", swapped_in_by_swapoff),
	TEST("a window does not cover a page that is swapped out", over_swapped),
	TEST("migration is not a touch", migrated),
	TEST("MADV_COLD is not a touch", cold),
	TEST("mprotect is not a touch", protected_no_touch),
	TEST("writing after MADV_FREE is not a touch of the window's other pages", taken_back),
	TEST("copying a page after fork is not a touch of the others", copied_no_touch),
	TEST("reading is not writing to soft-dirty tracking, nor is what comes ahead", tracked),
	TEST("a NUMA hinting fault is not a touch of the window's other pages", numa_hinted),
};

TAP_MAIN(tests, no_tamalloc)
