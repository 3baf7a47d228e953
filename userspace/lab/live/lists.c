// SPDX-License-Identifier: GPL-2.0
/* Active and inactive lists: what is read once must not push out what is read again. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "live.h"

#define DISK	"/dev/vda"
#define SIZE	(4 << 20)

static long active, inactive;	/* kB since the last call */

/* How many of its frames have the flag ACTIVE. With MADV_RANDOM it is no use of them to have mapped them. */
static unsigned long flagged(int fd)
{
	char *file = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	unsigned long count = 0;

	if (file == MAP_FAILED || madvise(file, SIZE, MADV_RANDOM))
		fail("mmap");
	for (unsigned long at = 0; at < SIZE; at += PAGE) {
		(void)*(volatile char *)(file + at);
		count += frame_flags(frame_of(file + at)) >> FLAG_ACTIVE & 1;
	}
	munmap(file, SIZE);
	return count;
}

static void show(const char *when, unsigned long flags)
{
	static long active_before, inactive_before;
	long now;

	write_file("/proc/sys/vm/stat_refresh", "1");	/* counters of each CPU are summed up late */
	now = field("/proc/meminfo", "Active(file)");
	active = now - active_before;
	active_before = now;
	now = field("/proc/meminfo", "Inactive(file)");
	inactive = now - inactive_before;
	inactive_before = now;
	if (when)
		printf("%-*s %+8ld %+8ld %12lu\n", PADDED(20, when), active, inactive, flags);
}

void run_lists(void)
{
	char *buffer = malloc(SIZE);
	int fd = open(DISK, O_RDONLY | O_CLOEXEC);
	unsigned long flags;

	if (fd < 0)
		fail(DISK);
	write_file("/sys/kernel/mm/lru_gen/enabled", "n");
	write_file("/proc/sys/vm/drop_caches", "3");
	show(NULL, 0);
	printf("%-20s %8s %8s %12s\n", say("4 MB, in kB", "4 MB, en kB"), "Active", "Inactive",
	       say("flag ACTIVE", "con ACTIVE"));
	if (pread(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	flags = flagged(fd);
	show(say("read once", "leído una vez"), flags);
	/* The last few wait in a batch of the CPU's. */
	expect(active == 0 && flags == 0 && inactive >= (SIZE >> 10) * 9 / 10, "what is read once is inactive");
	if (pread(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	flags = flagged(fd);
	show(say("read again", "leído otra vez"), flags);
	expect(flags >= SIZE / PAGE * 9 / 10 && active >= (SIZE >> 10) * 9 / 10 && inactive < 0, "what is read again becomes active");
	write_file("/sys/kernel/mm/lru_gen/enabled", "y");
	close(fd);
	free(buffer);
}
