// SPDX-License-Identifier: GPL-2.0
/*
 * FIFO and clock have no stack: each number of frames is simulated. Sixty-four of them go
 * through the string together, one in each bit, and a page that all of them hold costs one AND.
 */
#include <stdlib.h>

#include "replay.h"

struct lane {			/* one number of frames */
	uint32_t *pages;	/* of its frames */
	uint32_t frames, held, hand;
	uint64_t faults;
};

struct page { uint64_t in, used; };

/* Clock: the hand goes by frame; a page's bit is set when it is loaded and when it is used. */
static void make_room(struct lane *lane, struct page *pages, uint64_t bit, bool second_chance)
{
	while (second_chance && pages[lane->pages[lane->hand]].used & bit) {
		pages[lane->pages[lane->hand]].used &= ~bit;
		if (++lane->hand == lane->frames)
			lane->hand = 0;
	}
	pages[lane->pages[lane->hand]].in &= ~bit;
}

static void load(struct lane *lane, struct page *pages, uint32_t page, uint64_t bit, bool second_chance)
{
	uint32_t frame = lane->held;

	lane->faults++;
	if (lane->held == lane->frames) {
		make_room(lane, pages, bit, second_chance);
		frame = lane->hand;
		if (++lane->hand == lane->frames)
			lane->hand = 0;
	} else {
		lane->held++;
	}
	lane->pages[frame] = page;
	pages[page].in |= bit;
}

/* Called with a constant, so that each policy has a loop of its own. */
static inline __attribute__((always_inline))
void run(const struct trace *trace, struct lane *lanes, int count, bool second_chance)
{
	struct page *pages = allocate(trace->count, sizeof(*pages));
	uint64_t all = count == 64 ? ~0ULL : (1ULL << count) - 1;

	for (size_t t = 0; t < trace->length; t++) {
		uint32_t index = page_of(trace->refs[t]);
		struct page *page = &pages[index];
		uint64_t missing = all & ~page->in;

		for (; missing; missing &= missing - 1) {
			int i = __builtin_ctzll(missing);

			load(&lanes[i], pages, index, 1ULL << i, second_chance);
		}
		if (second_chance)
			page->used = all;	/* now all of them hold it */
	}
	free(pages);
}

static inline __attribute__((always_inline))
void in_groups(const struct trace *trace, const unsigned int *frames, size_t count, uint64_t *faults,
	       bool second_chance)
{
	struct lane lanes[64];

	for (size_t done = 0; done < count; done += 64) {
		int n = count - done < 64 ? count - done : 64;

		for (int i = 0; i < n; i++)
			lanes[i] = (struct lane){
				.pages = allocate(frames[done + i], sizeof(uint32_t)),
				.frames = frames[done + i],
			};
		run(trace, lanes, n, second_chance);
		for (int i = 0; i < n; i++) {
			faults[done + i] = lanes[i].faults;
			free(lanes[i].pages);
		}
	}
}

void fifo_faults(const struct trace *trace, const unsigned int *frames, size_t count, uint64_t *faults)
{
	in_groups(trace, frames, count, faults, false);
}

void clock_faults(const struct trace *trace, const unsigned int *frames, size_t count, uint64_t *faults)
{
	in_groups(trace, frames, count, faults, true);
}
