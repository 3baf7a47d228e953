// SPDX-License-Identifier: GPL-2.0
/* Policies with as many frames as the program needs: working set and page fault frequency. */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* Short intervals are counted; of those beyond, there are few. */
#define SHORT	(1 << 20)

struct intervals {
	size_t length;
	uint32_t pages;
	size_t near;		/* intervals below are counted */
	uint64_t *inner;	/* between two references to a page */
	uint64_t *last;		/* from a page's last reference to the end of the string */
	uint64_t *far_inner, *far_last;
	size_t inner_count, inner_room, last_count;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct intervals *intervals_of(const struct trace *trace)
{
	struct intervals *all = allocate(1, sizeof(*all));
	size_t *before = allocate(trace->count, sizeof(*before));	/* 0: not yet */

	all->length = trace->length;
	all->pages = trace->count;
	all->near = least(SHORT, trace->length + 1);
	all->inner = allocate(all->near, sizeof(*all->inner));
	all->last = allocate(all->near, sizeof(*all->last));
	all->far_last = allocate(trace->count, sizeof(*all->far_last));
	for (size_t t = 1; t <= trace->length; t++) {
		size_t *last = &before[page_of(trace->refs[t - 1])];
		size_t interval = t - *last;

		if (*last && interval < all->near) {
			all->inner[interval]++;
		} else if (*last) {
			if (all->inner_count == all->inner_room) {
				all->inner_room = 2 * all->inner_room + 1024;
				all->far_inner = realloc(all->far_inner, all->inner_room * sizeof(uint64_t));
				if (!all->far_inner)
					die("there is no memory left; take a shorter trace");
			}
			all->far_inner[all->inner_count++] = interval;
		}
		*last = t;
	}
	for (uint32_t i = 0; i < trace->count; i++) {
		size_t interval = trace->length + 1 - before[i];

		if (interval < all->near)
			all->last[interval]++;
		else
			all->far_last[all->last_count++] = interval;
	}
	free(before);
	return all;
}

void working_set(const struct intervals *all, struct varying *point)
{
	uint64_t tau = point->parameter;
	double sum = 0;		/* each reference keeps its page for tau, or until the next one */

	point->faults = all->pages;
	for (uint64_t d = 1; d < all->near; d++) {
		sum += (double)(all->inner[d] + all->last[d]) * least(d, tau);
		if (d > tau)
			point->faults += all->inner[d];
	}
	for (size_t i = 0; i < all->inner_count; i++) {
		sum += least(all->far_inner[i], tau);
		point->faults += all->far_inner[i] > tau;
	}
	for (size_t i = 0; i < all->last_count; i++)
		sum += least(all->far_last[i], tau);
	point->mean = sum / all->length;
}

void intervals_free(struct intervals *all)
{
	free(all->inner);
	free(all->last);
	free(all->far_inner);
	free(all->far_last);
	free(all);
}

struct pff_lane {
	uint32_t *held;		/* the resident pages, in no order */
	uint32_t count;
	size_t last_fault;	/* 0: none yet */
	double sum;		/* of the resident pages after each reference */
	uint64_t faults;
};

/* The pages that stay are those referenced since the last fault. */
static void shrink(struct pff_lane *lane, const size_t *used, uint64_t *in, uint64_t bit)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < lane->count; i++) {
		uint32_t page = lane->held[i];

		if (used[page] > lane->last_fault)
			lane->held[kept++] = page;
		else
			in[page] &= ~bit;
	}
	lane->count = kept;
}

static void run_pff(const struct trace *trace, struct varying *points, int count)
{
	uint64_t *in = allocate(trace->count, sizeof(*in));	/* a bit for each theta */
	size_t *used = allocate(trace->count, sizeof(*used));	/* when, counted from 1 */
	uint64_t all = count == 64 ? ~0ULL : (1ULL << count) - 1;
	size_t changed[64] = { 0 };	/* from when on a lane has had so many pages */
	struct pff_lane lanes[64] = { 0 };

	for (int i = 0; i < count; i++)
		lanes[i].held = allocate(trace->count, sizeof(uint32_t));
	for (size_t t = 1; t <= trace->length; t++) {
		uint32_t page = page_of(trace->refs[t - 1]);

		for (uint64_t missing = all & ~in[page]; missing; missing &= missing - 1) {
			int i = __builtin_ctzll(missing);
			struct pff_lane *lane = &lanes[i];

			lane->faults++;
			lane->sum += (double)lane->count * (t - changed[i]);
			changed[i] = t;
			if (lane->last_fault && t - lane->last_fault > points[i].parameter)
				shrink(lane, used, in, 1ULL << i);
			lane->last_fault = t;
			lane->held[lane->count++] = page;
			in[page] |= 1ULL << i;
		}
		used[page] = t;
	}
	for (int i = 0; i < count; i++) {
		lanes[i].sum += (double)lanes[i].count * (trace->length + 1 - changed[i]);
		points[i].faults = lanes[i].faults;
		points[i].mean = lanes[i].sum / trace->length;
		free(lanes[i].held);
	}
	free(used);
	free(in);
}

void pff(const struct trace *trace, struct varying *points, size_t count)
{
	for (size_t done = 0; done < count; done += 64)
		run_pff(trace, points + done, count - done < 64 ? count - done : 64);
}
