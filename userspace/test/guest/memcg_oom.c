// SPDX-License-Identifier: GPL-2.0
/* Pages are charged to the cgroup of the process that touches them. */
#include <signal.h>

#include "cgroup.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define LIMIT	(16 * MIB)

static void write_all(void *p)
{
	cgroup_join();
	for (size_t i = 0; i < 4 * LIMIT; i += page)
		poke((char *)p + i, 1);
}

static void read_all(void *p)
{
	cgroup_join();
	for (size_t i = 0; i < 4 * LIMIT; i += page)
		(void)peek((char *)p + i);
}

/* The child has inherited the region; the parent must not suffer. */
static void killed_alone(void (*touch_all)(void *))
{
	char *p = tamalloc(4 * LIMIT);

	for (size_t i = 0; i < MIB; i += page)
		poke(p + i, 'p');
	cgroup_make("16M", "0");
	CHECK_EQ(killed_by(touch_all, p), SIGKILL);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill"), 1);
	for (size_t i = 0; i < MIB; i += page)
		CHECK_EQ(peek(p + i), 'p');
	CHECK_EQ(resident(p, 4 * LIMIT), MIB / page);
	check_strict(p + MIB, 64 * page);
	cgroup_remove();
}

static void by_write(void)
{
	killed_alone(write_all);
}

static void by_read(void)
{
	killed_alone(read_all);
}

static void touch_and_check(void *unused)
{
	char *p;

	(void)unused;
	cgroup_join();
	p = tamalloc(4 * LIMIT);
	cgroup_check_charge(0);
	for (size_t i = 0; i < LIMIT / 2; i += page) {
		if (i / page % 2)
			poke(p + i, 1);
		else
			(void)peek(p + i);
	}
	cgroup_check_charge(LIMIT / 2);
	CHECK_EQ(cgroup_stat(CGROUP, "anon") >= (long)(LIMIT / 2), 1);
	CHECK(!madvise(p, LIMIT / 2, MADV_DONTNEED));
	cgroup_check_charge(0);
}

static void charge(void)
{
	cgroup_make("16M", "0");
	CHECK_EQ(child(touch_and_check, NULL), 0);
	cgroup_remove();
}

static const struct test tests[] = {
	TEST("touched pages are charged, and uncharged when dropped", charge),
	TEST("a child that writes beyond its limit dies alone", by_write),
	TEST("a child that reads beyond its limit dies alone", by_read),
};

TAP_MAIN(tests, no_tamalloc)
