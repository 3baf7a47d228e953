// SPDX-License-Identifier: GPL-2.0
/* A region is executable only under READ_IMPLIES_EXEC. */
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "maps.h"
#include "mem.h"
#include "tap.h"
#include "uapi.h"

static void run_it(void *p)
{
	poke(p, (char)0xc3);	/* ret, on x86 */
	((void (*)(void))p)();
}

static void not_executable(void)
{
	CHECK_EQ(killed_by(run_it, tamalloc(page)), SIGSEGV);
}

static void implied(void)
{
	struct vma control, vma;
	void *mapped, *p;

	CHECK(personality(READ_IMPLIES_EXEC) >= 0);
	mapped = plain(page);
	p = tamalloc(page);
	CHECK(find_vma(mapped, &control) && find_vma(p, &vma));
	if (strcmp(vma.perms, control.perms))
		tap_fail(__FILE__, __LINE__, "a region is %s, mmap's memory %s",
			 vma.perms, control.perms);
}

/* A process that may not have memory both writable and executable. */
static void denied(void)
{
	unsigned long start = 0;

	CHECK(personality(READ_IMPLIES_EXEC) >= 0);
	CHECK_EQ(prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0), 0);
	CHECK(mmap(NULL, page, RW, ANON, -1, 0) == MAP_FAILED && errno == EACCES);
	CHECK_FAILS(tamalloc_call(page, &start), EACCES);
	CHECK_EQ(start, 0);
}

static const struct test tests[] = {
	TEST("executing a region is a SIGSEGV", not_executable),
	TEST("under READ_IMPLIES_EXEC a region has the permissions that mmap gives", implied),
	TEST("PR_SET_MDWE then refuses a region as it refuses mmap", denied),
};

TAP_MAIN(tests, no_tamalloc)
