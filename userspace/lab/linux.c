// SPDX-License-Identifier: GPL-2.0
/*
 * linux TRACE SCALE FRAMES FLUSH: in the guest, access a trace's pages in a memory cgroup whose
 * limit is FRAMES * SCALE pages, each page of the string as SCALE real ones, on tamalloc memory.
 *
 * Prints, in pages of the string: the limit, the mean and the largest number resident by
 * /proc/self/pagemap, and the faults, first loads included. FLUSH: after so many references all
 * translations are flushed from the TLB, so that the next use of a page sets its reference bit;
 * 0: never.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tamalloc_syscall.h>

#include "trace.h"

#define CGROUP	"/sys/fs/cgroup/lab"
#define PAGE	4096UL
#define SAMPLES	200
/* More than the kernel flushes one by one (tlb_single_page_flush_ceiling, 33). */
#define MANY	64

static void fail(const char *what)
{
	fprintf(stderr, "linux: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(const char *file, const char *format, unsigned long value)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, format, value) < 0)
		fail(file);
	close(fd);
}

static void *map(size_t size, int fd)
{
	void *memory = mmap(NULL, size, fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ,
			    MAP_SHARED | MAP_POPULATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	return memory;
}

static uint64_t number(const unsigned char **at)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		unsigned char byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
}

/* The next reference, index << 2 | kind, or TRACE_END. */
static uint64_t next(const unsigned char **at, uint64_t *pages)
{
	uint64_t value = number(at);

	if (value != TRACE_END && value >> 2 == *pages) {
		++*pages;
		number(at);
	}
	return value;
}

static unsigned long resident(int pagemap, const char *memory, unsigned long pages, uint64_t *entries)
{
	unsigned long count = 0;

	if (pread(pagemap, entries, pages * 8, (uintptr_t)memory / PAGE * 8) != (ssize_t)(pages * 8))
		fail("/proc/self/pagemap");
	for (unsigned long i = 0; i < pages; i++)
		count += entries[i] >> 63;
	return count;
}

int main(int argc, char **argv)
{
	unsigned long scale, frames, flush, address, now, most = 0, samples = 0;
	uint64_t pages = 0, length = 0, t = 0, reference, *entries;
	const unsigned char *start, *at;
	double sum = 0;
	struct rusage before, after;
	struct stat st;
	char *flushed;
	volatile char *memory;
	int fd, pagemap;

	if (argc != 5)
		return fputs("usage: linux TRACE SCALE FRAMES FLUSH\n", stderr), 125;
	scale = strtoul(argv[2], NULL, 10);
	frames = strtoul(argv[3], NULL, 10);
	flush = strtoul(argv[4], NULL, 10);
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		fail(argv[1]);

	/* All that is no page of the string is there, and charged elsewhere, before the limit is. */
	start = (const unsigned char *)map(st.st_size, fd) + sizeof(TRACE_MAGIC "\n") - 1;
	for (at = start; next(&at, &pages) != TRACE_END; length++)
		;
	entries = map(pages * scale * 8, -1);
	flushed = map(MANY * PAGE, -1);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (syscall(__NR_tamalloc, pages * scale * PAGE, &address))
		fail("tamalloc");
	memory = (char *)address;
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		fail(CGROUP);
	set(CGROUP "/memory.max", "%lu", frames * scale * PAGE);
	set(CGROUP "/cgroup.procs", "%lu", getpid());
	set("/proc/self/oom_score_adj", "-%lu", 1000);	/* reclaim is to go on, not to give up */

	getrusage(RUSAGE_SELF, &before);
	pages = 0;
	for (at = start; (reference = next(&at, &pages)) != TRACE_END; t++) {
		volatile char *page = memory + (reference >> 2) * scale * PAGE;

		for (unsigned long i = 0; i < scale; i++, page += PAGE) {
			if ((reference & 3) == WRITE)
				*page = reference >> 2;
			else
				(void)*page;
		}
		if (flush && t % flush == 0) {
			mprotect(flushed, MANY * PAGE, PROT_READ);
			mprotect(flushed, MANY * PAGE, PROT_READ | PROT_WRITE);
			memset(flushed, 0, MANY * PAGE);	/* mapped, or there is nothing to flush */
		}
		if (t % (length / SAMPLES + 1) == length / SAMPLES) {
			now = resident(pagemap, (char *)address, pages * scale, entries);
			sum += now;
			samples++;
			most = now > most ? now : most;
		}
	}
	getrusage(RUSAGE_SELF, &after);
	printf("%lu %.0f %lu %lu\n", frames, sum / (samples ? samples : 1) / scale, (most + scale - 1) / scale,
	       (pages * scale + after.ru_majflt - before.ru_majflt) / scale);
	return 0;
}
