// SPDX-License-Identifier: GPL-2.0
/* vm.overcommit_memory is obeyed as mmap(MAP_NORESERVE) obeys it. */
#include <stdlib.h>

#include "mem.h"
#include "settings.h"
#include "tap.h"

static int errno_of_mmap(size_t size)
{
	void *p = mmap(NULL, size, RW, ANON, -1, 0);
	int err = p == MAP_FAILED ? errno : 0;

	if (!err)
		munmap(p, size);
	return err;
}

static int errno_of_tamalloc(size_t size)
{
	void *p;

	if (tamalloc_call(size, &p))
		return errno;
	munmap(p, size);
	return 0;
}

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
		CHECK_EQ(errno_of_tamalloc(sizes[i]), errno_of_mmap(sizes[i]));
	CHECK_EQ(errno_of_tamalloc(page), 0);
	CHECK_EQ(errno_of_tamalloc(2 * (ram + swap)), err_of_twice_ram);
	CHECK_EQ(errno_of_tamalloc(GIB * 1024), err_of_tib);
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

/* What 32 MiB adds to the kernel's account, to the nearest MiB. */
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
