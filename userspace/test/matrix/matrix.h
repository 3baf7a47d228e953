/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The behaviour matrix: what each operation does on each kind of memory.
 *
 * A cell is one operation on one kind, in a process of its own. It says what
 * happened in words that do not change from run to run: counts and names of
 * errors, but no times or addresses. The cells of a row have to agree, unless
 * the row says why they differ.
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

/* Rows leave out the fields they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define PAGES	16
#define SIZE	(PAGES * page)

/* Reasons to differ that several rows share. */
#define READ_POPULATES "a read is a touch and populates the page; plain memory maps the shared zero page"
#define ONE_FAULT "a read populates a writable page: the write takes no second fault"
#define NO_HUGE_PAGE "one page for each touched page: no huge page from a fault or khugepaged"
#define OWN_POLICY "a region does not merge with plain memory, whose fault policy is another"
#define WINDOWS "MADV_HUGEPAGE: a fault fills a group of pages of which more than half were accessed"
#define ADVISED "it already has this advice"
#define MAY_COLLAPSE "khugepaged may collapse what was touched in full"
#define LARGE_FOLIO "a window is a large folio, as with mTHP: "
#define NAMED "a region has a name in maps and the flag tm in smaps"

struct kind {
	const char *name;
	void *(*map)(size_t size);
	bool region;		/* smaps shows the flag of a region */
	bool advised;		/* and that of MADV_HUGEPAGE */
	size_t (*half)(void);	/* what to say at the end, if get() gives half.h's window; or NULL */
};

struct cell {
	const struct kind *kind;
	long arg;		/* the row's */
};

struct row {
	const char *operation;
	void (*run)(const struct cell *cell);
	long arg;
	const char *strict;	/* why strict memory differs from plain, or NULL if it must not */
	const char *refused;	/* the error that the operation has to fail with, or NULL */
	const char *adaptive;	/* why adaptive memory differs from strict, or NULL */
	int since, before;	/* the kernels that have the operation, or 0 */
	bool (*needs)(void);	/* whether the kernel and the CPU have it, or NULL */
};
#define LINUX(major, minor) ((major) * 1000 + (minor))

struct subject {
	const char *name;
	const struct row *rows;	/* ends with an empty one */
	bool when_named;	/* runs only if named: it needs a fresh boot */
};

extern const struct row touch_rows[], neighbour_rows[], protect_rows[], unmap_rows[],
	mremap_rows[], fork_rows[], lock_rows[], advice_rows[], proc_rows[], limit_rows[],
	access_rows[], device_rows[], track_rows[], uffd_rows[], seal_rows[], numa_rows[],
	ksm_rows[], swap_rows[], memcg_rows[], memcg1_rows[], thp_rows[], reclaim_rows[],
	poison_rows[], dump_rows[], reaper_rows[], zero_rows[];

/* Memory of the cell's kind, aligned for huge pages. */
char *get(const struct cell *cell, size_t size);
/* SIZE of it, with as much free address space on either side. */
char *in_the_middle(const struct cell *cell);

/* Add words to the result, after a comma. The cell's children may do so, too. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "WHAT: ok", or the error's name instead of ok; without WHAT if it is NULL. True if ok. */
bool say_outcome(const char *what, long ret);
/* How many pages are resident and swapped, and whether they hold what fill() wrote. */
void say_pages(const char *p, size_t pages);
/* Whether the mapping at @p is still of the cell's kind. */
void say_kind(const struct cell *cell, const char *p);

/* Page i gets the number i + 1, at its start and at its end. */
void fill(char *p, size_t pages);
/* "contents kept", "all zero", or counts. Reads populated pages only. */
const char *contents(const char *p, size_t pages);
/* Read ('r') or write ('w') a byte: "ok", or the signal and its code. */
const char *touch(char *p, char how);
/* Touch each page of a range in turn. */
void read_all(const char *p, size_t pages);
void write_all(char *p, size_t pages);

/* A field of smaps in kB, summed over the mappings in the range. */
long smaps(const char *p, size_t pages, const char *field);
/* The same in pages: "Rss", "Swap" ... */
long usage(const char *p, size_t pages, const char *field);
size_t swapped(const char *p, size_t pages);
/* VmFlags, without those that the cell's kind starts with. */
const char *flags_of(const struct cell *cell, const char *p);
/* Wait until @path's number has grown by @more; the cell fails after a while. */
void wait_for_growth(const char *path, long more);
/* Put the pages that this CPU has batched on the LRU lists. */
void drain_lru(void);

#endif /* MATRIX_H */
