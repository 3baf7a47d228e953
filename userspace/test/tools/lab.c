// SPDX-License-Identifier: GPL-2.0
/* The lab's replay, against simulators that follow each policy's definition step by step. */
#include <stdlib.h>
#include <stdio.h>

#include "replay.h"
#include "tap.h"

#define MAX_PAGES	200
#define STRINGS		1000

/* One frame of a direct simulation. */
struct frame { uint32_t page; size_t loaded, used; bool bit; };
enum policy { OPT, LRU, CLOCK, FIFO };

static size_t next_use(const struct trace *trace, uint32_t page, size_t after)
{
	for (size_t t = after; t < trace->length; t++) {
		if (page_of(trace->refs[t]) == page)
			return t;
	}
	return SIZE_MAX;
}

static unsigned int victim(const struct trace *trace, enum policy policy, struct frame *frames,
			   unsigned int n, size_t now, unsigned int *hand)
{
	unsigned int best = 0;

	if (policy == CLOCK) {
		while (frames[*hand].bit) {
			frames[*hand].bit = false;
			*hand = (*hand + 1) % n;
		}
		best = *hand;
		*hand = (*hand + 1) % n;
		return best;
	}
	for (unsigned int i = 1; i < n; i++) {
		if ((policy == FIFO && frames[i].loaded < frames[best].loaded) ||
		    (policy == LRU && frames[i].used < frames[best].used) ||
		    (policy == OPT && next_use(trace, frames[i].page, now) > next_use(trace, frames[best].page, now)))
			best = i;
	}
	return best;
}

static uint64_t direct(const struct trace *trace, enum policy policy, unsigned int n)
{
	struct frame frames[MAX_PAGES];
	unsigned int used = 0, hand = 0;
	uint64_t faults = 0;

	for (size_t t = 0; t < trace->length; t++) {
		uint32_t page = page_of(trace->refs[t]);
		unsigned int i = 0;

		while (i < used && frames[i].page != page)
			i++;
		if (i == used) {
			faults++;
			i = used < n ? used++ : victim(trace, policy, frames, n, t, &hand);
			frames[i] = (struct frame){ .page = page, .loaded = t };
		}
		frames[i].used = t;
		frames[i].bit = true;
	}
	return faults;
}

static void direct_ws(const struct trace *trace, uint64_t tau, struct varying *point)
{
	uint64_t resident = 0;

	point->faults = 0;
	for (size_t t = 0; t < trace->length; t++) {
		bool in[MAX_PAGES] = { false }, found = false;

		for (uint64_t back = 1; back <= tau && back <= t; back++)
			found |= page_of(trace->refs[t - back]) == page_of(trace->refs[t]);
		point->faults += !found;
		for (uint64_t back = 0; back < tau && back <= t; back++) {
			resident += !in[page_of(trace->refs[t - back])];
			in[page_of(trace->refs[t - back])] = true;
		}
	}
	point->mean = (double)resident / trace->length;
}

/* R(t) and Z(t', t) of the course's definition, as sets. */
static void direct_pff(const struct trace *trace, uint64_t theta, struct varying *point)
{
	bool in[MAX_PAGES] = { false };
	uint64_t resident = 0;
	size_t last = 0;

	point->faults = 0;
	for (size_t t = 1; t <= trace->length; t++) {
		uint32_t page = page_of(trace->refs[t - 1]);

		if (!in[page]) {
			if (last && t - last > theta) {
				memset(in, 0, sizeof(in));
				for (size_t since = last + 1; since < t; since++)
					in[page_of(trace->refs[since - 1])] = true;
			}
			in[page] = true;
			last = t;
			point->faults++;
		}
		for (uint32_t i = 0; i < trace->count; i++)
			resident += in[i];
	}
	point->mean = (double)resident / trace->length;
}

