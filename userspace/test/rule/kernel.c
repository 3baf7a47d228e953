// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own search for a group, mm/tamalloc_group.h, compiled for user space with
 * page tables of 1 << PMD_ORDER entries: whatever it returns has to be a group by the rule
 * that search.c has proved, it has to find one in the orders of access that it is for, and it
 * must not look at what is not the mapping's.
 *
 *	gcc -DPMD_ORDER=N -I TREE/mm
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/random.h"

/* What the header needs of the kernel. */
#define PAGE_SHIFT	12
#define SZ_2M		0x200000
#define BIT(n)		(1UL << (n))
#define ilog2(n)	(63 - __builtin_clzl(n))
#define min(a, b)	((a) < (b) ? (a) : (b))
#define __ffs(n)	__builtin_ctzl(n)

enum { PRESENT = 1, YOUNG = 2, SPECIAL = 4, ACCESSED = PRESENT | YOUNG };
typedef struct { unsigned char bits; } pte_t;
#define pte_val(entry)	((entry).bits)
#define __pte(value)	((pte_t){ (unsigned char)(value) })
#undef __always_inline
#define __always_inline	inline

#define ENTRIES		BIT(PMD_ORDER)
#define TABLES		16	/* of full size: 32 MiB */

static pte_t table[TABLES * ENTRIES];
static pte_t *lowest, *highest;	/* entries that may be read now */

static void fail(const char *what, unsigned int at)
{
	printf("%s; fault at entry %u of\n", what, at);
	for (pte_t *p = lowest; p < highest; p++)
		putchar('0' + p->bits);
	putchar('\n');
	exit(EXIT_FAILURE);
}

static pte_t ptep_get_lockless(pte_t *p)
{
	if (p < lowest || p >= highest)
		fail("it reads an entry that is not the mapping's", p - table);
	return *p;
}

static inline bool pte_present(pte_t entry) { return entry.bits & PRESENT; }
static inline bool pte_young(pte_t entry) { return entry.bits & YOUNG; }
static inline bool pte_special(pte_t entry) { return entry.bits & SPECIAL; }
static inline bool pte_none(pte_t entry) { return !entry.bits; }

#include "tamalloc_group.h"

static unsigned int evidence(unsigned int from, unsigned int n)
{
	unsigned int sum = 0;

	for (unsigned int i = from; i < from + n; i++)
		sum += table[i].bits == ACCESSED;
	return sum;
}

/* The group that it chooses, checked. @in: entries of this table that the mapping has. */
static unsigned int choose(unsigned int base, unsigned int at, unsigned long index,
			   struct pte_range in, int *lender)
{
	unsigned int order, first;

	lowest = &table[base + in.first];
	highest = &table[base + in.end];
	order = group_order(&table[base + at], at, index, in, lender);
	if (order > MAX_GROUP_ORDER)
		fail("the group is larger than the largest", at);
	if (*lender) {
		unsigned int half = BIT(MAX_GROUP_ORDER - 1), offset = index & (half - 1);

		if (order)
			fail("a group, and a loan", at);
		if (*lender < 0 ? index & (BIT(MAX_GROUP_ORDER) - 1) : ~index & (BIT(MAX_GROUP_ORDER) - 1))
			fail("a loan inside a group", at);
		if (at < in.first + offset || at - offset + half > in.end)
			fail("a loan beyond the mapping", at);
	}
	if (!order)
		return 0;
	first = at - (index & (BIT(order) - 1));
	if (first > at || first < in.first || first + BIT(order) > in.end)
		fail("the group is not whole in the mapping", at);
	if (2 * (1 + evidence(base + first, BIT(order))) <= BIT(order))
		fail("no more than half of the group is accessed", at);
	return order;
}

/* Each set of accessed entries, fault, mapping and alignment, in one small table. */
static void every_set(void)
{
	unsigned long groups = 0, tried = 0;
	struct pte_range in;
	int lender;

	for (in.first = 0; in.first < ENTRIES; in.first++)
		for (in.end = in.first + 1; in.end <= ENTRIES; in.end++)
			for (unsigned long set = 0; set < BIT(in.end - in.first); set++) {
				for (unsigned int i = 0; i < ENTRIES; i++)
					table[i].bits = i < in.first || i >= in.end ||
							set >> (i - in.first) & 1 ? ACCESSED : 0;
				for (unsigned int at = in.first; at < in.end; at++)
					for (unsigned long skew = 0; skew < ENTRIES && !table[at].bits; skew += 3) {
						groups += !!choose(0, at, at + skew, in, &lender);
						tried++;
					}
			}
	printf("%lu faults of %lu fill a group\n", groups, tried);
	if (!groups)
		exit(EXIT_FAILURE);
}

