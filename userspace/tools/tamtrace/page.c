// SPDX-License-Identifier: GPL-2.0
/*
 * Writes page.html, which is a part of this program, with the run in it. Touches are summed
 * up by cells of memory and steps of time, so that the page does not grow with their number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tamtrace.h"

#define STEPS		300
#define CELLS		2048
#define COLUMNS		64	/* of cells, in the page's map */
#define MOST_RELEASES	200
#define PLACE		"/* the run */"

/* page.html, by ld -b binary. */
extern const char page_start[] __asm__("_binary_page_html_start");
extern const char page_end[] __asm__("_binary_page_html_end");

/* What one step of time does to one cell. */
struct change {
	unsigned long came, went;
	int tid;
};

struct step {
	unsigned long touches, released;
	struct change *changes;
};

static unsigned int step_of(const struct layout *layout, double seconds)
{
	return seconds / layout->seconds * (STEPS - 1);
}

static struct step *sum_up(const struct layout *layout, const struct run *run)
{
	struct step *steps = calloc(STEPS, sizeof(*steps));
	struct change *changes = calloc((size_t)STEPS * layout->cells, sizeof(*changes));

	if (!steps || !changes)
		die("no memory for a page");
	for (int i = 0; i < STEPS; i++)
		steps[i].changes = changes + (size_t)i * layout->cells;
	for (size_t i = 0; i < run->count; i++) {
		const struct event *event = &run->events[i];
		struct step *step = &steps[step_of(layout, event->seconds)];

		step->touches += is_touch(event);
		step->released += is_release(event) ? event->pages : 0;
		for (unsigned int j = 0; j < event->pages; j++) {
			int cell = cell_of(layout, event->address + j * layout->page);
			struct change *change = &step->changes[cell];

			if (cell < 0)
				continue;
			change->came += gain(event) > 0;
			change->went += gain(event) < 0;
			change->tid = event->tid;
		}
	}
	return steps;
}

/* Within a script of HTML. */
static void put_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c < ' ' || strchr("\"\\<>&", c))
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static int by_size(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->pages > y->pages ? -1 : x->pages < y->pages;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->seconds < y->seconds ? -1 : x->seconds > y->seconds;
}

/* Of one call there are many lines if it gives back pages here and there. */
static bool same_call(const struct event *a, const struct event *b)
{
	return a->tid == b->tid && a->what == b->what && a->seconds == b->seconds;
}

static void put_releases(FILE *to, const struct run *run)
{
	struct event *calls = reallocarray(NULL, run->count, sizeof(*calls));
	size_t count = 0;

	if (!calls)
		die("no memory for %zu lines", run->count);
	for (size_t i = 0; i < run->count; i++) {
		const struct event *event = &run->events[i];

		if (!is_release(event))
			continue;
		if (count && same_call(&calls[count - 1], event))
			calls[count - 1].pages += event->pages;
		else
			calls[count++] = *event;
	}
	qsort(calls, count, sizeof(*calls), by_size);
	if (count > MOST_RELEASES)
		count = MOST_RELEASES;
	qsort(calls, count, sizeof(*calls), by_time);
	for (size_t i = 0; i < count; i++)
		fprintf(to, "%s[%.6f,\"%s\",%u,\"%lx\",%d]", i ? "," : "", calls[i].seconds,
			names_of_what[calls[i].what], calls[i].pages, calls[i].address, calls[i].tid);
	free(calls);
}

static void put_run(FILE *to, const struct run *run)
{
	struct layout layout;
	struct step *steps;

	lay_out(&layout, run, CELLS, COLUMNS);
	steps = sum_up(&layout, run);
	fputs("{\"title\":", to);
	put_string(to, run->title);
	fprintf(to, ",\"seconds\":%.6f,\"page\":%lu,\"columns\":%d,\"touches\":%lu,\"reads\":%lu,"
		"\"pages\":%lu,\"fallbacks\":%lu,\"peak\":%lu,\n\"bands\":[",
		layout.seconds, layout.page, COLUMNS, run->touches, run->reads, run->pages,
		run->fallbacks, run->peak);
	for (size_t i = 0; i < layout.count; i++) {
		const struct band *band = &layout.bands[i];

		fprintf(to, "%s{\"start\":\"%lx\",\"bytes\":%lu,\"pages\":%lu,\"ranges\":%lu,"
			"\"cell\":%u,\"cells\":%u,\"cellBytes\":%lu}", i ? "," : "", band->start, band->bytes,
			band->pages, band->ranges, band->cell, band->cells, band->cell_bytes);
	}
	fputs("],\n\"steps\":[", to);
	for (int i = 0; i < STEPS; i++) {
		const char *comma = "";

		fprintf(to, "%s\n{\"touches\":%lu,\"released\":%lu,\"changes\":[", i ? "," : "",
			steps[i].touches, steps[i].released);
		for (unsigned int j = 0; j < layout.cells; j++) {
			const struct change *change = &steps[i].changes[j];

			if (!change->came && !change->went)
				continue;
			fprintf(to, "%s%u,%lu,%lu,%d", comma, j, change->came, change->went, change->tid);
			comma = ",";
		}
		fputs("]}", to);
	}
	fputs("],\n\"releases\":[", to);
	put_releases(to, run);
	fputs("]}", to);
	free(steps->changes);
	free(steps);
	free(layout.ranges);
}

void write_page(const struct run *run, const char *path)
{
	const char *place = memmem(page_start, page_end - page_start, PLACE, strlen(PLACE));
	char *part;
	FILE *to;

	if (asprintf(&part, "%s.tmp", path) < 0)
		die("%s", strerror(errno));
	to = fopen(part, "we");
	if (!to)
		die("%s: %s", part, strerror(errno));
	fwrite(page_start, place - page_start, 1, to);
	put_run(to, run);
	place += strlen(PLACE);
	fwrite(place, page_end - place, 1, to);
	if (ferror(to) | fclose(to)) {
		int error = errno;

		remove(part);
		die("%s could not be written: %s", part, strerror(error));
	}
	if (rename(part, path))
		die("%s: %s", path, strerror(errno));
	free(part);
}
