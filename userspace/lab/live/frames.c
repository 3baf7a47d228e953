// SPDX-License-Identifier: GPL-2.0
/* Contiguous or not: neighbouring pages in whatever frames, and a huge page in 512 in a row. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "live.h"

/* How many pages lie in the frame after that of the page before. */
static unsigned int in_a_row(const char *memory, unsigned int pages)
{
	unsigned int count = 0;

	for (unsigned int i = 1; i < pages; i++)
		count += frame_of(memory + i * PAGE) == frame_of(memory + (i - 1) * PAGE) + 1;
	return count;
}

void run_frames(void)
{
	char *memory = tamalloc_pages(512), *huge, line[256];
	FILE *buddies;

	/* In an order that is not that of their addresses. */
	for (unsigned int i = 0; i < 512; i++)
		memory[i * 211 % 512 * PAGE] = 1;
	printf("%s:", say("frames of neighbouring pages, touched in scrambled order",
			  "marcos de páginas vecinas, tocadas en orden disperso"));
	for (unsigned int i = 0; i < 8; i++)
		printf(" %lx", frame_of(memory + i * PAGE));
	printf(" ...\n%s: %u %s 511\n", say("followed by the next frame", "seguidas por el marco siguiente"),
	       in_a_row(memory, 512), say("of", "de"));
	expect(in_a_row(memory, 512) < 511, "pages need no frames in a row");

	huge = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (huge == MAP_FAILED)
		fail("mmap");
	huge = (char *)(((uintptr_t)huge + (2 << 20) - 1) & -(2UL << 20));
	if (madvise(huge, 2 << 20, MADV_HUGEPAGE))
		fail("madvise");
	*huge = 1;
	printf("%s: %lx - %lx, %u %s 511\n", say("one huge page", "una página enorme"), frame_of(huge),
	       frame_of(huge + 511 * PAGE), in_a_row(huge, 512), say("of", "de"));
	expect(in_a_row(huge, 512) == 511 && frame_of(huge) % 512 == 0, "a huge page is 512 frames in a row, and aligned");

	printf("%s\n", say("free runs of 1, 2, 4 ... 1024 frames (/proc/buddyinfo)",
			   "tramos libres de 1, 2, 4 ... 1024 marcos (/proc/buddyinfo)"));
	buddies = fopen("/proc/buddyinfo", "re");
	if (!buddies)
		fail("/proc/buddyinfo");
	while (fgets(line, sizeof(line), buddies))
		printf("  %s", line);
	fclose(buddies);
}
