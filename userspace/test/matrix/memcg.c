// SPDX-License-Identifier: GPL-2.0
/* Memory cgroups. Version 2: charges, limits, OOM, moving a task. Version 1: moving charges. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "matrix.h"
#include "swap.h"

#define OTHER	CGROUP_MOUNT "/other"
#define LIMIT	(4 * MIB)
#define LIMIT_TEXT	"4M"

struct fill {
	char *p;
	size_t pages;
	char how;
};

static long charged(const char *cgroup)
{
	return cgroup_stat(cgroup, "anon") / (long)page;
}

static void say_charge(void *arg)
{
	const struct cell *cell = arg;
	char *p;
	long before;

	cgroup_join();
	settle();
	p = get(cell, 1024 * page);
	before = charged(CGROUP);
	write_all(p, 512);
	say("512 written: %ld", charged(CGROUP) - before);
	write_all(p, 512);
	say("again: %ld", charged(CGROUP) - before);
	CHECK(!madvise(p, 256 * page, MADV_DONTNEED));
	say("half dropped: %ld", charged(CGROUP) - before);
	read_all(p + 512 * page, 512);
	say("512 others read: %ld", charged(CGROUP) - before);
}

static void charge(const struct cell *cell)
{
	cgroup_make("max", "max");
	CHECK(!child(say_charge, (void *)cell));
	cgroup_remove();
}

/* Three times what the cgroup may hold. */
static void fill_and_look(void *arg)
{
	const struct cell *cell = arg;
	const size_t pages = 3 * LIMIT / page;
	char *p;

	cgroup_join();
	p = cell->kind->map(pages * page);
	fill(p, pages);
	say(swapped(p, pages) >= pages / 2 ? "more than half swapped" : "NOT swapped");
	say("%ld resident and swapped", usage(p, pages, "Rss") + usage(p, pages, "Swap"));
	say("%s", contents(p, pages));
}

static void limited(const struct cell *cell)
{
	start_swap(ZRAM);
	if (cell->arg >= 0) {
		const char mode[2] = { '0' + cell->arg };

		set("/sys/kernel/mm/lru_gen/enabled", mode);
	}
	cgroup_make(LIMIT_TEXT, "max");
	CHECK(!child(fill_and_look, (void *)cell));
	cgroup_remove();
	stop_swap();
}

static void touch_all(void *arg)
{
	struct fill *fill = arg;

	cgroup_join();
	if (fill->how == 'r')
		read_all(fill->p, fill->pages);
	else
		write_all(fill->p, fill->pages);
}

/* The memory is the parent's, which keeps it when the child is killed. */
static void killed(const struct cell *cell)
{
	const size_t pages = 3 * LIMIT / page;
	struct fill all = { get(cell, pages * page), pages, cell->arg };
	int signal;

	fill(all.p, 16);
	cgroup_make(LIMIT_TEXT, "0");
	signal = killed_by(touch_all, &all);
	say(signal ? "SIG%s" : "not killed%s", signal ? sigabbrev_np(signal) : "");
	say("%ld oom_kill", field(CGROUP "/memory.events", "oom_kill"));
	say("parent: %ld resident, %s", usage(all.p, pages, "Rss"), contents(all.p, pages));
	cgroup_remove();
}

/* Beyond memory.high a process is throttled and reclaimed from. */
static void high(const struct cell *cell)
{
	const size_t pages = 2 * LIMIT / page;
	struct fill all = { cell->kind->map(pages * page), pages, 'w' };

	start_swap(ZRAM);
	cgroup_make("max", "max");
	write_file(CGROUP "/memory.high", LIMIT_TEXT);
	CHECK(!child(touch_all, &all));
	say(field(CGROUP "/memory.events", "high") > 0 ? "throttled" : "NOT throttled");
	say("%ld oom_kill", field(CGROUP "/memory.events", "oom_kill"));
	cgroup_remove();
	stop_swap();
}

static void reclaim_all(void *arg)
{
	const struct cell *cell = arg;
	char *p;

	cgroup_join();
	p = get(cell, 512 * page);
	fill(p, 512);
	write_file(CGROUP "/memory.reclaim", "1M");
	say(swapped(p, 512) >= 128 ? "swapped" : "NOT swapped");
	say("%s", contents(p, 512));
}

