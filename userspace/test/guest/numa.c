// SPDX-License-Identifier: GPL-2.0
/* A first touch takes its page from where the NUMA policy says. */
#include <linux/mempolicy.h>

#include "mem.h"
#include "tap.h"

#define PAGES 32UL

static const unsigned long both = 3;

/* The nodes that the pages are on, one after the other. */
static void nodes_of(char *start, int nodes[PAGES])
{
	void *pages[PAGES];

	for (size_t i = 0; i < PAGES; i++)
		pages[i] = start + i * page;
	CHECK_EQ(syscall(SYS_move_pages, 0, PAGES, pages, NULL, nodes, 0), 0);
}

static void touch(char *start, bool write)
{
	for (size_t i = 0; i < PAGES; i++) {
		if (write)
			poke(start + i * page, 1);
		else
			peek(start + i * page);
	}
}

static void bound_to(int node, bool write)
{
	unsigned long mask = 1UL << node;
	char *p = tamalloc(PAGES * page);
	int nodes[PAGES];

	CHECK_EQ(syscall(SYS_mbind, p, PAGES * page, MPOL_BIND, &mask, 8 * sizeof(mask), 0), 0);
	touch(p, write);
	nodes_of(p, nodes);
	for (size_t i = 0; i < PAGES; i++)
		CHECK_EQ(nodes[i], node);
}

static void region_policy(void)
{
	bound_to(0, true);
	bound_to(1, true);
	bound_to(0, false);
	bound_to(1, false);
}

static void process_policy(void)
{
	char *p = tamalloc(PAGES * page);
	int nodes[PAGES], on_second = 0;

	CHECK_EQ(syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &both, 8 * sizeof(both)), 0);
	touch(p, true);
	nodes_of(p, nodes);
	for (size_t i = 0; i < PAGES; i++)
		on_second += nodes[i];
	CHECK_EQ(on_second, PAGES / 2);
}

static void moved(void)
{
	char *p = tamalloc(PAGES * page);
	const unsigned long first = 1, second = 2;
	long left;
	int nodes[PAGES];

	CHECK_EQ(syscall(SYS_mbind, p, PAGES * page, MPOL_BIND, &first, 8 * sizeof(first), 0), 0);
	for (size_t i = 0; i < PAGES; i++)
		poke(p + i * page, i + 1);
	/* It counts pages that somebody held at that moment; they have another try. */
	while ((left = syscall(SYS_migrate_pages, 0, 8 * sizeof(first), &first, &second)))
		CHECK(left > 0);
	nodes_of(p, nodes);
	for (size_t i = 0; i < PAGES; i++) {
		CHECK_EQ(nodes[i], 1);
		CHECK_EQ(peek(p + i * page), i + 1);
	}
}

static const struct test tests[] = {
	TEST("a region's policy says where its pages are, read or written", region_policy),
	TEST("without one, that of the process does", process_policy),
	TEST("pages move to another node with their contents", moved),
};

static const char *obstacle(void)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		return "needs two NUMA nodes: boot with numa=fake=2";
	return no_tamalloc();
}

TAP_MAIN(tests, obstacle)
