// SPDX-License-Identifier: GPL-2.0
/* Resource limits, and sizes beyond the machine's memory. */
#include <stdio.h>
#include <sys/resource.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "settings.h"
#include "tap.h"

#define NOBODY 65534

static void limit(int resource, rlim_t bytes)
{
	const struct rlimit limit = { bytes, bytes };

	CHECK(!setrlimit(resource, &limit));
}

/* Within the limit both succeed; beyond it both fail alike and leave nothing. */
static void same_as_mmap(int err)
{
	long before = vm_size();
	int maps = map_count();

	CHECK_EQ(plain_errno(512 * KIB), 0);
	CHECK_EQ(tamalloc_errno(512 * KIB), 0);
	CHECK_EQ(plain_errno(2 * MIB), err);
	CHECK_EQ(tamalloc_errno(2 * MIB), err);
	CHECK_EQ(vm_size(), before);
	CHECK_EQ(map_count(), maps);
}

static void address_space(void)
{
	limit(RLIMIT_AS, vm_size() * KIB + MIB);
	same_as_mmap(ENOMEM);
}

static void data(void)
{
	limit(RLIMIT_DATA, field("/proc/self/status", "VmData") * KIB + MIB);
	same_as_mmap(ENOMEM);
}

/* mmap(2) gives EAGAIN here, and so must the call. */
static void memlock(void)
{
	limit(RLIMIT_MEMLOCK, MIB);
	CHECK(!mlockall(MCL_FUTURE));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	same_as_mmap(EAGAIN);
}

static void map_limit(void)
{
	void *last = fill_map_count();

	CHECK_EQ(tamalloc_errno(page), ENOMEM);
	CHECK(!munmap(last, page));
	CHECK_EQ(tamalloc_errno(page), 0);
}

static void terabyte(void)
{
	const size_t tib = GIB * 1024, at[] = { 0, 1, 77, tib / page / 5 * 2, tib / page - 1 };
	char *p = tamalloc(tib);
	struct vma vma;

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		long taken = faults();

		poke(p + at[i] * page, 'x');
		CHECK_EQ(faults() - taken, 1);
		CHECK(find_vma(p, &vma));
		CHECK_EQ(vma.rss_kb * KIB, (i + 1) * page);
	}
	CHECK_EQ(vma.end - vma.start, tib);
	CHECK(!munmap(p, tib));
}

/* Reserving allocates no page tables. */
static void page_tables(void)
{
	long before = field("/proc/self/status", "VmPTE");
	char *p = tamalloc(GIB * 1024);

	CHECK_EQ(field("/proc/self/status", "VmPTE"), before);
	poke(p, 1);
	CHECK(field("/proc/self/status", "VmPTE") - before <= 4 * (long)(page / KIB));
}

static const struct test tests[] = {
	TEST("RLIMIT_AS refuses a region as it refuses mmap", address_space),
	TEST("RLIMIT_DATA refuses a region as it refuses mmap", data),
	TEST("RLIMIT_MEMLOCK under MCL_FUTURE refuses a region as it refuses mmap", memlock),
	TEST("the call is ENOMEM at max_map_count and succeeds below it", map_limit),
	TEST("1 TiB reserved with five pages touched has five pages resident", terabyte),
	TEST("1 TiB costs page tables only where it is touched", page_tables),
};

TAP_MAIN(tests, no_tamalloc)