/* A string of @length references: any page at random, or near the one before. */
static void make(struct trace *trace, unsigned int pages, size_t length)
{
	char *text = malloc(length * 8 + 1);
	unsigned int page = 0, used = 0;
	bool local = random() & 1;

	for (size_t t = 0; t < length; t++) {
		page = local && random() % 8 ? (page + random() % 3) % pages : random() % pages;
		used += sprintf(text + used, "%u ", page);
	}
	trace_parse(trace, text, "test");
	free(text);
}

/* Short strings, as students type them, and some that fill more than one word of bits. */
static void for_many(void (*check)(const struct trace *trace))
{
	srandom(16);
	for (int i = 0; i < STRINGS + 5; i++) {
		struct trace trace;

		if (i < STRINGS)
			make(&trace, 1 + random() % 12, 1 + random() % 60);
		else
			make(&trace, MAX_PAGES - 1, 700);
		check(&trace);
		trace_free(&trace);
	}
}

static void check_curves(const struct trace *trace)
{
	unsigned int frames[MAX_PAGES];
	uint64_t opt[MAX_PAGES + 1], lru[MAX_PAGES + 1], clock[MAX_PAGES], fifo[MAX_PAGES];
	unsigned int step = trace->count > 20 ? 13 : 1;

	for (unsigned int n = 1; n <= trace->count; n++)
		frames[n - 1] = n;
	opt_faults(trace, opt);
	lru_faults(trace, lru);
	clock_faults(trace, frames, trace->count, clock);
	fifo_faults(trace, frames, trace->count, fifo);
	for (unsigned int n = 1; n <= trace->count; n += step) {
		CHECK_EQ(opt[n], direct(trace, OPT, n));
		CHECK_EQ(lru[n], direct(trace, LRU, n));
		CHECK_EQ(clock[n - 1], direct(trace, CLOCK, n));
		CHECK_EQ(fifo[n - 1], direct(trace, FIFO, n));
	}
}

static void curves(void)
{
	for_many(check_curves);
}

static void check_windows(const struct trace *trace)
{
	struct intervals *intervals = intervals_of(trace);
	uint64_t step = trace->length > 100 ? 97 : 1;

	for (uint64_t i = 1; i <= trace->length; i += step) {
		struct varying got = { .parameter = i }, want;

		working_set(intervals, &got);
		direct_ws(trace, i, &want);
		CHECK_EQ(got.faults, want.faults);
		CHECK(got.mean > want.mean - 1e-9 && got.mean < want.mean + 1e-9);
		pff(trace, &got, 1);
		direct_pff(trace, i, &want);
		CHECK_EQ(got.faults, want.faults);
		CHECK(got.mean > want.mean - 1e-9 && got.mean < want.mean + 1e-9);
	}
	intervals_free(intervals);
}

static void windows(void)
{
	for_many(check_windows);
}

/* Seventy thetas are two words of bits. */
static void many_thetas(void)
{
	struct varying points[70], want;
	struct trace trace;

	make(&trace, 30, 500);
	for (int i = 0; i < 70; i++)
		points[i].parameter = 2 * i + 1;
	pff(&trace, points, 70);
	for (int i = 0; i < 70; i++) {
		direct_pff(&trace, points[i].parameter, &want);
		CHECK_EQ(points[i].faults, want.faults);
	}
	trace_free(&trace);
}

/*
 * Pages 0 and 1 in turn, and page 2 at the start, after 1.5 million references and at the end:
 * its intervals are 1,500,001 each, and the mean is three less what is missing of page 2.
 */
