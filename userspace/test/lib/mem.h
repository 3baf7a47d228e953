/* SPDX-License-Identifier: GPL-2.0 */
/* Getting memory, touching it, and asking the kernel what that did. */
#ifndef MEM_H
#define MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

/* How the kernel shows a region: the name in maps, the letters in VmFlags. */
#define REGION_NAME	"[anon:tamalloc]"
#define REGION_FLAG	"tm"

#define KIB (1UL << 10)
#define MIB (1UL << 20)
#define GIB (1UL << 30)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define RW (PROT_READ | PROT_WRITE)

extern size_t page;		/* bytes in a page */
extern size_t huge;		/* bytes that one PMD maps */

/* Why no test can run here, or NULL: an obstacle_fn. */
const char *no_tamalloc(void);

/* The bare call, and the same for those who expect it to succeed. */
static inline long tamalloc_call(size_t size, void *addr)
{
	return syscall(SYS_tamalloc, size, addr);
}

void *tamalloc(size_t size);
/* What tamalloc() is measured against: mmap() with MAP_NORESERVE. */
void *plain(size_t size);
/* A free range of the address space, aligned to @huge: until another thread maps. */
void *hole(size_t size);
/* Move a mapping to a place, over what is there. */
void *move_to(void *from, size_t size, void *to);
/* Move it to where huge pages fit, so that none is only for want of alignment. */
void *align(void *from, size_t size);
/* Such a region that is told MADV_HUGEPAGE, so that its first touch is adaptive. */
void *adaptive(size_t size);

static inline void poke(void *p, char c)
{
	*(volatile char *)p = c;
}

static inline char peek(const void *p)
{
	return *(const volatile char *)p;
}

/* Exact: pages of the range that are present or swapped out. */
size_t resident(const void *start, size_t bytes);
/* Exact: faults that this process, this thread has taken. */
long faults(void);
long thread_faults(void);
/* Exact: kB of address space, and mappings, of this process. */
long vm_size(void);
int map_count(void);

struct vma {
	uintptr_t start, end;
	char perms[5], name[64];
	long rss_kb;
	char flags[128];	/* " rd wr mr ..." */
};

/* The mapping that holds @addr; false if there is none. */
bool find_vma(const void *addr, struct vma *vma);
bool is_region(const void *addr);
bool all_zero(const void *start, size_t bytes);

/* Fails the test unless the untouched range takes one page and one fault each. */
void check_strict(char *start, size_t bytes);

#endif /* MEM_H */
