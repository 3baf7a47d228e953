// SPDX-License-Identifier: GPL-2.0
/* Passes on a kernel without the call and fails on one with it. */
#include "mem.h"
#include "tap.h"

static void enosys(void)
{
	void *addr = NULL;

	CHECK_FAILS(tamalloc_call(10 * MIB, &addr), ENOSYS);
	CHECK(!addr);
}

static const struct test tests[] = {
	TEST("a kernel without tamalloc returns ENOSYS", enosys),
};

TAP_MAIN(tests, NULL)
