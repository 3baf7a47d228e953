// SPDX-License-Identifier: GPL-2.0
/*
 * For scripts/profile: writes to one page after the other of plain or strict memory,
 * at an address that a breakpoint can name.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

#define START	((char *)0x500000000000)
#define SIZE	(4UL << 20)
#define PAGES	512

static void *get(const char *kind)
{
	void *p = MAP_FAILED;

	if (!strcmp(kind, "plain"))
		return mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	syscall(SYS_tamalloc, SIZE, &p);
	return p;
}

int main(int argc, char **argv)
{
	char *p;

	if (argc != 2 || (strcmp(argv[1], "plain") && strcmp(argv[1], "strict"))) {
		fputs("walk: which kind of memory?\nusage: walk plain|strict\n", stderr);
		return 125;
	}
	p = get(argv[1]);
	if (p == MAP_FAILED ||
	    mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, START) != START) {
		perror("walk");
		return 1;
	}
	for (size_t i = 0; i < PAGES; i++)
		*(volatile char *)(START + i * getpagesize()) = 1;
	return 0;
}
