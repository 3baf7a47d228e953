// SPDX-License-Identifier: GPL-2.0
/*
 * Belady's string three times over, between the tracer's markers, in pages 65537 to 65541. The
 * code touches no other memory; at the end it jumps to the page after its own, and back.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "marker.h"

#define PAGE(n)		"movb " #n " * 4096(%0), %%al\n"
#define STRING		PAGE(1) PAGE(2) PAGE(3) PAGE(4) PAGE(1) PAGE(2) PAGE(5) PAGE(1) PAGE(2) PAGE(3) PAGE(4) PAGE(5)

static __attribute__((noinline, aligned(4096))) void touch(char *memory)
{
	__asm__ volatile(LAB_MARK(LAB_MARK_START) STRING STRING STRING
			 "jmp 1f\n"
			 "2: nop\n" LAB_MARK(LAB_MARK_STOP) "jmp 3f\n"
			 ".p2align 12\n"
			 "1: nop; jmp 2b\n"
			 "3:\n"
			 : : "r"(memory) : "rax", "memory");
}

int main(void)
{
	char *memory = mmap((void *)(65536UL << 12), 6 << 12, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (memory == MAP_FAILED)
		return perror("mmap"), 1;
	touch(memory);
	printf("%lx\n", (unsigned long)touch >> 12);
	return 0;
}
