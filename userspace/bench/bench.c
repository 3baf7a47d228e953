// SPDX-License-Identifier: GPL-2.0
/*
 * What a first touch costs: guest instructions, faults and resident pages for each
 * page touched, tamalloc beside what mmap() offers.
 *
 * Run by "make bench", under QEMU's -icount: there CLOCK_MONOTONIC_RAW advances one
 * nanosecond for each guest instruction, user and kernel, and figures repeat. Where
 * time is only time the table says so and gives no verdict on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

#define SIZE	(32UL << 20)
#define HUGE	(2UL << 20)
#define RUNS	5
#define SPARSE	64	/* one page in so many is touched */

static size_t page;

struct cost {
	double instructions, faults, resident;	/* for each page touched */
};

/* Address space aligned to huge pages, so that THP is at its best. */
static char *map(int flags)
{
	char *area = mmap(NULL, SIZE + HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *start = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));

	if (area == MAP_FAILED)
		return NULL;
	start = mmap(start, SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED | flags,
		     -1, 0);
	return start == MAP_FAILED ? NULL : start;
}

static char *advised(int advice)
{
	char *start = map(0);

	return start && !madvise(start, SIZE, advice) ? start : NULL;
}

static char *get_small(void)
{
	return advised(MADV_NOHUGEPAGE);
}

static char *get_huge(void)
{
	return advised(MADV_HUGEPAGE);
}

static char *get_populated(void)
{
	return map(MAP_POPULATE);
}

static char *get_tamalloc(void)
{
	unsigned long start;

	return syscall(__NR_tamalloc, SIZE, &start) ? NULL : (char *)start;
}

static void write_all(volatile char *p, size_t step)
{
	for (size_t i = 0; i < SIZE; i += step)
		p[i] = 1;
}

static void read_write_all(volatile char *p, size_t step)
{
	for (size_t i = 0; i < SIZE; i += step)
		if (!p[i])
			p[i] = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static size_t resident(char *start)
{
	static unsigned char in_core[SIZE / 4096];
	size_t count = 0;

	if (mincore(start, SIZE, in_core))
		die("mincore");
	for (size_t i = 0; i < SIZE / page; i++)
		count += in_core[i] & 1;
	return count;
}

static int by_instructions(const void *a, const void *b)
{
	double x = ((const struct cost *)a)->instructions;
	double y = ((const struct cost *)b)->instructions;

	return (x > y) - (x < y);
}

/* The median of RUNS fresh mappings. */
static struct cost measure(char *(*get)(void), void (*touch)(volatile char *, size_t),
			   size_t step)
{
	struct cost runs[RUNS];
	size_t touched = SIZE / step;

	for (int i = 0; i < RUNS; i++) {
		char *start;
		int64_t began = now(), ended;
		long before = faults();

		/* Populating is work done at the call; else only touching counts. */
		start = get();
		if (!start)
			die("no memory to measure");
		if (get != get_populated) {
			before = faults();
			began = now();
		}
		touch(start, step);
		ended = now();
		runs[i].faults = (double)(faults() - before) / touched;
		runs[i].instructions = (double)(ended - began) / touched;
		runs[i].resident = (double)resident(start) / touched;
		munmap(start, SIZE);
	}
	qsort(runs, RUNS, sizeof(*runs), by_instructions);
	return runs[RUNS / 2];
}

/* Zeroing alone: what no way of getting memory can do without. */
static double zeroing(void)
{
	char *start = get_populated();
	int64_t best = INT64_MAX;

	if (!start)
		die("no memory to zero");
	for (int i = 0; i < RUNS; i++) {
		int64_t began = now();

		for (size_t j = 0; j < SIZE; j += page) {
			memset(start + j, 0, page);
			/* Page by page, as a fault has it. */
			__asm__ volatile("" : : "r"(start) : "memory");
		}
		began = now() - began;
		if (began < best)
			best = began;
	}
	munmap(start, SIZE);
	return (double)best / (SIZE / page);
}

/* Whether the clock counts instructions: then the same loop takes the same time. */
static bool clock_repeats(void)
{
	int64_t first = 0;

	for (int i = 0; i < RUNS; i++) {
		int64_t began = now();

		for (volatile int j = 0; j < 100000; j++)
			;
		began = now() - began;
		if (i == 1)
			first = began;
		/* The timer interrupt may fall into one and not the other. */
		if (i > 1 && llabs(began - first) > first / 20)
			return false;
	}
	return true;
}

static const struct {
	const char *name;
	char *(*get)(void);
} peers[] = {
	{ "mmap, 4 kB pages", get_small },
	{ "mmap, THP 2 MB", get_huge },
	{ "mmap, MAP_POPULATE", get_populated },
	{ "tamalloc", get_tamalloc },
};

enum { SMALL, THP, POPULATED, TAMALLOC, PEERS };

static void verdict(const char *what, double got, double limit)
{
	printf("%-6s %s: %.3f, target %.2f\n", got <= limit ? "met" : "missed", what, got,
	       limit);
}

int main(void)
{
	struct cost writes[PEERS], rereads[PEERS], sparse[PEERS];
	bool counts = clock_repeats();

	page = sysconf(_SC_PAGESIZE);
	printf("First touch of %lu MB, for each page touched; median of %d.\n",
	       SIZE >> 20, RUNS);
	printf("Unit: %s.\n\n", counts ? "guest instructions" :
	       "nanoseconds (this clock does not count instructions: boot with --icount)");
	printf("                      write           read, then write   1 page in %d written\n",
	       SPARSE);
	printf("                      cost   faults      cost   faults      cost  resident\n");
	for (int i = 0; i < PEERS; i++) {
		writes[i] = measure(peers[i].get, write_all, page);
		rereads[i] = measure(peers[i].get, read_write_all, page);
		sparse[i] = measure(peers[i].get, write_all, SPARSE * page);
		printf("%-20s %6.0f %8.3f    %6.0f %8.3f  %8.0f %9.2f\n", peers[i].name,
		       writes[i].instructions, writes[i].faults,
		       rereads[i].instructions, rereads[i].faults,
		       sparse[i].instructions, sparse[i].resident);
	}
	printf("%-20s %6.0f\n\n", "zeroing alone", zeroing());

	if (counts) {
		verdict("a write costs, of mmap's",
			writes[TAMALLOC].instructions / writes[SMALL].instructions, 1.00);
		verdict("a read then a write cost, of mmap's",
			rereads[TAMALLOC].instructions / rereads[SMALL].instructions, 0.70);
	}
	verdict("faults a page written", writes[TAMALLOC].faults, 1.00);
	verdict("faults a page read, then written", rereads[TAMALLOC].faults, 1.00);
	verdict("resident pages a page touched, 1 in 64", sparse[TAMALLOC].resident, 1.00);
	return 0;
}
