// SPDX-License-Identifier: GPL-2.0
/* Soft-dirty tracking, by which CRIU and others find what has changed. */
#include <fcntl.h>

#include "mem.h"
#include "settings.h"
#include "tap.h"

#define PAGES 8UL
#define SOFT_DIRTY (1ULL << 55)

static bool soft_dirty(void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &entry, sizeof(entry), (uintptr_t)p / page * sizeof(entry)),
		 sizeof(entry));
	close(fd);
	return entry & SOFT_DIRTY;
}

static void first_touch(void)
{
	char *p = tamalloc(PAGES * page);

	poke(p, 1);
	write_file("/proc/self/clear_refs", "4");
	CHECK(!soft_dirty(p));
	poke(p + page, 1);
	CHECK(soft_dirty(p + page));
	CHECK(!soft_dirty(p));
	CHECK(!soft_dirty(p + 2 * page));
}

static void second_touch(void)
{
	char *p = tamalloc(PAGES * page);

	memset(p, 1, PAGES * page);
	write_file("/proc/self/clear_refs", "4");
	peek(p);
	CHECK(!soft_dirty(p));
	poke(p, 2);
	CHECK(soft_dirty(p));
	CHECK(!soft_dirty(p + page));
}

static const struct test tests[] = {
	{ "a page first written is soft-dirty, others are not", first_touch },
	{ "a page written again is soft-dirty, one that is read is not", second_touch },
};

TAP_MAIN(tests, no_tamalloc)