static void reclaimed(const struct cell *cell)
{
	start_swap(ZRAM);
	cgroup_make("max", "max");
	CHECK(!child(reclaim_all, (void *)cell));
	cgroup_remove();
	stop_swap();
}

/* In version 2 charges stay where the pages were touched. */
static void move_away(void *arg)
{
	const struct cell *cell = arg;
	long here, there;
	char *p;

	cgroup_join();
	settle();
	here = charged(CGROUP);
	p = get(cell, 512 * page);
	write_all(p, 256);
	write_file(OTHER "/cgroup.procs", "0");
	there = charged(OTHER);
	say("moved: %ld here, %ld there", charged(CGROUP) - here, charged(OTHER) - there);
	write_all(p, 512);
	say("256 more: %ld here, %ld there", charged(CGROUP) - here, charged(OTHER) - there);
}

static void task_moved(const struct cell *cell)
{
	cgroup_make("max", "max");
	CHECK(!mkdir(OTHER, 0755) || errno == EEXIST);
	CHECK(!child(move_away, (void *)cell));
	CHECK(!rmdir(OTHER));
	cgroup_remove();
}

/* The OOM killer takes the whole group. */
static void killed_group(const struct cell *cell)
{
	const size_t pages = 3 * LIMIT / page;
	struct fill all = { cell->kind->map(pages * page), pages, 'w' };
	int signal;

	cgroup_make(LIMIT_TEXT, "0");
	write_file(CGROUP "/memory.oom.group", "1");
	signal = killed_by(touch_all, &all);
	say(signal ? "SIG%s" : "not killed%s", signal ? sigabbrev_np(signal) : "");
	say("%ld oom_group_kill", field(CGROUP "/memory.events", "oom_group_kill"));
	say("%ld left charged", charged(CGROUP));
	cgroup_remove();
}

const struct row memcg_rows[] = {
	{ "charge for written, dropped and read pages", charge, 0, READ_POPULATES },
	{ "three times memory.max, with swap", limited, -1 },
	{ "three times memory.max, with swap, MGLRU off", limited, 0 },
	{ "three times memory.max, with swap, MGLRU on", limited, 7 },
	{ "three times memory.max written, no swap", killed, 'w' },
	{ "three times memory.max read, no swap", killed, 'r', READ_POPULATES,
	  .adaptive = "pages of zeroes that came ahead are given back, touched since or not" },
	{ "three times memory.max, oom.group", killed_group },
	{ "twice memory.high", high },
	{ "memory.reclaim", reclaimed },
	{ "task moved to another cgroup", task_moved },
	{}
};

#define V1	"/tmp/matrix-cgroup1"

static void charges_move(void *arg)
{
	const struct cell *cell = arg;
	long here, there;
	char *p;

	write_file(V1 "/here/cgroup.procs", "0");
	p = get(cell, 512 * page);
	write_all(p, 256);
	read_all(p + 256 * page, 256);
	drain_lru();
	here = cgroup_stat(V1 "/here", "rss") / (long)page;
	there = cgroup_stat(V1 "/there", "rss") / (long)page;
	write_file(V1 "/there/cgroup.procs", "0");
	here -= cgroup_stat(V1 "/here", "rss") / (long)page;
	there = cgroup_stat(V1 "/there", "rss") / (long)page - there;
	say("as many gone as come: %s", here == there ? "yes" : "NO");
	say(there >= 512 ? "written and read pages moved" : there >= 256 ? "written pages moved" : "NOT moved");
}

static void moved_with_charges(const struct cell *cell)
{
	mount_at(V1, "tmpfs");
	CHECK(!mount("none", V1, "cgroup", 0, "memory"));
	CHECK(!mkdir(V1 "/here", 0755) || errno == EEXIST);
	CHECK(!mkdir(V1 "/there", 0755) || errno == EEXIST);
	write_file(V1 "/there/memory.move_charge_at_immigrate", "1");
	CHECK(!child(charges_move, (void *)cell));
	CHECK(!rmdir(V1 "/here"));
	CHECK(!rmdir(V1 "/there"));
}

const struct row memcg1_rows[] = {
	{ "task moved, its charges with it", moved_with_charges, 0, READ_POPULATES,
	  .adaptive = LARGE_FOLIO "version 1 does not move one that is mapped by ptes",
	  .before = LINUX(6, 13) },
	{}
};
