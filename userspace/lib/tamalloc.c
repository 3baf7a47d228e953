// SPDX-License-Identifier: GPL-2.0
/* The functions of tamalloc.h, which describes them. */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tamalloc.h"
#include "tamalloc_syscall.h"

/*
 * Whether there is the call; -1 before somebody asks. Threads that ask at once find the
 * same, so any order will do.
 */
static atomic_int known = -1;

/*
 * A sandbox may answer anything for a number that it does not know, but always the same.
 * These two sizes are refused before anything is done, each with an error of its own.
 */
static int has_call(void)
{
	int saved = errno;
	int has = syscall(__NR_tamalloc, 0, NULL) == -1 && errno == EINVAL &&
		  syscall(__NR_tamalloc, SIZE_MAX, NULL) == -1 && errno == ENOMEM;

	errno = saved;
	return has;
}

int tamalloc_available(void)
{
	int available = atomic_load_explicit(&known, memory_order_relaxed);

	if (available >= 0)
		return available;
	available = has_call();
	atomic_store_explicit(&known, available, memory_order_relaxed);
	return available;
}

void *tamalloc(size_t size)
{
	int saved = errno, available = tamalloc_available();
	unsigned long addr = 0;
	void *p;

	if (!size)
		size = 1;
	if (available && !syscall(__NR_tamalloc, size, &addr) && addr)
		return (void *)addr;

	/* Only if this fails too is it memory that was refused, whatever errno was. */
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	/* The program may have put itself into a sandbox that does not let the call pass. */
	if (available)
		atomic_store_explicit(&known, has_call(), memory_order_relaxed);
	/* One page for each touch. A kernel without huge pages refuses, and has that. */
	madvise(p, size, MADV_NOHUGEPAGE);
	errno = saved;
	return p;
}

int tamalloc_release(void *addr, size_t size)
{
	return addr ? munmap(addr, size ? size : 1) : 0;
}

void *tamalloc_resize(void *addr, size_t old_size, size_t new_size)
{
	void *p;

	if (!addr)
		return tamalloc(new_size);
	p = mremap(addr, old_size ? old_size : 1, new_size ? new_size : 1, MREMAP_MAYMOVE);
	if (p != MAP_FAILED)
		return p;
	/* RLIMIT_MEMLOCK, under mlock(2): for malloc's family, there is no memory. */
	if (errno == EAGAIN)
		errno = ENOMEM;
	/* At a page, EINVAL is for a size that no address space has room for: a new or an old one. */
	if (errno == EINVAL && !((uintptr_t)addr % sysconf(_SC_PAGESIZE)))
		errno = new_size > old_size ? ENOMEM : EFAULT;
	return NULL;
}

int tamalloc_adaptive(void *addr, size_t size, int on)
{
	return madvise(addr, size, on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}
