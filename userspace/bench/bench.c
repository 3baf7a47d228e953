// SPDX-License-Identifier: GPL-2.0
/*
 * What a first touch costs: guest instructions a page when the guest runs under
 * QEMU's -icount shift=0, where the clock advances 1 ns for each; else time.
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
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

#define SIZE	(32UL << 20)
#define RUNS	5
#define SPARSE	64		/* touch one page in so many */

#define MAX_WRITE	1.00	/* targets: times what mmap's 4 KiB pages cost */
#define MAX_READ_WRITE	0.70

enum touch { WRITE, READ_WRITE, TOUCHES };

struct way {
	const char *name;
	int flags, advice;	/* for mmap() and madvise(); -1: use tamalloc() */
};

struct figures {
	double cost[TOUCHES], faults[TOUCHES], resident;
};

static size_t page;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static char *get(const struct way *way)
{
	void *p;

	if (way->flags < 0) {
		if (syscall(__NR_tamalloc, SIZE, &p))
			die("tamalloc");
		return p;
	}
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | way->flags, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	if (way->advice && madvise(p, SIZE, way->advice))
		die("madvise");
	return p;
}

/* Getting the memory and touching all of it, in order: cost and faults a page. */
static void run(const struct way *way, enum touch touch, double *cost, double *taken)
{
	size_t pages = SIZE / page;
	long before = faults();
	uint64_t start = now(), end;
	volatile char *p = get(way);

	for (size_t i = 0; i < pages; i++) {
		if (touch == READ_WRITE)
			(void)p[i * page];
		p[i * page] = 1;
	}
	end = now();
	*cost = (double)(end - start) / pages;
	*taken = (double)(faults() - before) / pages;
	munmap((void *)p, SIZE);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, RUNS, sizeof(*values), by_value);
	return values[RUNS / 2];
}

/* Pages resident for each page touched, where one page in SPARSE is. */
static double overshoot(const struct way *way)
{
	size_t pages = SIZE / page, count = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	volatile char *p = get(way);
	uint64_t entry;

	if (fd < 0)
		die("/proc/self/pagemap");
	for (size_t i = 0; i < pages; i += SPARSE)
		p[i * page] = 1;
	for (size_t i = 0; i < pages; i++) {
		if (pread(fd, &entry, 8, ((uintptr_t)p / page + i) * 8) != 8)
			die("/proc/self/pagemap");
		count += entry >> 62 != 0;
	}
	close(fd);
	munmap((void *)p, SIZE);
	return (double)count / (pages / SPARSE);
}

static struct figures measure(const struct way *way)
{
	double cost[RUNS], taken[RUNS];
	struct figures result;

	for (int touch = 0; touch < TOUCHES; touch++) {
		for (int i = 0; i < RUNS; i++)
			run(way, touch, &cost[i], &taken[i]);
		result.cost[touch] = median(cost);
		result.faults[touch] = median(taken);
	}
	result.resident = overshoot(way);
	return result;
}

/*
 * A loop of two instructions takes 2 ns a turn, and the same each time, only
 * where the clock counts instructions; the interrupts in between are few.
 */
static bool counts_instructions(void)
{
	const long turns = 1000000;

	for (int i = 0; i < 3; i++) {
		uint64_t start = now();
		double each;

		for (long n = turns; n; n--)
			asm volatile("");
		each = (double)(now() - start) / turns;
		if (each < 1.98 || each > 2.10)
			return false;
	}
	return true;
}

static void print(const char *name, const struct figures *f)
{
	printf("  %-16s %8.0f %10.0f   | %8.3f %10.3f   | %8.2f\n", name,
	       f->cost[WRITE], f->cost[READ_WRITE], f->faults[WRITE],
	       f->faults[READ_WRITE], f->resident);
}

static void verdict(bool met, const char *what, double got, const char *target)
{
	printf("%-7s %s: %.3f (target %s)\n", met ? "met" : "missed", what, got, target);
}

static void judge(const struct figures *mmapped, const struct figures *strict, bool exact)
{
	double write = strict->cost[WRITE] / mmapped->cost[WRITE];
	double both = strict->cost[READ_WRITE] / mmapped->cost[READ_WRITE];
	/* The call itself may fault in what is not the region: one page of 8192. */
	bool one = strict->faults[WRITE] < 1.001 && strict->faults[READ_WRITE] < 1.001;

	printf("\n");
	if (exact) {
		verdict(write <= MAX_WRITE, "strict write, times mmap", write, "<= 1.00");
		verdict(both <= MAX_READ_WRITE, "strict read then write, times mmap", both,
			"<= 0.70");
	} else {
		printf("unknown strict write %.3f, read then write %.3f times mmap:"
		       " time is no measure of it\n", write, both);
	}
	verdict(one, "faults a page", strict->faults[READ_WRITE], "1");
}

static bool thp_is_off(void)
{
	char text[64] = "";
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return len <= 0 || strstr(text, "[never]");
}

int main(void)
{
	const struct way mmapped = { "mmap, 4 KiB", 0, MADV_NOHUGEPAGE };
	const struct way huge = { "mmap, THP", 0, MADV_HUGEPAGE };
	const struct way populated = { "MAP_POPULATE", MAP_POPULATE, 0 };
	const struct way strict = { "tamalloc", -1, 0 };
	struct figures base, other, ours;
	bool exact;

	page = sysconf(_SC_PAGESIZE);
	if (syscall(__NR_tamalloc, 0, NULL) && errno == ENOSYS) {
		fprintf(stderr, "bench: this kernel has no tamalloc (ENOSYS);"
			" `make bench` boots one that has\n");
		return EXIT_FAILURE;
	}
	exact = counts_instructions();
	printf("First touch of %lu MiB, page by page; median of %d.\n%s\n\n", SIZE >> 20,
	       RUNS, exact ? "Cost is guest instructions a page, kernel and program." :
	       "Cost is ns a page: this clock does not count instructions"
	       " (boot with --icount), so it varies.");
	printf("  %-16s %8s %10s   | %8s %10s   | %s\n", "", "cost", "", "faults", "",
	       "resident/touched");
	printf("  %-16s %8s %10s   | %8s %10s   | %8s\n", "", "write", "read+write",
	       "write", "read+write", "1 in 64");
	base = measure(&mmapped);
	print(mmapped.name, &base);
	if (thp_is_off()) {
		printf("  %-16s (transparent huge pages are off)\n", huge.name);
	} else {
		other = measure(&huge);
		print(huge.name, &other);
	}
	other = measure(&populated);
	print(populated.name, &other);
	ours = measure(&strict);
	print(strict.name, &ours);
	judge(&base, &ours, exact);
	return EXIT_SUCCESS;
}
