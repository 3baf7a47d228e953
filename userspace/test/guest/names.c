// SPDX-License-Identifier: GPL-2.0
/* How /proc shows a region. */
#include <sys/prctl.h>

#include "maps.h"
#include "mem.h"
#include "tap.h"

static void in_maps(void)
{
	struct vma vma;

	CHECK(find_vma(tamalloc(page), &vma));
	if (strcmp(vma.name, REGION_NAME))
		tap_fail(__FILE__, __LINE__, "named '%s', not " REGION_NAME, vma.name);
}

static void in_smaps(void)
{
	struct vma vma;

	CHECK(!is_region(plain(page)));
	CHECK(find_vma(tamalloc(page), &vma));
	CHECK(strstr(vma.flags, " " REGION_FLAG));
	CHECK(strstr(vma.flags, " nr"));	/* MAP_NORESERVE */
	CHECK(strstr(vma.flags, " rd wr mr mw me"));
}

static void rss(void)
{
	const size_t size = 100 * page;
	char *p = tamalloc(size);
	struct vma vma;

	for (size_t i = 0; i < 10; i++) {
		CHECK(find_vma(p, &vma));
		CHECK_EQ(vma.end - vma.start, size);
		CHECK_EQ(vma.rss_kb * KIB, i * page);
		if (i % 2)
			(void)peek(p + i * 11 * page);
		else
			poke(p + i * 11 * page, 1);
	}
}

static void own_name(void)
{
	char *p = tamalloc(4 * page);
	struct vma vma;

	CHECK(!prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, 4 * page, "mine"));
	CHECK(find_vma(p, &vma));
	CHECK(strstr(vma.name, "mine"));
	CHECK(is_region(p));
	check_strict(p, 4 * page);
}

static const struct test tests[] = {
	TEST("/proc/PID/maps names a region", in_maps),
	TEST("smaps marks regions and no plain mapping", in_smaps),
	TEST("smaps counts the pages touched, read or written", rss),
	TEST("PR_SET_VMA_ANON_NAME renames a region, which stays one", own_name),
};

TAP_MAIN(tests, no_tamalloc)
