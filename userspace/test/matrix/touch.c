// SPDX-License-Identifier: GPL-2.0
/* First touches by instructions, by the kernel and by threads. */
#include <pthread.h>
#include <sched.h>

#include "matrix.h"

#define RACE_PAGES 512

static void reserve(const struct cell *cell)
{
	long taken = faults(), size = vm_size();
	char *p = cell->kind->map(64 * MIB);

	say("%ld faults", faults() - taken);
	say("VmSize + %ld MiB", (vm_size() - size) / 1024);
	say("%ld resident", usage(p, 64 * MIB / page, "Rss"));
}

/* The argument: the accesses, one letter each. */
static void in_order(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long taken;

	for (int round = 0; round < 2; round++) {
		char how = cell->arg >> 8 * round;

		taken = faults();
		if (how == 'r')
			read_all(p, PAGES);
		else if (how == 'w')
			write_all(p, PAGES);
		else
			break;
		taken = faults() - taken;
		say("%s: %ld faults, %ld resident", how == 'r' ? "read" : "write", taken,
		    usage(p, PAGES, "Rss"));
	}
}

static void by_read_call(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int pipes[2];

	CHECK(!pipe(pipes));
	CHECK(write(pipes[1], "0123456789abcdef", 16) == 16);
	say_outcome(NULL, read(pipes[0], p + page - 8, 16));
	say("%ld resident", usage(p, PAGES, "Rss"));
	say(memcmp(p + page - 8, "0123456789abcdef", 16) ? "WRONG" : "read right");
}

static void by_write_call(const struct cell *cell)
{
	char *p = get(cell, SIZE), buf[16] = "x";
	int pipes[2];

	CHECK(!pipe(pipes));
	say_outcome(NULL, write(pipes[1], p + page - 8, 16));
	CHECK(read(pipes[0], buf, 16) == 16);
	say(all_zero(buf, 16) ? "zeroes written" : "WRONG");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static char *shared;

static void *touch_all(void *first)
{
	for (size_t i = 0; i < RACE_PAGES; i++)
		shared[i * page + (long)first] = 'x';
	return NULL;
}

static void by_threads(const struct cell *cell)
{
	pthread_t thread[4];
	cpu_set_t all;
	size_t right = 0;

	memset(&all, 0xff, sizeof(all));
	CHECK(!sched_setaffinity(0, sizeof(all), &all));
	shared = get(cell, RACE_PAGES * page);
	for (long i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread[i], NULL, touch_all, (void *)i));
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (size_t i = 0; i < RACE_PAGES; i++)
		right += !memcmp(shared + i * page, "xxxx", 5);
	say("%ld resident", usage(shared, RACE_PAGES, "Rss"));
	say("%zu pages right", right);
}

static void under_vma_lock(const struct cell *cell)
{
	char *p = get(cell, RACE_PAGES * page);
	long locked, taken;

	poke(p, 'x');	/* the first may take the mmap lock, for the anon_vma */
	locked = field("/proc/vmstat", "vma_lock_success");
	taken = faults();
	write_all(p + page, RACE_PAGES - 1);
	taken = faults() - taken;
	locked = field("/proc/vmstat", "vma_lock_success") - locked;
	say(locked >= taken ? "all of them" : "NOT all of them");
}

const struct row touch_rows[] = {
	{ "reserve 64 MiB", reserve },
	{ "write 16 pages", in_order, 'w', .adaptive = WINDOWS },
	{ "write 16 pages, then read them", in_order, 'w' | 'r' << 8, .adaptive = WINDOWS },
	{ "read 16 pages", in_order, 'r', READ_POPULATES, .adaptive = WINDOWS },
	{ "read 16 pages, then write them", in_order, 'r' | 'w' << 8, ONE_FAULT, .adaptive = WINDOWS },
	{ "read(2) into two untouched pages", by_read_call },
	{ "write(2) from two untouched pages", by_write_call, 0, READ_POPULATES },
	{ "four threads all write to each of 512 pages", by_threads },
	{ "511 faults under the per-VMA lock", under_vma_lock },
	{}
};
