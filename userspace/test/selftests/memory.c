// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that the kernel's own selftests run on: linked into each of them in
 * place of mmap(), also for the malloc() of the static C library (--wrap=mmap,
 * --wrap=__mmap ...). With SELFTEST_KIND=strict anonymous memory is a tamalloc
 * region; with SELFTEST_KIND=plain mmap() stays mmap().
 *
 * Each mapping that it replaces adds a line to the file SELFTEST_REPLACED: a test
 * without any has shown nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

/* The flags that it can replace; any other asks for something it is not. */
#define KNOWN_FLAGS	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |		\
			 MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_POPULATE |	\
			 MAP_NONBLOCK | MAP_LOCKED)

static void *map(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static void *map_strict(size_t len)
{
	unsigned long addr;

	return syscall(SYS_tamalloc, len, &addr) ? MAP_FAILED : (void *)addr;
}

/* Not private: the comparison has to notice. */
static void *map_shared(size_t len)
{
	return map(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static const struct kind {
	const char *name;
	void *(*map)(size_t len);
} kinds[] = {
	{ "strict", map_strict },
	{ "shared", map_shared },
};

static const struct kind *wanted_kind(void)
{
	const char *name = getenv("SELFTEST_KIND");

	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	}
	return NULL;
}

/* A private mapping of /dev/zero is anonymous memory, too. */
static bool is_anonymous(int flags, int fd)
{
	struct stat st;

	if (flags & MAP_ANONYMOUS)
		return true;
	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 5);
}

static void count_replaced(void)
{
	const char *path = getenv("SELFTEST_REPLACED");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (fd < 0 || write(fd, "\n", 1) != 1)
		abort();
	close(fd);
}

/* Finds a place for such a mapping, and keeps it with a PROT_NONE one. */
static void *reserve(void *addr, size_t len, int flags)
{
	flags &= MAP_FIXED | MAP_FIXED_NOREPLACE;
	return map(addr, len, PROT_NONE, flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void *map_at(const struct kind *kind, void *addr, size_t len, int flags)
{
	void *place, *region;

	if (!addr && !(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return kind->map(len);

	place = reserve(addr, len, flags);
	if (place == MAP_FAILED)
		return MAP_FAILED;
	region = kind->map(len);
	if (region == MAP_FAILED) {
		munmap(place, len);
		return MAP_FAILED;
	}
	return mremap(region, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, place);
}

/* mmap(), with memory of that kind. */
static void *stand_in(const struct kind *kind, void *addr, size_t len, int prot, int flags)
{
	void *region = map_at(kind, addr, len, flags);

	if (region == MAP_FAILED)
		return MAP_FAILED;
	if (prot != (PROT_READ | PROT_WRITE) && mprotect(region, len, prot)) {
		munmap(region, len);
		return MAP_FAILED;
	}
	/* mmap() fails with another error if too much is locked. */
	if ((flags & MAP_LOCKED) && mlock(region, len)) {
		munmap(region, len);
		errno = EAGAIN;
		return MAP_FAILED;
	}
	/* MAP_POPULATE does not report failures. */
	if (flags & MAP_POPULATE)
		madvise(region, len, prot & PROT_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	return region;
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	const struct kind *kind = wanted_kind();
	int error = errno;
	void *region;

	if (!kind || !(flags & MAP_PRIVATE) || flags & ~KNOWN_FLAGS || !is_anonymous(flags, fd))
		return map(addr, len, prot, flags, fd, offset);

	count_replaced();
	region = stand_in(kind, addr, len, prot, flags);
	if (region != MAP_FAILED)
		errno = error;
	return region;
}

void *__wrap_mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("__wrap_mmap")));
void *__wrap___mmap(void *, size_t, int, int, int, off_t) __attribute__((alias("__wrap_mmap")));
void *__wrap___mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("__wrap_mmap")));
