/* SPDX-License-Identifier: GPL-2.0 */
/* Getting memory and touching it. */
#ifndef MEM_H
#define MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pages.h"
#include "tamalloc_syscall.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define RW (PROT_READ | PROT_WRITE)

/* Why no test can run here, or NULL: an obstacle_fn. */
const char *no_tamalloc(void);

/* The bare call, and the same for those who expect it to succeed. */
static inline long tamalloc_call(size_t size, void *addr)
{
	return syscall(SYS_tamalloc, size, addr);
}

/*
 * A region. In a process that was started with a mode of PR_SET_TAMALLOC, as by tamrun, it
 * comes from mmap().
 */
void *tamalloc(size_t size);
/* What tamalloc() is measured against: mmap() with MAP_NORESERVE. */
void *plain(size_t size);
void *put_plain(void *where, size_t size);
/* Whether it is such a process, where a bare mmap() gives no plain memory. */
bool has_mode(void);
/* Reserve and unmap again: 0, or the errno with which that is refused. */
int tamalloc_errno(size_t size);
int plain_errno(size_t size);
/* The smallest power of two, in bytes, that mmap() finds no room for. */
size_t address_space_size(void);
/* A free range of the address space, aligned to @huge: until another thread maps. */
void *hole(size_t size);
/* Move a mapping to a place, over what is there. */
void *move_to(void *from, size_t size, void *to);
/* Move it to where huge pages fit, so that alignment is not what keeps them away. */
void *align(void *from, size_t size);
/* A region there with MADV_HUGEPAGE; the second skips the test where its first touch is strict. */
void *with_advice(size_t size);
void *adaptive(size_t size);
/* On x86, hardware always marks the pages that are accessed. */
#if !defined(__x86_64__) && !defined(__i386__)
# define MAY_NOT_MARK
#endif
/* Skip the test where there is less than twice that memory, or four times that address space. */
void need_memory(size_t bytes);
/* Whether huge pages are small enough for a guest of 1 GiB, and for khugepaged to end. */
bool huge_pages_fit(void);
/* Why the advice leaves a region strict on this machine, or NULL. */
const char *no_adaptive(void);
/* Skip the test in that case. */
void need_adaptive(void);

static inline void poke(void *p, char c)
{
	*(volatile char *)p = c;
}

static inline char peek(const void *p)
{
	return *(const volatile char *)p;
}

bool all_zero(const void *start, size_t bytes);

/* Touch each page of an untouched range: one fault and one page each, or the test fails. */
void check_strict(char *start, size_t bytes);

#endif /* MEM_H */
