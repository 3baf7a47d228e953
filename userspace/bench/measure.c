// SPDX-License-Identifier: GPL-2.0
/* The clock, the counters, and the number of runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_RUNS	25
#define STABLE		0.002	/* stop at this spread */

#define PRESENT		(1ULL << 63)
#define PFN_MASK	((1ULL << 55) - 1)
#define ZERO_PAGE	(1ULL << 24)	/* KPF_ZERO_PAGE */

int min_runs = 5;

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/*
 * Only where the clock counts instructions does a loop of two instructions take
 * 2 ns per turn, every time. A few interrupts are allowed for.
 */
bool counts_instructions(void)
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

long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* The shared zero pages, small and huge, are present but not in RSS. */
static bool is_zero_page(uint64_t entry)
{
	static int fd = -1;
	uint64_t flags = 0;

	if (fd < 0)
		fd = open("/proc/kpageflags", O_RDONLY);
	if (fd < 0 || pread(fd, &flags, 8, (entry & PFN_MASK) * 8) != 8)
		die("/proc/kpageflags");
	return flags & ZERO_PAGE;
}

size_t resident(const char *start, size_t bytes)
{
	off_t first = (uintptr_t)start / page;
	size_t pages = bytes / page, count = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry[512];

	if (fd < 0)
		die("/proc/self/pagemap");
	for (size_t done = 0, n; done < pages; done += n) {
		n = pages - done < ARRAY_SIZE(entry) ? pages - done : ARRAY_SIZE(entry);
		if (pread(fd, entry, n * 8, (first + done) * 8) != (ssize_t)n * 8)
			die("/proc/self/pagemap");
		for (size_t i = 0; i < n; i++)
			count += (entry[i] & PRESENT) && !is_zero_page(entry[i]);
	}
	close(fd);
	return count;
}

size_t in_huge_pages(const char *start, size_t bytes)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	size_t kb, sum = 0;
	char line[512];
	bool inside = false;

	if (!smaps)
		die("/proc/self/smaps");
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from < (uintptr_t)start + bytes && to > (uintptr_t)start;
		else if (inside && sscanf(line, "AnonHugePages: %zu kB", &kb) == 1)
			sum += kb * 1024 / page;
	}
	fclose(smaps);
	return sum;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, int count, double *spread)
{
	double middle;

	qsort(values, count, sizeof(*values), by_value);
	middle = count % 2 ? values[count / 2] :
		 (values[count / 2 - 1] + values[count / 2]) / 2;
	*spread = middle ? (values[count - 1 - count / 4] - values[count / 4]) / 2 / middle : 0;
	return middle;
}

static void measure_here(const struct bench_case *c, const struct kind *kind,
			 struct figures *result)
{
	double cost[MAX_RUNS], release[MAX_RUNS], taken[MAX_RUNS], sorted[MAX_RUNS], ignored;
	struct sample s = { 0 };
	int n = 0;

	/* The first run warms up and does the counting that would disturb the others. */
	c->run(c, kind, &s, true);
	result->touched = s.touched;
	result->resident = (double)s.resident / s.touched;
	result->huge = (double)s.huge / s.touched;
	do {
		memset(&s, 0, sizeof(s));
		c->run(c, kind, &s, false);
		cost[n] = s.cost / result->touched;
		release[n] = s.release / result->touched;
		taken[n++] = (double)s.faults / result->touched;
		memcpy(sorted, cost, sizeof(*cost) * n);
		result->cost = median(sorted, n, &result->spread);
	} while (n < min_runs || (result->spread > STABLE && n < MAX_RUNS));
	result->release = median(release, n, &ignored);
	result->faults = median(taken, n, &ignored);
	result->runs = n;
	result->valid = true;
}

/* In a child, so that no case runs on the heap that another has left. */
void measure(const struct bench_case *c, const struct kind *kind, struct figures *result)
{
	static struct figures *shared;
	int status;
	pid_t pid;

	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	memset(shared, 0, sizeof(*shared));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		measure_here(c, kind, shared);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	if (status)
		fprintf(stderr, "bench: no figures for %s on %s: wait status %#x\n", c->name,
			kind->name, status);
	*result = *shared;
}
