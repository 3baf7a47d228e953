// SPDX-License-Identifier: GPL-2.0
/* fork, vfork, CLONE_VM, and the advice that concerns fork. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "matrix.h"

/* What a child sees of the memory, if it has the mapping at all. */
static void look(void *p)
{
	bool gone = !mappings(p, SIZE);

	if (gone)
		say("child: %s", touch(p, 'r'));
	else
		say("child: %ld resident, %s", usage(p, PAGES, "Rss"), contents(p, PAGES));
}

static void look_and_write(void *p)
{
	look(p);
	write_all(p, PAGES);
	say("written: %ld resident", usage(p, PAGES, "Rss"));
}

static void forked(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	CHECK(!child(look_and_write, p));
	say("parent: %ld resident, %s", usage(p, PAGES, "Rss"), contents(p, PAGES));
	say_kind(cell, p);
}

static void say_policy(void *p)
{
	struct vma vma;

	CHECK(find_vma(p, &vma));
	say("child: mappings: %d%s", mappings(p, SIZE), is_region(p) ? ", a region" : "");
}

static void child_kind(const struct cell *cell)
{
	CHECK(!child(say_policy, get(cell, SIZE)));
}

static void grandchild(void *p)
{
	poke(p, 'x');
	CHECK(!child(look, (char *)p + page));
}

static void thrice(const struct cell *cell)
{
	char *p = get(cell, SIZE + page);

	fill(p + page, PAGES);
	CHECK(!child(grandchild, p));
	say("parent: %ld resident, %s", usage(p, PAGES + 1, "Rss"), contents(p + page, PAGES));
}

/* The parent writes while a child shares the pages: the child's stay as they were. */
static void parent_writes(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int pipes[2], status;
	pid_t pid;
	char c;

	CHECK(!pipe(pipes));
	fill(p, PAGES);
	pid = fork();
	if (!pid) {
		CHECK(read(pipes[0], &c, 1) == 1);
		look(p);
		_exit(EXIT_SUCCESS);
	}
	write_all(p, PAGES);
	CHECK(write(pipes[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
}

/* The argument: the advice before the fork and, 8 bits up, one more. */
static void advised(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	CHECK(!madvise(p, SIZE, cell->arg & 0xff));
	if (cell->arg >> 8)
		CHECK(!madvise(p, SIZE, cell->arg >> 8));
	CHECK(!child(look, p));
	say("parent: %ld resident, %s", usage(p, PAGES, "Rss"), contents(p, PAGES));
}

struct wiped {
	const struct cell *cell;
	char *p;
};

static void write_then_look(void *arg)
{
	const struct wiped *wiped = arg;
	char *p = wiped->p;

	write_all(p, PAGES);
	say("child: %ld resident, rest %s", usage(p, PAGES, "Rss"),
	    all_zero(p + 8, page - 8) ? "zero" : "NOT zero");
	say("flags %s", flags_of(wiped->cell, p));
}

static void wiped_and_written(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	CHECK(!madvise(p, SIZE, MADV_WIPEONFORK));
	CHECK(!child(write_then_look, &(struct wiped){ cell, p }));
	say("parent: %s", contents(p, PAGES));
}

static void shared_by_vfork(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	pid_t pid = vfork();

	if (!pid) {
		fill(p, PAGES / 2);
		_exit(0);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
	say_pages(p, PAGES);
}

static int write_half(void *p)
{
	fill(p, PAGES / 2);
	return 0;
}

static void shared_by_clone(const struct cell *cell)
{
	char *p = get(cell, SIZE), *stack = plain(16 * page);
	pid_t pid = clone(write_half, stack + 16 * page, CLONE_VM | SIGCHLD, p);

	CHECK(waitpid(pid, NULL, 0) == pid);
	say_pages(p, PAGES);
}

/* When the child has exited, its pages are the parent's alone again: no copy. */
static void reused(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	long taken;

	fill(p, PAGES);
	CHECK(!child(look, p));
	taken = faults();
	write_all(p, PAGES);
	say("%ld faults to write", faults() - taken);
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void read_only_pages(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	read_all(p, PAGES);
	CHECK(!child(look_and_write, p));
	say("parent: %ld resident, %s", usage(p, PAGES, "Rss"), contents(p, PAGES));
}

const struct row fork_rows[] = {
	{ "half touched; the child writes all", forked },
	{ "untouched; the child's mapping", child_kind, 0, NAMED },
	{ "only read; the child writes all", read_only_pages, 0, READ_POPULATES },
	{ "a grandchild, 17 pages", thrice, .adaptive = WINDOWS },
	{ "the parent writes while the child lives", parent_writes },
	{ "the parent writes after the child has exited", reused },
	{ "MADV_WIPEONFORK", advised, MADV_WIPEONFORK },
	{ "MADV_WIPEONFORK; the child writes", wiped_and_written },
	{ "MADV_WIPEONFORK, then KEEPONFORK", advised, MADV_WIPEONFORK | MADV_KEEPONFORK << 8 },
	{ "MADV_DONTFORK", advised, MADV_DONTFORK },
	{ "MADV_DONTFORK, then DOFORK", advised, MADV_DONTFORK | MADV_DOFORK << 8 },
	{ "vfork; the child writes half", shared_by_vfork },
	{ "CLONE_VM; the child writes half", shared_by_clone },
	{}
};
