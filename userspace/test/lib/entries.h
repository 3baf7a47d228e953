/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's other system call entries, as 64-bit code reaches them. */
#ifndef ENTRIES_H
#define ENTRIES_H

#ifdef __x86_64__

#include <stdint.h>

/* In the number of a system call: x32's entry. */
#define X32_BIT 0x40000000

/* i386's entry, which takes 32 bits of each argument; -errno or the result. */
static inline long int80(long number, uint64_t first, uint64_t second)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(number), "b"(first), "c"(second)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

#endif /* __x86_64__ */

#endif /* ENTRIES_H */