static void long_intervals(void)
{
	enum { HALF = 1500000 };
	struct trace trace = { .count = 3, .length = 2 * HALF + 3 };
	struct varying points[] = { { .parameter = HALF }, { .parameter = HALF + 1 } };
	struct intervals *intervals;

	trace.refs = malloc(trace.length * sizeof(*trace.refs));
	trace.pages = malloc(3 * sizeof(*trace.pages));
	for (size_t t = 0; t < trace.length; t++)
		trace.refs[t] = (t % (HALF + 1) == 0 ? 2 : t & 1) << 2 | READ;
	intervals = intervals_of(&trace);
	working_set(intervals, &points[0]);
	working_set(intervals, &points[1]);
	CHECK_EQ(points[0].faults, 5);
	CHECK_EQ(points[1].faults, 3);
	/* Exactly two references more keep page 2: the one before each of its returns. */
	CHECK_EQ((points[1].mean - points[0].mean) * trace.length + 0.5, 2);
	intervals_free(intervals);
	trace_free(&trace);
}

static void check_reduction(const struct trace *trace)
{
	unsigned int step = trace->count > 20 ? 37 : 1;

	for (unsigned int k = 1; k <= trace->count; k += step) {
		struct trace shorter;
		uint64_t want[2][MAX_PAGES + 1], got[2][MAX_PAGES + 1];

		reduce(trace, k, &shorter);
		CHECK_EQ(shorter.reduced, k);
		opt_faults(trace, want[0]);
		lru_faults(trace, want[1]);
		opt_faults(&shorter, got[0]);
		lru_faults(&shorter, got[1]);
		for (unsigned int n = k; n <= trace->count; n++) {
			CHECK_EQ(got[0][n], want[0][n]);
			CHECK_EQ(got[1][n], want[1][n]);
		}
		/* With a frame for each page, the first and the last reference to it stay. */
		if (k == trace->count)
			CHECK(shorter.length <= 2 * (size_t)trace->count);
		trace_free(&shorter);
	}
}

static void reduction(void)
{
	for_many(check_reduction);
}

static void check_round_trip(const struct trace *trace)
{
	struct trace again;
	char *bytes;
	size_t size;
	FILE *file = open_memstream(&bytes, &size);

	for (size_t t = 0; t < trace->length; t++)
		trace->refs[t] = (trace->refs[t] & ~3U) | t % 3;
	trace->pages[0] = (1ULL << 52) - 1;
	trace_write(trace, file);
	fclose(file);
	file = fmemopen(bytes, size, "r");
	trace_read(&again, file, "test");
	fclose(file);
	CHECK_EQ(again.length, trace->length);
	CHECK_EQ(again.count, trace->count);
	CHECK(!memcmp(again.refs, trace->refs, trace->length * sizeof(*trace->refs)));
	CHECK(!memcmp(again.pages, trace->pages, trace->count * sizeof(*trace->pages)));
	trace_free(&again);
	free(bytes);
}

static void round_trip(void)
{
	for_many(check_round_trip);
}

/* The page numbers, shifted and without repeats, in the same order. */
static void check_coarse(const struct trace *trace)
{
	for (unsigned int shift = 0; shift < 4; shift++) {
		struct trace coarse;
		size_t at = 0;

		trace_coarsen(trace, shift, &coarse);
		for (size_t t = 0; t < trace->length; t++) {
			uint64_t page = trace->pages[page_of(trace->refs[t])] >> shift;

			if (t && page == trace->pages[page_of(trace->refs[t - 1])] >> shift)
				continue;
			CHECK(at < coarse.length);
			CHECK_EQ(coarse.pages[page_of(coarse.refs[at])], page);
			at++;
		}
		CHECK_EQ(coarse.length, at);
		trace_free(&coarse);
	}
}

static void coarse(void)
{
	for_many(check_coarse);
}

static const struct test tests[] = {
	TEST("OPT, LRU, clock and FIFO equal direct simulation, in all frames of 1,005 strings", curves),
	TEST("so do working set and page fault frequency, at every tau and theta", windows),
	TEST("and at more thetas than a word has bits", many_thetas),
	TEST("a working set's window can be longer than a million references", long_intervals),
	TEST("a reduced string takes as many faults under OPT and LRU in k frames and more", reduction),
	TEST("what is written is what is read", round_trip),
	TEST("larger pages merge what lies in them", coarse),
};

TAP_MAIN(tests, NULL)
