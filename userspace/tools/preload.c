// SPDX-License-Identifier: GPL-2.0
/*
 * libtamrun.so: jemalloc, with the memory of all its arenas from tamalloc.
 *
 * jemalloc asks its extent hooks for address space and tells them what it no longer
 * uses. They are installed before the program's first constructor, in each arena that a
 * thread may come to use. See the extent_hooks_t of jemalloc(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <jemalloc/jemalloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tamalloc.h"
#include "tamrun.h"

/*
 * The arena for large objects would be made later than our hooks are installed. And each
 * arena takes 2 MiB of address space and some memory in each process: four for each CPU,
 * jemalloc's default, are too many on a large machine.
 */
const char *malloc_conf = "oversize_threshold:0,narenas:8";

/*
 * From this size on jemalloc purges what is freed at once. It would write zeroes to all of
 * a dirty extent that calloc() gets, as it does for hooks that are not its own.
 */
#define PURGED_WHEN_FREED	((size_t)256 << 10)

static struct tamrun_stats *stats;
static atomic_ulong reserved;
static bool adaptive;
/* The first extent that arena 0 has got from us. */
static struct {
	char *start, *end;
} first;

static void count(size_t size)
{
	unsigned long now = atomic_fetch_add(&reserved, size) + size, most;

	if (!stats)
		return;
	most = atomic_load(&stats->reserved);
	while (now > most && !atomic_compare_exchange_weak(&stats->reserved, &most, now))
		;
}

/* @alignment is a power of two; tamalloc itself aligns to pages. */
static void *reserve(size_t size, size_t alignment)
{
	size_t head, padded = size + alignment;
	char *p = tamalloc(size);

	if (!p || !((uintptr_t)p % alignment))
		return p;
	tamalloc_release(p, size);
	p = padded > size ? tamalloc(padded) : NULL;
	if (!p)
		return NULL;
	head = -(uintptr_t)p % alignment;
	if (head)
		tamalloc_release(p, head);
	tamalloc_release(p + head + size, alignment - head);
	return p + head;
}

/* A kernel without huge pages refuses; malloc() shall not leave that in errno. */
static void advise(void *p, size_t size)
{
	int saved = errno;

	tamalloc_adaptive(p, size, 1);
	errno = saved;
}

static void *extent_alloc(extent_hooks_t *hooks, void *at, size_t size, size_t alignment,
			  bool *zero, bool *commit, unsigned int arena)
{
	void *p;

	(void)hooks;
	/* tamalloc does not let one choose the address. */
	if (at)
		return NULL;
	p = reserve(size, alignment);
	if (!p)
		return NULL;
	if (adaptive)
		advise(p, size);
	count(size);
	/* Found by start(), before there is another thread. */
	if (!arena && !first.start) {
		first.start = p;
		first.end = first.start + size;
	}
	/* So that calloc() leaves it alone. */
	*zero = true;
	*commit = true;
	return p;
}

/*
 * No: jemalloc keeps the addresses, and purges the pages. Holes would cost mappings,
 * of which a process may have 65530.
 */
static bool extent_dalloc(extent_hooks_t *hooks, void *addr, size_t size, bool committed,
			  unsigned int arena)
{
	(void)hooks, (void)addr, (void)size, (void)committed, (void)arena;
	return true;
}

static void extent_destroy(extent_hooks_t *hooks, void *addr, size_t size, bool committed,
			   unsigned int arena)
{
	(void)hooks, (void)committed, (void)arena;
	if (!tamalloc_release(addr, size))
		atomic_fetch_sub(&reserved, size);
}

static bool extent_purge(extent_hooks_t *hooks, void *addr, size_t size, size_t offset,
			 size_t length, unsigned int arena)
{
	(void)hooks, (void)size, (void)arena;
	return madvise((char *)addr + offset, length, MADV_DONTNEED);
}

/* The kernel splits and merges mappings by itself, whatever extents there are. */
static bool extent_split(extent_hooks_t *hooks, void *addr, size_t size, size_t size_a,
			 size_t size_b, bool committed, unsigned int arena)
{
	(void)hooks, (void)addr, (void)size, (void)size_a, (void)size_b;
	(void)committed, (void)arena;
	return false;
}

