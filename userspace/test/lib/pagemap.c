// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <pthread.h>
#include <unistd.h>

#include "pagemap.h"
#include "pages.h"
#include "tap.h"

#define BATCH 512

static __thread int fd = -1;

/* The file that a parent has opened shows the parent. */
static void forget_fd(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

__attribute__((constructor)) static void forget_fd_at_fork(void)
{
	pthread_atfork(NULL, NULL, forget_fd);
}

int pagemap_fd(void)
{
	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

void pagemap_read(const void *start, uint64_t *entry, size_t pages)
{
	size_t bytes = pages * sizeof(*entry);
	off_t offset = (uintptr_t)start / page * sizeof(*entry);

	CHECK_EQ(pread(pagemap_fd(), entry, bytes, offset), bytes);
}

uint64_t pagemap(const void *addr)
{
	uint64_t entry;

	pagemap_read(addr, &entry, 1);
	return entry;
}

/* Pages in one of these states. */
static size_t count(const char *p, size_t bytes, uint64_t states)
{
	size_t pages = bytes / page, found = 0;
	uint64_t entry[BATCH];

	for (size_t done = 0; done < pages; done += BATCH) {
		size_t n = pages - done < BATCH ? pages - done : BATCH;

		pagemap_read(p + done * page, entry, n);
		for (size_t i = 0; i < n; i++)
			found += !!(entry[i] & states);
	}
	return found;
}

size_t resident(const void *start, size_t bytes)
{
	return count(start, bytes, PM_POPULATED);
}

size_t in_swap(const void *start, size_t bytes)
{
	return count(start, bytes, PM_SWAPPED);
}

static uint64_t flags_of(const char *addr)
{
	off_t offset = (pagemap(addr) & PM_FRAME) * sizeof(uint64_t);
	int flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t flags;

	CHECK(flags_fd >= 0);
	CHECK_EQ(pread(flags_fd, &flags, sizeof(flags), offset), sizeof(flags));
	close(flags_fd);
	return flags;
}

size_t folio_pages(const char *addr)
{
	const uint64_t head = 1 << KPF_COMPOUND_HEAD, tail = 1 << KPF_COMPOUND_TAIL;
	size_t pages = 1;

	if (!(flags_of(addr) & (head | tail)))
		return 1;
	while (!(flags_of(addr) & head))
		addr -= page;
	while (flags_of(addr + pages * page) & tail)
		pages++;
	return pages;
}
