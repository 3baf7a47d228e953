// SPDX-License-Identifier: GPL-2.0
/*
 * A region right above a huge page of 1 GiB. There is no page table below to look for
 * evidence in, only memory that the program has filled with forged page table entries.
 */
#include <stdio.h>

#include "adaptive.h"
#include "mem.h"
#include "settings.h"
#include "tap.h"

#define FREE_PAGES	"/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"
#define MAP_1GIB	(MAP_HUGETLB | 30 << MAP_HUGE_SHIFT)

static const char *obstacle(void)
{
	if (no_tamalloc())
		return no_tamalloc();
	if (access(FREE_PAGES, R_OK) || !number(FREE_PAGES))
		return "needs a boot with hugepagesz=1G hugepages=1: make test T=gigantic does that";
	return NULL;
}

static void above_a_gigantic_page(void)
{
	/* Present, writable, a table, at an address beyond all memory. */
	const uint64_t entry = 0x67 | 1ULL << 44;
	char *place = mmap(NULL, 3 * GIB, PROT_NONE, ANON, -1, 0);
	uint64_t *below;

	CHECK(place != MAP_FAILED);
	below = (uint64_t *)(((uintptr_t)place + GIB - 1) & -GIB);
	CHECK(mmap(below, GIB, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_1GIB, -1, 0) == below);
	for (size_t i = 0; i < page / sizeof(entry); i++)
		below[i] = entry;

	start();
	region = move_to(region, SIZE, (char *)below + GIB);
	fills(0, 1);
	CHECK_EQ(walk(1, GROUP), windows_before(GROUP) - 1);
	fills(GROUP, WINDOW);
	for (size_t i = 0; i < page / sizeof(entry); i++)
		CHECK_EQ(below[i], entry);
}

static const struct test tests[] = {
	TEST("memory below the mapping is not mistaken for a page table", above_a_gigantic_page),
};

TAP_MAIN(tests, obstacle)
