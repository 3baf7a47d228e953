// SPDX-License-Identifier: GPL-2.0
/*
 * A process to checkpoint, with sparse memory: sparse call|mmap
 * Says "ready" when it has touched some of it, and after SIGUSR1 what is left of it: how many
 * pages are resident, and of which kind a page is that it touches then.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "tap.h"

#define SIZE	(256 * MIB)
#define STRIDE	211	/* pages: a prime, so that no page table and no group is like the next */

static char *region;

static char value(size_t i)
{
	return 1 + i % 127;
}

/* Those that the process has written. */
static size_t wrong(void)
{
	size_t n = 0;

	for (size_t i = 0; i < SIZE / page; i += STRIDE)
		n += peek(region + i * page) != value(i);
	return n;
}

static void say(const char *when)
{
	size_t before = resident(region, SIZE), bad = wrong(), by_read, by_write;
	struct vma vma = { };

	CHECK(find_vma(region, &vma));
	/* Far from what was touched, and from each other. */
	CHECK_EQ(peek(region + 100 * page), 0);
	by_read = resident(region, SIZE) - before;
	poke(region + 1700 * page, 1);
	by_write = resident(region, SIZE) - before - by_read;
	printf("%s: resident %zu, wrong %zu, region %s, advice %s, a read adds %zu, a write %zu\n", when,
	       before, bad, strstr(vma.flags, " " REGION_FLAG) ? "yes" : "no",
	       strstr(vma.flags, " hg") ? "yes" : "no", by_read, by_write);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	sigset_t set;
	int number;

	if (argc != 2 || (strcmp(argv[1], "call") && strcmp(argv[1], "mmap"))) {
		fprintf(stderr, "usage: sparse call|mmap\n");
		return 125;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* With a mode, what plain() gives is plain all the same. */
	region = *argv[1] == 'c' ? tamalloc(SIZE) : mmap(NULL, SIZE, RW, ANON, -1, 0);
	CHECK(region != MAP_FAILED);
	for (size_t i = 0; i < SIZE / page; i += STRIDE)
		poke(region + i * page, value(i));
	printf("ready: resident %zu\n", resident(region, SIZE));
	fflush(stdout);
	sigwait(&set, &number);
	say("goes on");
	return 0;
}
