// SPDX-License-Identifier: GPL-2.0
/* Regions across fork, vfork and CLONE_VM. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define PAGES	64
#define SIZE	(PAGES * page)

/* One third written, one read, one untouched. */
static char *region(void)
{
	char *p;

	set(THP "enabled", "always");
	p = tamalloc(3 * SIZE);
	for (size_t i = 0; i < SIZE; i += page) {
		poke(p + i, 'p');
		(void)peek(p + SIZE + i);
	}
	return p;
}

static void check_region(char *p)
{
	for (size_t i = 0; i < SIZE; i += page)
		CHECK_EQ(peek(p + i), 'p');
	CHECK(all_zero(p + SIZE, SIZE));
	CHECK_EQ(resident(p, 3 * SIZE), 2 * PAGES);
}

static void look(void *p)
{
	CHECK(is_region(p));
	check_region(p);
	check_strict((char *)p + 2 * SIZE, SIZE);
}

static void inherited(void)
{
	char *p = region();

	CHECK_EQ(child(look, p), 0);
	check_region(p);
	check_strict(p + 2 * SIZE, SIZE);
}

static void overwrite(void *p)
{
	memset(p, 'c', 3 * SIZE);
	CHECK_EQ(resident(p, 3 * SIZE), 3 * PAGES);
}

static void child_writes(void)
{
	char *p = region();

	CHECK_EQ(child(overwrite, p), 0);
	check_region(p);
}

struct pair {
	char *p;
	int go[2];
};

/* Looks only after the parent has overwritten everything. */
static void look_later(void *arg)
{
	struct pair *pair = arg;
	char c;

	CHECK_EQ(read(pair->go[0], &c, 1), 1);
	check_region(pair->p);
	check_strict(pair->p + 2 * SIZE, SIZE);
}

static void parent_writes(void)
{
	struct pair pair = { .p = region() };
	int status;
	pid_t pid;

	CHECK(!pipe(pair.go));
	pid = fork();
	if (!pid) {
		look_later(&pair);
		_exit(EXIT_SUCCESS);
	}
	memset(pair.p, 'q', 3 * SIZE);
	CHECK_EQ(write(pair.go[1], "g", 1), 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	for (size_t i = 0; i < 3 * SIZE; i += page)
		CHECK_EQ(peek(pair.p + i), 'q');
}

static void look_and_fork(void *p)
{
	CHECK_EQ(child(overwrite, p), 0);
	CHECK_EQ(child(look, p), 0);
	look(p);
}

static void grandchild(void)
{
	char *p = region();

	CHECK_EQ(child(look_and_fork, p), 0);
	check_region(p);
}

static void unmap(void *p)
{
	CHECK(!munmap(p, 3 * SIZE));
}

static void child_unmaps(void)
{
	char *p = region();

	CHECK_EQ(child(unmap, p), 0);
	look(p);
}

static void look_wiped(void *p)
{
	CHECK(is_region(p));
	CHECK_EQ(resident(p, 3 * SIZE), 0);
	check_strict(p, 3 * SIZE);
}

static void wipeonfork(void)
{
	char *p = region();

	CHECK(!madvise(p, 3 * SIZE, MADV_WIPEONFORK));
	CHECK_EQ(child(look_wiped, p), 0);
	check_region(p);
	CHECK(!madvise(p, 3 * SIZE, MADV_KEEPONFORK));
	CHECK_EQ(child(look, p), 0);
}

static void read_at(void *p)
{
	(void)peek(p);
}

static void dontfork(void)
{
	char *p = region();

	CHECK(!madvise(p, 3 * SIZE, MADV_DONTFORK));
	CHECK_EQ(killed_by(read_at, p), SIGSEGV);
	CHECK_EQ(killed_by(read_at, p + 2 * SIZE), SIGSEGV);
	check_region(p);
	CHECK(!madvise(p, 3 * SIZE, MADV_DOFORK));
	CHECK_EQ(child(look, p), 0);
}

/* The child of vfork() shares memory: the parent has what it touches. */
static void vforked(void)
{
	char *p = region();
	pid_t pid = vfork();
	int status;

	if (!pid) {
		poke(p, 'v');
		poke(p + 2 * SIZE, 'v');
		_exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(peek(p), 'v');
	CHECK_EQ(peek(p + 2 * SIZE), 'v');
	CHECK_EQ(resident(p, 3 * SIZE), 2 * PAGES + 1);
}

static int touch_third(void *p)
{
	for (size_t i = 0; i < SIZE; i += page)
		poke((char *)p + 2 * SIZE + i, 'v');
	return 0;
}

static void clone_vm(void)
{
	char *p = region(), *stack = plain(16 * page);
	int status;
	pid_t pid;

	memset(stack, 0, 16 * page);
	pid = clone(touch_third, stack + 16 * page, CLONE_VM | SIGCHLD, p);
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(peek(p + 2 * SIZE), 'v');
	CHECK_EQ(resident(p, 3 * SIZE), 3 * PAGES);
}

static const struct test tests[] = {
	TEST("a child inherits contents, untouched pages and policy", inherited),
	TEST("a parent does not see its child's writes", child_writes),
	TEST("a child does not see its parent's writes", parent_writes),
	TEST("a grandchild inherits what a child does", grandchild),
	TEST("a child that unmaps a region leaves its parent's alone", child_unmaps),
	TEST("MADV_WIPEONFORK gives the child an empty, strict region", wipeonfork),
	TEST("MADV_DONTFORK gives the child no region", dontfork),
	TEST("vfork shares a region", vforked),
	TEST("CLONE_VM shares a region", clone_vm),
};

TAP_MAIN(tests, no_tamalloc)
