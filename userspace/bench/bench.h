/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What memory costs: each way to get it, under each pattern of access, is
 * measured in a process of its own, all in one boot.
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

/* Say what failed, with errno, and exit. */
void die(const char *what) __attribute__((noreturn));

/* ways.c: the kinds of memory that are compared. */

enum source { FLOOR, MMAP, CALLOC, TAMALLOC };

struct way {
	const char *id;		/* in JSON */
	const char *name;	/* in the tables, 9 letters at most */
	enum source source;
	int flags, advice;	/* more for mmap(), and for madvise() if not 0 */
	int folio_kb;		/* the folio that a fault may allocate; 0: 4 kB */
};

/* In the order of the tables' columns. */
enum { ZEROING, PLAIN, MTHP16, MTHP64, MTHP1024, THP, POPULATED, CALLOCED, STRICT, ADAPTIVE, WAYS };
extern const struct way ways[WAYS];

struct area {
	char *start;		/* page-aligned */
	size_t bytes;
	void *origin;		/* what put_area() gives back */
};

/* Why this kernel cannot give memory that way, or NULL. */
const char *way_missing(const struct way *way);
/* Sets the system's huge pages as @way wants them; end_ways() restores them. */
void begin_way(const struct way *way);
void begin_ways(void);
void end_ways(void);

/* Exits if there is no memory: the figures would mean nothing. */
struct area get_area(const struct way *way, size_t bytes);
void put_area(const struct way *way, const struct area *area);

/* cases.c: what is done with the memory. */

/* What one run took. Costs are in units of the clock, see counts_instructions(). */
struct sample {
	double cost, release;	/* to get and touch the memory; to give it back */
	long faults;
	size_t touched;		/* different pages; or calls, if none is touched */
	size_t resident;	/* pages at the end, only where @look was set */
};

struct pattern;

struct bench_case {
	const char *id, *name;	/* in JSON, and in the tables */
	const char *about;
	bool brief;		/* also in the short tables */
	bool has_floor;		/* zeroing alone can be measured by it */
	bool untouched;		/* what is counted are calls, not pages */
	double density;		/* part of the pages that is touched, on a curve's points */
	/* Once; @look: count the resident pages too, which costs time itself. */
	void (*run)(const struct bench_case *c, const struct way *way, struct sample *s,
		    bool look);
	const struct pattern *pattern;
	size_t bytes;		/* reserved */
};

#define MAX_CASES	64
extern const struct bench_case cases[];
extern const int case_count;
const struct bench_case *find_case(const char *id);

/* measure.c: the clock, the counters, and how often. */

/* The clock: instructions under -icount shift=0, else nanoseconds. */
uint64_t now(void);
bool counts_instructions(void);
/* Exact: faults that this process has taken. */
long faults(void);
/* Exact: pages present in the range, but for the shared zero pages. */
size_t resident(const char *start, size_t bytes);

/* Sorts the values; @spread is half the distance of the quartiles, relative. */
double median(double *values, int count, double *spread);

struct figures {
	bool valid;
	double cost, release;	/* for each touched page, the median */
	double spread;		/* of cost: half of the quartiles' distance, relative */
	double faults, resident;	/* for each touched page */
	size_t touched;		/* pages */
	int runs;
};

extern int min_runs;

/* In a forked child, until the median is stable. */
void measure(const struct bench_case *c, const struct way *way, struct figures *result);

/* threads.c: one array, initialised by 1, 2 and 4 threads. */

#define MAX_THREADS_LOG	2	/* 1, 2, 4 */

struct scaling {
	const struct way *way;
	double ns[MAX_THREADS_LOG + 1], spread[MAX_THREADS_LOG + 1];
	double ratio[MAX_THREADS_LOG + 1];	/* how much faster than 1 thread */
	double ratio_spread[MAX_THREADS_LOG + 1];
	/* By 2 threads, times mmap's of the same round; by how much this may be wrong. */
	double beside, beside_error;
	int rounds;
};

enum { SCALED_WAYS = 4 };

/* With as many threads as there are CPUs, 4 at most; returns the steps measured. */
int measure_threads(struct scaling result[SCALED_WAYS]);

/* report.c: tables and verdicts. */

struct verdict {
	char what[80], target[32], note[80];
	double got;
	enum { MET, MISSED, UNKNOWN } is;
};

/* Of each case on each way; figures that are not valid were not measured. */
extern struct figures (*figures)[WAYS];

void print_tables(FILE *out, bool brief, bool exact);
void print_threads(FILE *out, const struct scaling *s, int steps);
int judge(struct verdict *v, int max, bool exact);
int judge_threads(struct verdict *v, int max, const struct scaling *s, int steps);
void print_verdicts(FILE *out, const struct verdict *v, int count);

/* json.c: the same for programs; one figure a line. */
void json_figures(FILE *out, const struct verdict *v, int count, bool exact);
void json_threads(FILE *out, const struct scaling *s, int steps, const struct verdict *v,
		  int count);

#endif /* BENCH_H */
