// SPDX-License-Identifier: GPL-2.0
/* Virtual memory: the address space is larger than memory, and only what is used is there. */
#include <stdio.h>
#include <sys/mman.h>

#include "live.h"

void run_virtual(void)
{
	const unsigned long pages = 1UL << 28;	/* a terabyte */
	unsigned long size = field("/proc/self/status", "VmSize"), anon;
	char *memory = tamalloc_pages(pages);

	printf("%s: %lu kB\n", say("memory of this machine", "memoria de esta máquina"), field("/proc/meminfo", "MemTotal"));
	printf("%s: %lu -> %lu kB\n", say("virtual size (VmSize)", "tamaño virtual (VmSize)"), size,
	       field("/proc/self/status", "VmSize"));
	anon = present(memory, 4) + present(memory + (pages / 2) * PAGE, 1) + present(memory + (pages - 1) * PAGE, 1);
	memory[0] = 1;
	memory[pages / 2 * PAGE] = 1;
	(void)*(volatile char *)(memory + (pages - 1) * PAGE);
	printf("%s: %lu -> ", say("pages in memory", "páginas en memoria principal"), anon);
	anon = present(memory, 4) + present(memory + (pages / 2) * PAGE, 1) + present(memory + (pages - 1) * PAGE, 1);
	printf("%lu (%s)\n", anon, say("the first, the middle and the last page have been touched",
					   "se han tocado la primera, la central y la última"));
	expect(field("/proc/self/smaps_rollup", "Anonymous") >= 12 && anon == 3, "three pages are there, no more");
}