/* Entries of every kind in a table of full size. */
static void random_tables(void)
{
	static const unsigned char kinds[] = { 0, PRESENT, YOUNG, PRESENT | YOUNG | SPECIAL, SPECIAL };
	unsigned long groups = 0;
	uint64_t state = 1;
	int lender;

	for (int i = 0; i < 20000; i++) {
		unsigned int dense = draw_below(&state, 9), at = draw_below(&state, ENTRIES);
		struct pte_range in = { .first = draw_below(&state, at + 1) };

		in.end = at + 1 + draw_below(&state, ENTRIES - at);
		for (unsigned int j = 0; j < ENTRIES; j++)
			table[j].bits = draw_below(&state, 8) < dense ? ACCESSED :
					kinds[draw_below(&state, sizeof(kinds))];
		table[at].bits = 0;
		groups += !!choose(0, at, at + (i % 4 ? 0 : draw_below(&state, ENTRIES)), in, &lender);
	}
	printf("%lu of 20000 random tables fill a group\n", groups);
	if (!groups)
		exit(EXIT_FAILURE);
}

/* A mapping of several tables, as the fault fills it. */
static unsigned int faults;

static void touch(unsigned int i)
{
	const struct pte_range all = { 0, ENTRIES };
	unsigned int base = i & -ENTRIES, order;
	int lender = 0;

	if (!table[i].bits) {
		faults++;
		order = choose(base, i - base, i, all, &lender);
		if (lender && (lender < 0 ? base : base + ENTRIES < TABLES * ENTRIES) &&
		    evidence(base + lender * (int)ENTRIES, ENTRIES) == ENTRIES)
			order = MAX_GROUP_ORDER - 1;
		for (unsigned int j = i & -BIT(order); order && j < (i & -BIT(order)) + BIT(order); j++)
			if (!table[j].bits)
				table[j].bits = PRESENT;
	}
	table[i].bits = ACCESSED;
}

static void walk(const char *name, unsigned int (*place)(unsigned int))
{
	memset(table, 0, sizeof(table));
	faults = 0;
	for (unsigned int i = 0; i < TABLES * ENTRIES; i++)
		touch(place(i));
	printf("%s: %u faults for %lu pages\n", name, faults, TABLES * ENTRIES);
	if (faults * 128 > TABLES * ENTRIES) {
		printf("more than one for 128 pages\n");
		exit(EXIT_FAILURE);
	}
}

static unsigned int upwards(unsigned int i) { return i; }
static unsigned int downwards(unsigned int i) { return TABLES * ENTRIES - 1 - i; }
static unsigned int from_both_ends(unsigned int i)
{
	return i % 2 ? TABLES * ENTRIES - 1 - i / 2 : i / 2;
}

static void walks(void)
{
	walk("upwards", upwards);
	walk("downwards", downwards);
	walk("from both ends", from_both_ends);
}

/* Touches, drops and lost evidence, in random runs over small tables that lend. */
static void play(void)
{
	static bool touched[TABLES * ENTRIES];
	unsigned int ever = 0, populated, worst_populated = 0, worst_ever = 1;
	uint64_t state = 1;

	for (unsigned int step = 0; step < 10000000 / ENTRIES / TABLES; step++) {
		unsigned int from = draw_below(&state, TABLES * ENTRIES);
		unsigned int to = from + 1 + draw_below(&state, TABLES * ENTRIES - from);
		unsigned int verb = draw_below(&state, 8);

		/* Start afresh before everything has been touched. */
		if (step % 12 == 0) {
			memset(table, 0, sizeof(table));
			memset(touched, 0, sizeof(touched));
			ever = 0;
		}
		for (unsigned int i = from; i < to; i++)
			if (verb < 5) {
				touch(i);
				ever += !touched[i];
				touched[i] = true;
			} else if (verb < 7) {
				table[i].bits = 0;
			} else {
				table[i].bits &= ~YOUNG;
			}
		populated = 0;
		for (unsigned int i = 0; i < TABLES * ENTRIES; i++)
			populated += !!table[i].bits;
		if (populated * worst_ever > worst_populated * ever) {
			worst_populated = populated;
			worst_ever = ever;
		}
		if (populated && populated >= 2 * ever) {
			printf("%u populated for %u touched\n", populated, ever);
			exit(EXIT_FAILURE);
		}
	}
	printf("at worst %u populated for %u touched, %.3f\n", worst_populated, worst_ever,
	       (double)worst_populated / worst_ever);
}

int main(void)
{
	if (PMD_ORDER <= 4)
		every_set();
	if (PMD_ORDER == 9) {
		random_tables();
		walks();
	}
	play();
	return EXIT_SUCCESS;
}