static bool extent_merge(extent_hooks_t *hooks, void *addr_a, size_t size_a, void *addr_b,
			 size_t size_b, bool committed, unsigned int arena)
{
	(void)hooks, (void)addr_a, (void)size_a, (void)addr_b, (void)size_b;
	(void)committed, (void)arena;
	return false;
}

/*
 * No commit and decommit: all of an extent can be used, and what is untouched costs
 * nothing. No lazy purge: it would leave pages that are not zero.
 */
static extent_hooks_t hooks = {
	.alloc = extent_alloc,
	.dalloc = extent_dalloc,
	.destroy = extent_destroy,
	.purge_forced = extent_purge,
	.split = extent_split,
	.merge = extent_merge,
};

/* jemalloc has none, and free() does not know the memory of glibc's. */
void *pvalloc(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (size > SIZE_MAX - page) {
		errno = ENOMEM;
		return NULL;
	}
	return aligned_alloc(page, size ? (size + page - 1) & -page : page);
}

static void open_stats(const char *path)
{
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct stat info;
	void *p;

	if (fd < 0)
		return;
	if (!fstat(fd, &info) && info.st_size == sizeof(*stats)) {
		p = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED)
			stats = p;
	}
	close(fd);
	if (!stats)
		return;
	if (stats->magic == TAMRUN_MAGIC)
		atomic_fetch_add(&stats->processes, 1);
	else
		stats = NULL;
}

static void __attribute__((noreturn)) die(const char *what, int error)
{
	/* So mallctl() says that the arena could not be made. */
	if (error == EFAULT)
		dprintf(2, "tamrun: no address space for %s; MALLOC_CONF=narenas:1 takes less\n", what);
	else
		dprintf(2, "tamrun: %s failed in this jemalloc; libtamrun.so is built for 5.3\n", what);
	_exit(125);
}

/* A setting of jemalloc's for one arena; for one that is not there yet, this makes it. */
static void set(unsigned int arena, const char *setting, void *value, size_t size)
{
	char name[64];
	int error;

	snprintf(name, sizeof(name), "arena.%u.%s", arena, setting);
	error = mallctl(name, NULL, NULL, value, size);
	if (error)
		die(name, error);
}

/*
 * jemalloc has made arena 0 and mapped its first 2 MiB by itself. What is left of that
 * is taken and never touched, size by size, until the next comes from our hook. What came
 * from there is given back at the end: it would be the next that one gets.
 */
static void leave_first_mapping(void)
{
	int flags = MALLOCX_ARENA(0) | MALLOCX_TCACHE_NONE;
	void *ours[9] = { };

	for (int i = 0; i < 9; i++) {
		char *p;

		do
			p = mallocx((1 << 20) >> i, flags);
		while (p && (p < first.start || p >= first.end));
		ours[i] = p;
	}
	for (int i = 0; i < 9; i++)
		if (ours[i])
			dallocx(ours[i], flags);
}

static void __attribute__((constructor(101))) start(int argc, char **argv, char **envp)
{
	extent_hooks_t *ours = &hooks;
	size_t threshold = PURGED_WHEN_FREED;
	unsigned int arenas;
	size_t size = sizeof(arenas);
	int error;

	(void)argc, (void)argv;
	/* libc's constructor is yet to come, and jemalloc reads MALLOC_CONF. */
	if (!environ)
		environ = envp;
	adaptive = getenv(TAMRUN_ADAPTIVE);
	open_stats(getenv(TAMRUN_STATS));
	error = mallctl("opt.narenas", &arenas, &size, NULL, 0);
	if (error)
		die("opt.narenas", error);
	for (unsigned int i = 0; i < arenas; i++) {
		set(i, "extent_hooks", &ours, sizeof(ours));
		set(i, "oversize_threshold", &threshold, sizeof(threshold));
	}
	leave_first_mapping();
}
