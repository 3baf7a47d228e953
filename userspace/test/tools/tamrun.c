// SPDX-License-Identifier: GPL-2.0
/*
 * Run by tamrun: the whole malloc family gives memory of tamalloc's, and malloc's
 * promises hold. ADAPTIVE=1 in the environment says that it was run with --adaptive.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tap.h"

#define MIB (1UL << 20)
#define MAX_SIZE (16 * MIB)

static size_t page;

static const char *obstacle(void)
{
	page = sysconf(_SC_PAGESIZE);
	return NULL;
}

/* The VmFlags of the mapping that @p is in, if that is one of tamalloc's, else NULL. */
static const char *region_flags(const void *p)
{
	static char flags[200];
	char line[300];
	unsigned long start, end;
	int inside = 0;
	FILE *file = fopen("/proc/self/smaps", "re");

	CHECK(file);
	flags[0] = 0;
	while (!flags[0] && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)p >= start && (uintptr_t)p < end &&
				 strstr(line, "[anon:tamalloc]");
		if (inside && !strncmp(line, "VmFlags:", 8))
			strcpy(flags, line + 8);
	}
	fclose(file);
	return flags[0] ? flags : NULL;
}

static size_t resident(char *p, size_t size)
{
	static unsigned char map[MAX_SIZE / 4096 + 1];
	char *start = (char *)((uintptr_t)p & -page);
	size_t count = 0, pages = (p + size - start + page - 1) / page;

	CHECK(!mincore(start, pages * page, map));
	for (size_t i = 0; i < pages; i++)
		count += map[i] & 1;
	return count;
}

/* What one thread has got. The maps are looked at when no other thread changes them. */
struct list {
	int count;
	struct {
		void *p;
		size_t size;
		const char *by;
	} got[300];
};

static void add(struct list *list, void *p, size_t size, const char *by)
{
	if (!p || malloc_usable_size(p) < size)
		tap_fail(__FILE__, __LINE__, "%s of %zu bytes is %p", by, size, p);
	list->got[list->count].p = p;
	list->got[list->count].size = size;
	list->got[list->count++].by = by;
}

static void *all_sizes(void *arg)
{
	struct list *list = arg;

	for (size_t size = 1; size <= MAX_SIZE; size *= 2) {
		void *p;

		add(list, malloc(size), size, "malloc");
		add(list, calloc(1, size + 1), size + 1, "calloc");
		add(list, realloc(malloc(size), 2 * size), 2 * size, "realloc");
		add(list, aligned_alloc(64, size), size, "aligned_alloc");
		add(list, memalign(2 * MIB, size), size, "memalign");
		add(list, valloc(size), size, "valloc");
		add(list, pvalloc(size), size, "pvalloc");
		add(list, reallocarray(NULL, 2, size), 2 * size, "reallocarray");
		CHECK(!posix_memalign(&p, 16 * page, size) && !((uintptr_t)p % (16 * page)));
		add(list, p, size, "posix_memalign");
	}
	return NULL;
}

static void check(const struct list *list)
{
	CHECK(list->count > 100);
	for (int i = 0; i < list->count; i++)
		if (!region_flags(list->got[i].p))
			tap_fail(__FILE__, __LINE__, "%s of %zu bytes is not tamalloc's",
				 list->got[i].by, list->got[i].size);
}

static void in_main(void)
{
	static struct list list;

	all_sizes(&list);
	check(&list);
}

static void in_threads(void)
{
	static struct list lists[9];
	pthread_t ids[9];

	for (int i = 0; i < 9; i++)
		CHECK(!pthread_create(&ids[i], NULL, all_sizes, &lists[i]));
	for (int i = 0; i < 9; i++)
		CHECK(!pthread_join(ids[i], NULL));
	for (int i = 0; i < 9; i++)
		check(&lists[i]);
}

static void in_child(void *arg)
{
	(void)arg;
	in_threads();
}

static void after_fork(void)
{
	in_main();
	CHECK_EQ(child(in_child, NULL), 0);
}

