// SPDX-License-Identifier: GPL-2.0
/* Active and inactive lists: what is read once must not push out what is read again. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "live.h"

#define DISK	"/dev/vda"
#define SIZE	(4 << 20)

static long active, inactive;	/* kB since the last call */

static void show(const char *when)
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
		printf("%-20s %+8ld %+8ld\n", when, active, inactive);
}

void run_lists(void)
{
	char *buffer = malloc(SIZE);
	int fd = open(DISK, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(DISK);
	write_file("/sys/kernel/mm/lru_gen/enabled", "n");
	write_file("/proc/sys/vm/drop_caches", "3");
	show(NULL);
	printf("%-20s %8s %8s\n", say("4 MB, in kB", "4 MB, en kB"), "Active", "Inactive");
	if (pread(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	show(say("read once", "leído una vez"));
	/* The last few wait in a batch of the CPU's. */
	expect(active == 0 && inactive >= (SIZE >> 10) * 9 / 10, "what is read once is inactive");
	if (pread(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	show(say("read again", "leído otra vez"));
	expect(active >= (SIZE >> 10) * 9 / 10 && inactive < 0, "what is read again becomes active");
	write_file("/sys/kernel/mm/lru_gen/enabled", "y");
	close(fd);
	free(buffer);
}
