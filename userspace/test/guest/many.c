// SPDX-License-Identifier: GPL-2.0
/*
 * Many processes with a region each, and a region split into many mappings.
 *
 *	many [mappings=N] [processes=N] [PATTERN]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define REGION	16	/* pages of each process's own region */
#define SHARED	8	/* pages inherited from the parent */
#define TOUCHED	64	/* pages of the region that is split, STEP apart */
#define STEP	32

static unsigned long most_mappings = 50000, processes = 1000;

/* It must find its own number in its pages and copies, and the parent's in the rest. */
static void one_of_many(int number, char *shared, int ready, int go)
{
	char *p = tamalloc(REGION * page), c;

	for (int i = 0; i < SHARED; i++) {
		CHECK_EQ(*(int *)(shared + i * page), -1);
		if (i % 2)
			*(int *)(shared + i * page) = number;
	}
	for (int i = 0; i < REGION / 2; i++)
		*(int *)(p + i * page) = number;
	CHECK_EQ(write(ready, "", 1), 1);
	CHECK_EQ(read(go, &c, 1), 0);
	for (int i = 0; i < SHARED; i++)
		CHECK_EQ(*(int *)(shared + i * page), i % 2 ? number : -1);
	for (int i = 0; i < REGION / 2; i++)
		CHECK_EQ(*(int *)(p + i * page), number);
	CHECK_EQ(resident(p, REGION * page), REGION / 2);
	check_strict(p + REGION / 2 * page, REGION / 2 * page);
}

static void processes_at_once(void)
{
	char *shared = tamalloc(SHARED * page);
	int ready[2], go[2], status;
	long anon;
	char c;

	alarm(1800);
	set(THP "enabled", "always");
	for (int i = 0; i < SHARED; i++)
		*(int *)(shared + i * page) = -1;
	CHECK(!pipe(go));
	anon = vmstat("nr_anon_pages");
	for (unsigned long i = 0; i < processes; i++) {
		pid_t pid;

		CHECK(!pipe(ready));
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			close(go[1]);
			one_of_many(i, shared, ready[1], go[0]);
			_exit(EXIT_SUCCESS);
		}
		close(ready[1]);
		CHECK_EQ(read(ready[0], &c, 1), 1);
		close(ready[0]);
	}
	CHECK(vmstat("nr_anon_pages") - anon >=
	      (long)processes * (SHARED + REGION) / 2);
	close(go[1]);
	while (wait(&status) > 0)
		CHECK_EQ(status, 0);
	for (int i = 0; i < SHARED; i++)
		CHECK_EQ(*(int *)(shared + i * page), -1);
	CHECK(labs(vmstat("nr_anon_pages") - anon) < 512);
}

static int protect(char *p)
{
	return mprotect(p, page, PROT_READ);
}

static int unmap(char *p)
{
	return munmap(p, page);
}

/* Split at every other page up to the limit; how many splits that took. */
static int split(int (*fn)(char *), void *(*get)(size_t), int *at_limit)
{
	const size_t pages = 2 * most_mappings + 2;
	char *p = get(pages * page);
	int before = map_count();
	void *last, *refused;
	size_t i;

	for (i = 0; i < TOUCHED; i++)
		poke(p + i * STEP * page, i);
	for (i = 1; i < pages && !fn(p + i * page); i += 2)
		;
	CHECK(i < pages);
	CHECK_EQ(errno, ENOMEM);
	*at_limit = map_count();
	CHECK_EQ(*at_limit, most_mappings);
	/* mmap(2) may make one more than a split; then nobody can. */
	last = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(last != MAP_FAILED);
	CHECK_FAILS(tamalloc_call(page, &refused), ENOMEM);
	CHECK(!munmap(last, page));

	/* The refused split changed nothing. */
	for (int j = 0; j < TOUCHED; j++)
		CHECK_EQ(peek(p + j * STEP * page), j);
	if (get == tamalloc)
		CHECK_EQ(resident(p, pages * page), TOUCHED);
	/* One more if the last split was made at one end only. */
	if (fn == protect) {
		CHECK(!mprotect(p, pages * page, RW));
		CHECK_EQ(map_count(), before + (most_mappings - before) % 2);
	}
	CHECK(!munmap(p, pages * page));
	return i / 2;
}

static void split_by(int (*fn)(char *))
{
	long size = vm_size(), tables = field("/proc/self/status", "VmPTE");
	int before = map_count(), limit[2], splits[2];
	char text[16];

	alarm(1800);
	set(THP "enabled", "always");
	snprintf(text, sizeof(text), "%lu", most_mappings);
	set("/proc/sys/vm/max_map_count", text);
	splits[0] = split(fn, plain, &limit[0]);
	splits[1] = split(fn, tamalloc, &limit[1]);
	CHECK_EQ(splits[1], splits[0]);
	CHECK_EQ(limit[1], limit[0]);
	CHECK_EQ(map_count(), before);
	CHECK_EQ(vm_size(), size);
	CHECK(field("/proc/self/status", "VmPTE") <= tables + 4 * (long)(page / KIB));
}

static void by_mprotect(void)
{
	split_by(protect);
}

static void by_munmap(void)
{
	split_by(unmap);
}

static const struct test tests[] = {
	TEST("a thousand processes each keep a region of their own and their parent's", processes_at_once),
	TEST("splitting by mprotect ends with ENOMEM at max_map_count, and the parts merge again", by_mprotect),
	TEST("splitting by munmap ends with ENOMEM at max_map_count and leaves nothing", by_munmap),
};

static const struct parameter parameters[] = {
	{ "mappings", &most_mappings, TOUCHED * STEP },
	{ "processes", &processes, 1 },
	{ }
};

int main(int argc, char **argv)
{
	/* Debug kernels check all of a process's mappings whenever one changes. */
	if (has_detectors()) {
		most_mappings /= 20;
		processes /= 5;
	}
	argc = tap_parameters(argc, argv, parameters);
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), no_tamalloc);
}
