// SPDX-License-Identifier: GPL-2.0
/*
 * Run by tamrun: all functions of malloc's family return memory from tamalloc and keep
 * malloc's promises. In the environment ADAPTIVE=1 says that tamrun had --adaptive.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "maps.h"
#include "pagemap.h"
#include "pages.h"
#include "tap.h"

#define MAX_SIZE (16 * MIB)

/* Resident pages that hold a part of the object. */
static size_t resident_pages(char *p, size_t size)
{
	char *start = (char *)((uintptr_t)p & -page);

	return resident(start, p + size - start + page - 1);
}

/* What one thread has allocated; checked when no thread allocates any more. */
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
		if (!is_region(list->got[i].p))
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

	CHECK(p && resident_pages(p, MAX_SIZE) <= 1);
	p[MAX_SIZE / 2] = 1;
	CHECK(resident_pages(p, MAX_SIZE) <= 2);
	CHECK_EQ(p[MAX_SIZE / 3], 0);
}

/* By itself jemalloc would write zeroes to reused memory. */
static void calloc_reused_untouched(void)
{
	for (size_t size = MIB / 4; size <= MAX_SIZE; size *= 2) {
		char *p = malloc(size);

		memset(p, 1, size);
		free(p);
		p = calloc(1, size);
		CHECK(p && resident_pages(p, size) <= 1);
		for (size_t i = 0; i < size; i += page)
			CHECK_EQ(p[i], 0);
		free(p);
	}
}

/* What is reserved before main() counts against RLIMIT_AS. */
static void little_at_start(void)
{
	long kb = 0, size = 0;

	for (struct maps m = maps_open("smaps"); maps_next(&m);) {
		size = maps_field(&m, "Size") ?: size;
		if (maps_flag(&m, REGION_FLAG))
			kb += size;
	}
	tap_note("%ld kB reserved", kb);
	CHECK(kb > 0 && kb <= 24 * 1024);
}

/* Large objects at once; their addresses stay reserved. */
static void goes_back(void)
{
	char *p = malloc(MAX_SIZE);

	memset(p, 1, MAX_SIZE);
	CHECK(resident_pages(p, MAX_SIZE) >= MAX_SIZE / page);
	free(p);
	CHECK(resident_pages(p, MAX_SIZE) <= 1);
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
	/* Volatile, as the compiler warns of a size that cannot work. */
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
	struct vma vma;

	CHECK(find_vma(malloc(MIB), &vma) && strstr(vma.flags, " " REGION_FLAG));
	CHECK_EQ(!!strstr(vma.flags, " hg"), getenv("ADAPTIVE") != NULL);
}

static const struct test tests[] = {
	TEST("a process starts with little reserved", little_at_start),
	TEST("the main thread's memory comes from tamalloc", in_main),
	TEST("other threads' memory comes from tamalloc", in_threads),
	TEST("so does a child's and its threads'", after_fork),
	TEST("calloc does not touch large objects", calloc_untouched),
	TEST("calloc does not touch large objects that are reused", calloc_reused_untouched),
	TEST("freed memory is no longer resident", goes_back),
	TEST("calloc's memory is zero when it is reused", zeroed_again),
	TEST("realloc keeps the contents", realloc_keeps),
	TEST("an allocation that cannot be satisfied is ENOMEM", no_memory),
	TEST("memory is adaptive if --adaptive was given", advised),
};

TAP_MAIN(tests, NULL)
