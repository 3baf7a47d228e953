// SPDX-License-Identifier: GPL-2.0
/*
 * Stack distances (Mattson, Gecsei, Slutz and Traiger, 1970): under LRU and OPT the pages that
 * n frames hold are among those that n + 1 hold, so one list serves every n. A page at depth d
 * is found by every memory of d frames or more.
 */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* From how often each depth was found to the faults in n frames. */
static void sum_up(const uint64_t *found, uint32_t pages, uint64_t *faults)
{
	uint64_t sum = pages;	/* the first loads */

	for (uint32_t n = pages; n; n--) {
		faults[n] = sum;
		sum += found[n];
	}
}

void lru_faults(const struct trace *trace, uint64_t *faults)
{
	uint32_t *stack = allocate(trace->count, sizeof(*stack));
	uint64_t *found = allocate(trace->count + 1, sizeof(*found));
	uint32_t held = 0;

	for (size_t t = 0; t < trace->length; t++) {
		uint32_t page = page_of(trace->refs[t]), carried = page, depth = 0;

		if (page == held) {	/* its first reference: indices are in that order */
			memmove(stack + 1, stack, held++ * sizeof(*stack));
			stack[0] = page;
			continue;
		}
		do {
			uint32_t next = stack[depth];

			stack[depth++] = carried;
			carried = next;
		} while (carried != page);
		found[depth]++;
	}
	sum_up(found, trace->count, faults);
	free(found);
	free(stack);
}

void opt_faults(const struct trace *trace, uint64_t *faults)
{
	struct entry { uint32_t page, next; } *stack = allocate(trace->count, sizeof(*stack));
	uint64_t *found = allocate(trace->count + 1, sizeof(*found));
	uint32_t *next = allocate(trace->length, sizeof(*next));	/* when the page comes again */
	uint32_t *seen = allocate(trace->count, sizeof(*seen));
	uint32_t held = 0;

	if (trace->length >= UINT32_MAX)
		die("OPT takes at most %u references; take a shorter trace", UINT32_MAX - 1);
	memset(seen, 0xff, trace->count * sizeof(*seen));
	for (size_t t = trace->length; t--;) {
		uint32_t page = page_of(trace->refs[t]);

		next[t] = seen[page];
		seen[page] = t;
	}
	for (size_t t = 0; t < trace->length; t++) {
		struct entry now = { page_of(trace->refs[t]), next[t] }, carried = now, other;
		uint32_t depth = 0;

		/*
		 * Each memory evicts whichever comes again later: that one goes down, to where
		 * the page was, or to the end.
		 */
		for (; depth < held && stack[depth].page != now.page; depth++) {
			other = stack[depth];
			if (depth == 0 || carried.next < other.next) {
				stack[depth] = carried;
				carried = other;
			}
		}
		stack[depth] = carried;
		if (depth == held)
			held++;
		else
			found[depth + 1]++;
	}
	sum_up(found, trace->count, faults);
	free(seen);
	free(next);
	free(found);
	free(stack);
}
