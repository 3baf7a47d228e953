// SPDX-License-Identifier: GPL-2.0
/* Working set: what the kernel sees by clearing the reference bits and reading them later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

/* "Referenced:" of the mapping that begins at @memory, in pages. */
static unsigned long referenced(const char *memory)
{
	char line[512], start[32];
	unsigned long kb = 0;
	int here = 0;
	FILE *file = fopen("/proc/self/smaps", "re");

	if (!file)
		fail("/proc/self/smaps");
	snprintf(start, sizeof(start), "%lx-", (unsigned long)memory);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, start, strlen(start)))
			here = 1;
		if (here && sscanf(line, "Referenced: %lu", &kb) == 1)
			break;
	}
	fclose(file);
	return kb * 1024 / PAGE;
}

void run_locality(void)
{
	static const unsigned int phases[] = { 100, 300, 50, 200 };
	char *memory = tamalloc_pages(512);

	memset(memory, 1, 512 * PAGE);
	printf("%8s %8s %12s\n", say("phase", "fase"), say("touched", "tocadas"), "Referenced");
	for (unsigned int i = 0; i < 4; i++) {
		unsigned long found;

		write_file("/proc/self/clear_refs", "1");
		/*
		 * That flushes no TLB, and a use that it serves sets no bit; the soft-dirty bits'
		 * clearing does.
		 */
		write_file("/proc/self/clear_refs", "4");
		for (unsigned int turn = 0; turn < 10; turn++) {
			for (unsigned int page = 0; page < phases[i]; page++)
				(void)*(volatile char *)(memory + (page + 37 * i) * PAGE);
		}
		found = referenced(memory);
		printf("%8u %8u %12lu\n", i + 1, phases[i], found);
		expect(found == phases[i], "the reference bits are those of the pages touched");
	}
}
