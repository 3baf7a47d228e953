/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What memory costs: each kind of it, under each access pattern, measured in a
 * process of its own, all in one boot.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MIB		(1UL << 20)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

extern size_t page;	/* bytes in a page */

/* Report what failed, with errno, and exit. */
void die(const char *what) __attribute__((noreturn));

/* kinds.c: the kinds of memory to compare. */

enum source { FLOOR, MMAP, CALLOC, TAMALLOC };

struct kind {
	const char *id;		/* in JSON */
	const char *name;	/* in the tables, 9 letters at most */
	enum source source;
	int flags, advice;	/* extra flags for mmap(); advice for madvise() if not 0 */
	int folio_kb;		/* the folio that a fault may allocate; 0: 4 kB */
};

#define THP_DIR	"/sys/kernel/mm/transparent_hugepage/"

/* The order of the columns in the tables. */
enum { ZEROING, PLAIN, MTHP16, MTHP64, MTHP1024, THP, POPULATED, CALLOCED, STRICT, ADAPTIVE, KINDS };
extern const struct kind kinds[KINDS];

struct area {
	char *start;		/* page-aligned */
	size_t bytes;
	void *origin;		/* what put_area() has to free */
};

/* Why this kernel has no memory of that kind, or NULL. */
const char *kind_missing(const struct kind *kind);
/* The system's huge page settings: each kind has its own. */
void save_settings(void);
void apply_settings(const struct kind *kind);
void restore_settings(void);
void write_file(const char *path, const char *text);

/* Exits if it fails: the figures would mean nothing. */
struct area get_area(const struct kind *kind, size_t bytes);
void put_area(const struct kind *kind, const struct area *area);

/* cases.c: the access patterns. */

/* What one run took. Costs are in the clock's unit, see counts_instructions(). */
struct sample {
	double cost, release;	/* to map and touch the memory; to unmap it */
	long faults;
	size_t touched;		/* distinct pages, or calls if nothing is touched */
	size_t resident;	/* pages at the end, only with @look */
	size_t huge;		/* of those, in huge pages that a PMD maps */
};

struct pattern;

struct bench_case {
	const char *id, *name;	/* in JSON, and in the tables */
	const char *about;
	bool brief;		/* also in the short tables */
	bool has_floor;		/* zeroing alone can be measured by it */
	bool untouched;		/* counts calls, not pages */
	bool filled;		/* resident is what the touches filled, dropped since or not */
	bool judged;		/* a target needs it */
	unsigned int kinds;	/* a bit for each that it is for; 0: all */
	double density;		/* fraction of the pages touched, for a point of a curve */
	/* One run. @look counts the resident pages too, which takes time itself. */
	void (*run)(const struct bench_case *c, const struct kind *kind, struct sample *s,
		    bool look);
	const struct pattern *pattern;
	size_t bytes;		/* reserved */
};

#define MAX_CASES	96
extern const struct bench_case cases[];
extern const int case_count;
const struct bench_case *find_case(const char *id);

/* measure.c: the clock, the counters, and the number of runs. */

/* The clock: instructions under -icount shift=0, else nanoseconds. */
uint64_t now(void);
bool counts_instructions(void);
/* Exact: faults this process has taken. */
long faults(void);
/* Exact: pages present in the range, without the shared zero pages; those in huge pages. */
size_t resident(const char *start, size_t bytes);
size_t in_huge_pages(const char *start, size_t bytes);

/* Sorts the values; @spread is half the interquartile range, relative to the median. */
double median(double *values, int count, double *spread);

struct figures {
	bool valid;
	double cost, release;	/* per touched page, the median */
	double spread;		/* of cost, see median() */
	double faults, resident, huge;	/* per touched page */
	size_t touched;		/* pages */
	int runs;
};

extern int min_runs;

/* Runs the case in a child until the median is stable. */
void measure(const struct bench_case *c, const struct kind *kind, struct figures *result);

/* threads.c: one array, initialised by 1, 2 and 4 threads. */

#define MAX_THREADS_LOG	2	/* 1, 2, 4 */

struct scaling {
	const struct kind *kind;
	double ns[MAX_THREADS_LOG + 1], spread[MAX_THREADS_LOG + 1];
	double ratio[MAX_THREADS_LOG + 1];	/* speedup over 1 thread */
	double ratio_spread[MAX_THREADS_LOG + 1];
	/* Speedup of 2 threads relative to plain memory's in the same round, and its error. */
	double beside, beside_error;
	int rounds;
};

enum { SCALED_KINDS = 4 };

/* With up to as many threads as there are CPUs, 4 at most. Returns the steps measured. */
int measure_threads(struct scaling result[SCALED_KINDS]);

/* report.c: tables and verdicts. */

struct verdict {
	char what[80], target[32], note[80];
	double got;
	enum { MET, MISSED, UNKNOWN } is;
};

/* Of each case on each kind; what was not measured is not valid. */
extern struct figures (*figures)[KINDS];

void print_tables(FILE *out, bool brief, bool exact);
void print_threads(FILE *out, const struct scaling *s, int steps);
int judge(struct verdict *v, int max, bool exact);
int judge_threads(struct verdict *v, int max, const struct scaling *s, int steps);
void print_verdicts(FILE *out, const struct verdict *v, int count);

/* json.c: the same as JSON, one figure a line. */
void json_figures(FILE *out, const struct verdict *v, int count, bool exact);
void json_threads(FILE *out, const struct scaling *s, int steps, const struct verdict *v,
		  int count);

#endif /* BENCH_H */
