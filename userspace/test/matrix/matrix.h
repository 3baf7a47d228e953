/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The behaviour matrix: one operation after the other, on each kind of memory.
 *
 * A cell is one operation on one kind, in a process of its own. It says what
 * happened in words that are the same each time: counts, names of errors, never
 * a time or an address. The cells of a row must say the same, unless the row
 * says why not.
 */
#ifndef MATRIX_H
#define MATRIX_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "process.h"
#include "settings.h"
#include "tap.h"
#include "uapi.h"

/* A row leaves out what it does not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define PAGES	16
#define SIZE	(PAGES * page)

/* The reasons that several rows have to differ. */
#define READ_ALLOCATES "a read is a touch: it brings a page, where plain memory maps the shared zero page"
#define ONE_FAULT "the page that a read brings is writable: no second fault"
#define NO_HUGE_PAGE "one page for each page touched: no huge page at a fault or by khugepaged"
#define OWN_POLICY "a region keeps to itself: were it to merge with plain memory, one policy would rule both"
#define WINDOWS "MADV_HUGEPAGE: a fault fills a window of as many pages as were accessed right before it"
#define ADVISED "it has the advice already"
#define LARGE_FOLIO "a window is a large folio, as mTHP's are: "
#define NAMED "a region is told from plain memory by its name and its flag tm"

struct kind {
	const char *name;
	void *(*map)(size_t size);
	bool region;		/* whether smaps shows the flag of a region */
	bool advised;		/* and that of MADV_HUGEPAGE */
};

struct cell {
	const struct kind *kind;
	long arg;		/* the row's */
};

struct row {
	const char *operation;
	void (*run)(const struct cell *cell);
	long arg;
	const char *intended;	/* why tamalloc differs from mmap, or NULL if it must not */
	const char *refused;	/* the error that the operation must give, or NULL */
	const char *adaptive;	/* why a region with MADV_HUGEPAGE differs from one without */
};

struct subject {
	const char *name;
	const struct row *rows;	/* ends with an empty one */
	bool when_named;	/* not with the others: it needs a fresh boot */
};

extern const struct row touch_rows[], neighbour_rows[], protect_rows[], unmap_rows[],
	mremap_rows[], fork_rows[], lock_rows[], advice_rows[], proc_rows[], limit_rows[],
	access_rows[], device_rows[], track_rows[], uffd_rows[], seal_rows[], numa_rows[],
	ksm_rows[], swap_rows[], memcg_rows[], memcg1_rows[], thp_rows[], reclaim_rows[],
	poison_rows[], dump_rows[], reaper_rows[], zero_rows[];

/* Memory of the cell's kind, placed where huge pages fit. */
char *get(const struct cell *cell, size_t size);

/* Add words to the result, after a comma. Children of the cell may do so too. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "WHAT: ok" or the error's name; without a WHAT, that alone. True if it is ok. */
bool say_outcome(const char *what, long ret);
/* Pages resident, swapped, and whether they hold what fill() wrote. */
void say_pages(const char *p, size_t pages);
/* Whether the mapping at @p still is of the cell's kind. */
void say_kind(const struct cell *cell, const char *p);

/* Page i holds i + 1, at its start and at its end. */
void fill(char *p, size_t pages);
/* "kept", "zero", or how many are which; only pages that are there are read. */
const char *contents(const char *p, size_t pages);
/* Access a byte as @how says, 'r' or 'w': "ok", or the signal and its code. */
const char *touch(char *p, char how);
/* Each page of a range is touched in turn. */
void read_all(const char *p, size_t pages);
void write_all(char *p, size_t pages);

/* This field of smaps, added up for the mappings in the range. */
long smaps(const char *p, size_t pages, const char *field);
/* The same in pages: "Rss", "Swap" ... */
long usage(const char *p, size_t pages, const char *field);
size_t swapped(const char *p, size_t pages);
/* The letters of VmFlags, without those that the cell's kind has from the start. */
const char *flags_of(const struct cell *cell, const char *p);
/* Until @path's number has grown by @more; the cell fails after a while. */
void wait_for_growth(const char *path, long more);
/* Pages of this CPU that wait to be on the LRU lists are put there. */
void drain_lru(void);

#endif /* MATRIX_H */
