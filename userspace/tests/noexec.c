// SPDX-License-Identifier: GPL-2.0
/* A region is not executable, also where PROT_READ would imply PROT_EXEC. */
#include <signal.h>
#include <sys/personality.h>

#include "mem.h"
#include "tap.h"

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
	CHECK(!strcmp(control.perms, "rwxp"));
	tap_note("with READ_IMPLIES_EXEC a region is %s, mmap's %s", vma.perms,
		 control.perms);
	CHECK(!strcmp(vma.perms, "rw-p"));
	CHECK_EQ(killed_by(run_it, p), SIGSEGV);
}

static const struct test tests[] = {
	{ "running what a region holds is a SIGSEGV", not_executable },
	{ "READ_IMPLIES_EXEC makes no region executable", implied },
};

TAP_MAIN(tests, no_tamalloc)