static void calloc_untouched(void)
{
	char *p = calloc(1, MAX_SIZE);

	CHECK(p && resident(p, MAX_SIZE) <= 1);
	p[MAX_SIZE / 2] = 1;
	CHECK(resident(p, MAX_SIZE) <= 2);
	CHECK_EQ(p[MAX_SIZE / 3], 0);
}

/* Also of what was in use before, which jemalloc would write zeroes to. */
static void calloc_reused_untouched(void)
{
	for (size_t size = MIB / 4; size <= MAX_SIZE; size *= 2) {
		char *p = malloc(size);

		memset(p, 1, size);
		free(p);
		p = calloc(1, size);
		CHECK(p && resident(p, size) <= 1);
		for (size_t i = 0; i < size; i += page)
			CHECK_EQ(p[i], 0);
		free(p);
	}
}

/* Below RLIMIT_AS, which counts it: what was reserved before main(). */
static void little_at_start(void)
{
	long kb = 0;
	char line[300];
	FILE *file = fopen("/proc/self/smaps", "re");
	int inside = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = !!strstr(line, "[anon:tamalloc]");
		if (inside && !strncmp(line, "Size:", 5))
			kb += atol(line + 5);
	}
	fclose(file);
	tap_note("%ld kB reserved", kb);
	CHECK(kb > 0 && kb <= 24 * 1024);
}

/* At once, if it is large; the addresses stay reserved. */
static void goes_back(void)
{
	char *p = malloc(MAX_SIZE);

	memset(p, 1, MAX_SIZE);
	CHECK(resident(p, MAX_SIZE) >= MAX_SIZE / page);
	free(p);
	CHECK(resident(p, MAX_SIZE) <= 1);
}

static void zeroed_again(void)
{
	for (int round = 0; round < 50; round++) {
		for (size_t size = 100; size < 4 * MIB; size *= 3) {
			char *p = calloc(1, size);

			CHECK(p);
			for (size_t i = 0; i < size; i++)
				if (p[i])
					tap_fail(__FILE__, __LINE__, "byte %zu of %zu is set", i, size);
			memset(p, 0xff, size);
			free(p);
		}
	}
}

static void realloc_keeps(void)
{
	size_t size = 1;
	unsigned char *p = malloc(size);

	p[0] = 0;
	while (size < 16 * MIB) {
		p = realloc(p, 3 * size);
		CHECK(p);
		for (size_t i = 0; i < size; i++)
			CHECK(p[i] == (unsigned char)(i * 7));
		size *= 3;
		for (size_t i = 0; i < size; i++)
			p[i] = i * 7;
	}
}

static void no_memory(void)
{
	struct rlimit limit = { 1024 * MIB, 1024 * MIB };
	/* Out of the compiler's sight, which warns of what cannot work. */
	volatile size_t most = SIZE_MAX / 2;

	errno = 0;
	CHECK(!malloc(most));
	CHECK_EQ(errno, ENOMEM);
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	errno = 0;
	CHECK(!calloc(2, 1024 * MIB));
	CHECK_EQ(errno, ENOMEM);
	CHECK(malloc(MIB));
}

static void advised(void)
{
	const char *flags = region_flags(malloc(MIB));

	CHECK(flags);
	CHECK_EQ(!!strstr(flags, " hg"), getenv("ADAPTIVE") != NULL);
}

static const struct test tests[] = {
	{ "a process starts with little reserved", little_at_start },
	{ "the main thread's memory is tamalloc's", in_main },
	{ "other threads' memory is tamalloc's", in_threads },
	{ "so is that of a child and its threads", after_fork },
	{ "calloc touches nothing of large objects", calloc_untouched },
	{ "nor of those that were in use before", calloc_reused_untouched },
	{ "what is freed is no longer resident", goes_back },
	{ "calloc's memory is zero when it is used again", zeroed_again },
	{ "realloc keeps the contents", realloc_keeps },
	{ "what cannot be had is ENOMEM", no_memory },
	{ "it is adaptive if that was asked for", advised },
};

TAP_MAIN(tests, obstacle)
