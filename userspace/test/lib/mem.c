// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"
#include "uapi.h"

const char *no_tamalloc(void)
{
	errno = 0;
	tamalloc_call(0, NULL);
	return errno != ENOSYS ? NULL :
		"this kernel has no tamalloc (ENOSYS): boot the patched one";
}

/*
 * The mode that the process was started with, which plain memory goes without. Another thread
 * neither maps a region meanwhile, nor forks a child that has no mode.
 */
static int mode;
static pthread_mutex_t switching = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
	pthread_mutex_lock(&switching);
}

static void unlock(void)
{
	pthread_mutex_unlock(&switching);
}

static void __attribute__((constructor)) begin(void)
{
	mode = prctl(PR_GET_TAMALLOC, 0, 0, 0, 0);
	if (mode > 0)
		CHECK(!pthread_atfork(lock, unlock, unlock));
}

static void *map(void *where, size_t size, int fixed, int with)
{
	void *addr;

	if (mode > 0) {
		lock();
		CHECK(!prctl(PR_SET_TAMALLOC, with, 0, 0, 0));
	}
	addr = mmap(where, size, RW, ANON | fixed, -1, 0);
	if (mode > 0) {
		CHECK(!prctl(PR_SET_TAMALLOC, mode, 0, 0, 0));
		unlock();
	}
	CHECK(addr != MAP_FAILED);
	return addr;
}

void *tamalloc(size_t size)
{
	void *addr = NULL;

	if (mode > 0)
		return map(NULL, size, 0, mode);
	CHECK(!tamalloc_call(size, &addr));
	return addr;
}

bool has_mode(void)
{
	return mode > 0;
}

void *plain(size_t size)
{
	return map(NULL, size, 0, 0);
}

void *put_plain(void *where, size_t size)
{
	return map(where, size, MAP_FIXED, 0);
}

int tamalloc_errno(size_t size)
{
	void *p;

	return tamalloc_call(size, &p) ? errno : munmap(p, size);
}

int plain_errno(size_t size)
{
	void *p = mmap(NULL, size, RW, ANON, -1, 0);

	return p == MAP_FAILED ? errno : munmap(p, size);
}

void *hole(size_t size)
{
	char *addr = mmap(NULL, size + huge, PROT_NONE, ANON, -1, 0);

	CHECK(addr != MAP_FAILED);
	CHECK(!munmap(addr, size + huge));
	return (void *)(((uintptr_t)addr + huge - 1) & -huge);
}

void *move_to(void *from, size_t size, void *to)
{
	CHECK(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	return to;
}

void *align(void *from, size_t size)
{
	char *place = mmap(NULL, size + huge, PROT_NONE, ANON, -1, 0), *to;

	/* Not a hole(): until the mapping is there no other thread may get the place. */
	CHECK(place != MAP_FAILED);
	to = (char *)(((uintptr_t)place + huge - 1) & -huge);
	move_to(from, size, to);
	CHECK(to == place || !munmap(place, to - place));
	CHECK(!munmap(to + size, place + huge - to));
	return to;
}

#ifdef MAY_NOT_MARK
static bool marks_accesses;

/*
 * Without such hardware, the first access to an old page is a fault, of plain memory too. Asked
 * before there is any memory to test, as all of the process's pages become old.
 */
static void __attribute__((constructor)) try_marks(void)
{
	const long size = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, size, RW, ANON, -1, 0);
	long taken;

	CHECK(p != MAP_FAILED);
	poke(p, 1);
	write_file("/proc/self/clear_refs", "1");
	/* The TLB forgets it. */
	CHECK(!mprotect(p, size, PROT_NONE) && !mprotect(p, size, RW));
	taken = faults();
	(void)peek(p);
	marks_accesses = faults() == taken;
	CHECK(!munmap(p, size));
}

/* By what the kernel believes, which 6.12 never does: it does not know Svadu. */
static bool kernel_knows(void)
{
#ifdef __riscv
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[1024];
	bool has = false;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		has |= !strncmp(line, "isa", 3) && strstr(line, "svadu");
	fclose(file);
	return has;
#else
	return true;
#endif
}

const char *no_adaptive(void)
{
	if (!marks_accesses)
		return "this CPU does not mark accessed pages";
	return kernel_knows() ? NULL : "this kernel does not know whether the CPU marks accessed pages (Svadu)";
}
#else
const char *no_adaptive(void)
{
	return NULL;
}
#endif

size_t address_space_size(void)
{
	size_t size = 1UL << 30;
	void *p;

	while ((p = mmap(NULL, size, PROT_NONE, ANON, -1, 0)) != MAP_FAILED) {
		CHECK(!munmap(p, size));
		size *= 2;
	}
	return size;
}

void need_memory(size_t bytes)
{
	if (field("/proc/meminfo", "MemTotal") < (long)(bytes / KIB) * 2 || bytes > SIZE_MAX / 4)
		tap_skip("that takes more memory, as huge pages are large here");
}

bool huge_pages_fit(void)
{
	return huge <= 64 * MIB;
}

void need_adaptive(void)
{
	const char *why = no_adaptive();

	if (why)
		tap_skip(why);
}

void *adaptive(size_t size)
{
	need_adaptive();
	return with_advice(size);
}

void *with_advice(size_t size)
{
	void *addr = align(tamalloc(size), size);

	CHECK(!madvise(addr, size, MADV_HUGEPAGE));
	return addr;
}

bool all_zero(const void *start, size_t bytes)
{
	const unsigned long *word = start;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

void check_strict(char *start, size_t bytes)
{
	size_t before = resident(start, bytes);

	for (size_t i = 0; i < bytes / page; i++) {
		char *p = start + i * page;
		long taken = faults();

		CHECK_EQ(peek(p), 0);
		poke(p, 'x');
		CHECK_EQ(faults() - taken, 1);
		if (i % 64 == 0 || i + 1 == bytes / page)
			CHECK_EQ(resident(start, bytes) - before, i + 1);
	}
}
