// SPDX-License-Identifier: GPL-2.0
/*
 * Where addresses stand in a picture. Few programs touch one piece of their address space:
 * long gaps are left out, and what is too small to be seen by itself is drawn together.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tamtrace.h"

#define SHORTEST_GAP	(4UL << 20)
#define SMALL		0.005	/* of all pages */
#define MOST_SMALL	0.1	/* of all pages, in small ranges together */

/* Addresses without a long gap in them, and where they begin in their band. */
struct range {
	unsigned long start, end, pages, offset;
	struct band *band;
};

static int by_address(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void find_ranges(struct layout *layout, const struct event *sorted, size_t count,
			unsigned long gap)
{
	struct range *range = NULL;

	layout->range_count = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned long start = sorted[i].address;
		unsigned long end = start + sorted[i].pages * layout->page;

		if (!range || start > range->end + gap) {
			range = &layout->ranges[layout->range_count++];
			*range = (struct range){ .start = start, .end = end };
		} else if (end > range->end) {
			range->end = end;
		}
		range->pages += sorted[i].pages;
	}
}

static void add_to(struct band *band, struct range *range)
{
	if (!band->ranges++)
		band->start = range->start;
	range->band = band;
	range->offset = band->bytes;
	band->bytes += range->end - range->start;
	band->pages += range->pages;
}

/*
 * A band for each range that is not small, and a last one for the others. False if that
 * are too many bands, or if the last one would have much of the picture.
 */
static bool make_bands(struct layout *layout, unsigned long all)
{
	bool fold = layout->range_count > MOST_BANDS;
	struct band small = { 0 };

	layout->count = 0;
	memset(layout->bands, 0, sizeof(layout->bands));
	for (size_t i = 0; i < layout->range_count; i++) {
		struct range *range = &layout->ranges[i];

		if (fold && range->pages < SMALL * all) {
			add_to(&small, range);
			range->band = NULL;
		} else if (layout->count == MOST_BANDS) {
			return false;
		} else {
			add_to(&layout->bands[layout->count++], range);
		}
	}
	if (small.pages > MOST_SMALL * all)
		return false;
	if (small.ranges)
		layout->bands[layout->count++] = small;
	for (size_t i = 0; i < layout->range_count; i++)
		if (!layout->ranges[i].band)
			layout->ranges[i].band = &layout->bands[layout->count - 1];
	return true;
}

static unsigned long divide_up(unsigned long a, unsigned long b)
{
	return (a + b - 1) / b;
}

void lay_out(struct layout *layout, const struct run *run, unsigned int cells, unsigned int unit)
{
	struct event *sorted = reallocarray(NULL, run->count, sizeof(*sorted));
	unsigned long gap = SHORTEST_GAP, all = 0;
	size_t count = 0;

	*layout = (struct layout){ .page = sysconf(_SC_PAGESIZE), .seconds = 1e-6 };
	layout->ranges = reallocarray(NULL, run->count, sizeof(*layout->ranges));
	if (!sorted || !layout->ranges)
		die("no memory for %zu lines", run->count);
	for (size_t i = 0; i < run->count; i++) {
		layout->seconds = fmax(layout->seconds, run->events[i].seconds);
		if (gain(&run->events[i]) > 0) {
			sorted[count++] = run->events[i];
			all += run->events[i].pages;
		}
	}
	qsort(sorted, count, sizeof(*sorted), by_address);
	/* Touches that are sparse in all of a range belong together, however long the gaps. */
	do
		find_ranges(layout, sorted, count, gap);
	while (!make_bands(layout, all) && (gap *= 2));
	free(sorted);

	for (size_t i = 0; i < layout->count; i++) {
		struct band *band = &layout->bands[i];
		unsigned long units = lround((double)band->pages / all * cells / unit);
		unsigned long bytes = divide_up(band->bytes, unit * (units ?: 1));

		band->cell_bytes = divide_up(bytes, layout->page) * layout->page;
		band->cells = divide_up(band->bytes, band->cell_bytes);
		band->cell = layout->cells;
		layout->cells += band->cells;
	}
}

int cell_of(const struct layout *layout, unsigned long address)
{
	size_t low = 0, high = layout->range_count;
	const struct range *range;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (layout->ranges[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	range = &layout->ranges[low];
	if (!layout->range_count || address < range->start || address >= range->end)
		return -1;
	return range->band->cell +
	       (range->offset + address - range->start) / range->band->cell_bytes;
}
