// SPDX-License-Identifier: GPL-2.0
/* tamalloc() obeys vm.overcommit_memory as mmap(MAP_NORESERVE) does. */
#include <stdlib.h>

#include "mem.h"
#include "settings.h"
#include "tap.h"

static void same_as_mmap(const char *mode, int err_of_twice_ram, int err_of_tib)
{
	size_t ram = field("/proc/meminfo", "MemTotal") * KIB;
	size_t swap = field("/proc/meminfo", "SwapTotal") * KIB;
	const size_t sizes[] = {
		page, MIB, ram / 4, ram / 2, ram, ram + swap, 2 * (ram + swap),
		GIB * 1024, GIB << 15,
	};

	set("/proc/sys/vm/overcommit_memory", mode);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		CHECK_EQ(tamalloc_errno(sizes[i]), plain_errno(sizes[i]));
	CHECK_EQ(tamalloc_errno(page), 0);
	CHECK_EQ(tamalloc_errno(2 * (ram + swap)), err_of_twice_ram);
	CHECK_EQ(tamalloc_errno(GIB * 1024), err_of_tib);
}

static void heuristic(void)
{
	same_as_mmap("0", 0, 0);
}

static void always(void)
{
	same_as_mmap("1", 0, 0);
}

static void never(void)
{
	same_as_mmap("2", ENOMEM, ENOMEM);
}

/* What 32 MiB add to Committed_AS, to the nearest MiB. */
static long committed(void *(*get)(size_t))
{
	long before = field("/proc/meminfo", "Committed_AS"), after;
	void *p = get(32 * MIB);

	after = field("/proc/meminfo", "Committed_AS");
	CHECK(!munmap(p, 32 * MIB));
	CHECK(labs(field("/proc/meminfo", "Committed_AS") - before) < 512);
	return (after - before + 512) / 1024;
}

static void account(void)
{
	set("/proc/sys/vm/overcommit_memory", "0");
	CHECK_EQ(committed(tamalloc), 0);
	CHECK_EQ(committed(plain), 0);
	set("/proc/sys/vm/overcommit_memory", "2");
	CHECK_EQ(committed(tamalloc), 32);
	CHECK_EQ(committed(plain), 32);
}

static const struct test tests[] = {
	TEST("overcommit_memory=0 refuses a region as it refuses mmap", heuristic),
	TEST("overcommit_memory=1 refuses a region as it refuses mmap", always),
	TEST("overcommit_memory=2 refuses a region as it refuses mmap", never),
	TEST("a region is accounted only under mode 2, until it is unmapped", account),
};

TAP_MAIN(tests, no_tamalloc)
