// SPDX-License-Identifier: GPL-2.0
/* NUMA policy and migration between two nodes (numa=fake=2), and cpusets. */
#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "matrix.h"

#define CPUSET	"/sys/fs/cgroup/matrix-cpuset"

static const unsigned long node[2] = { 1 << 0, 1 << 1 };
static const unsigned long both = 3;

/* How many pages are on each node, and how many are absent. */
static void say_nodes(const char *p)
{
	void *pages[PAGES];
	int status[PAGES], on[2] = { 0, 0 }, absent = 0;

	for (size_t i = 0; i < PAGES; i++)
		pages[i] = (char *)p + i * page;
	CHECK(!syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0));
	for (size_t i = 0; i < PAGES; i++) {
		if (status[i] == 0 || status[i] == 1)
			on[status[i]]++;
		else
			absent++;
	}
	say("%d on node 0, %d on node 1, %d absent", on[0], on[1], absent);
}

static long bind(char *p, int mode, unsigned long nodes, int flags)
{
	return syscall(SYS_mbind, p, SIZE, mode, &nodes, 8 * sizeof(nodes), flags);
}

/* Half of the pages written, all of these on node 0. */
static char *on_node_0(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!bind(p, MPOL_BIND, node[0], 0));
	fill(p, PAGES / 2);
	CHECK(!bind(p, MPOL_DEFAULT, 0, 0));
	drain_lru();
	return p;
}

static void by_policy(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	say_outcome(NULL, bind(p, cell->arg & 0xff, cell->arg >> 8, 0));
	fill(p, PAGES / 2);
	read_all(p + SIZE / 2, PAGES / 2);
	write_all(p + SIZE / 2, PAGES / 2);
	say_nodes(p);
	say_kind(cell, p);
}

static void bind_part(const struct cell *cell)
{
	unsigned long nodes = node[1];
	char *p = get(cell, SIZE);

	CHECK(!bind(p, MPOL_BIND, node[0], 0));
	say_outcome(NULL, syscall(SYS_mbind, p + 4 * page, 8 * page, MPOL_BIND, &nodes, 64, 0));
	fill(p, PAGES);
	say_nodes(p);
	say("mappings: %d", mappings(p, SIZE));
	say_kind(cell, p + 4 * page);
}

static void bind_and_move(const struct cell *cell)
{
	char *p = on_node_0(cell);

	say_outcome(NULL, bind(p, MPOL_BIND, node[1], cell->arg));
	say_nodes(p);
	say_pages(p, PAGES);
}

static void move_pages(const struct cell *cell)
{
	void *pages[PAGES];
	int nodes[PAGES], status[PAGES], moved = 0, none = 0;
	char *p = on_node_0(cell);

	for (size_t i = 0; i < PAGES; i++) {
		pages[i] = p + i * page;
		nodes[i] = 1;
	}
	say_outcome(NULL, syscall(SYS_move_pages, 0, PAGES, pages, nodes, status, MPOL_MF_MOVE));
	for (size_t i = 0; i < PAGES; i++) {
		moved += status[i] == 1;
		none += status[i] == -ENOENT;
	}
	say("%d moved, %d not there", moved, none);
	say_nodes(p);
	say_pages(p, PAGES);
}

static void move_read(const struct cell *cell)
{
	void *pages[1];
	int status, to = 1;
	char *p = get(cell, SIZE);

	CHECK(!bind(p, MPOL_BIND, node[0], 0));
	read_all(p, 1);
	drain_lru();
	pages[0] = p;
	say_outcome(NULL, syscall(SYS_move_pages, 0, 1, pages, &to, &status, MPOL_MF_MOVE));
	say("%s", status < 0 ? strerrorname_np(-status) : "moved");
}

static void migrate(const struct cell *cell)
{
	char *p = on_node_0(cell);
	long left = syscall(SYS_migrate_pages, getpid(), 64, &node[0], &node[1]);

	say_outcome(NULL, left);
	say_nodes(p);
	say_pages(p, PAGES);
}

static void get_policy(const struct cell *cell)
{
	unsigned long nodes = 0;
	char *p = get(cell, SIZE);
	int mode = -1;

	CHECK(!bind(p, MPOL_PREFERRED, node[1], 0));
	say_outcome(NULL, syscall(SYS_get_mempolicy, &mode, &nodes, 64, p, MPOL_F_ADDR));
	say("mode %d, nodes %lu", mode, nodes);
}

static void get_node(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int where = -1;

	CHECK(!bind(p, MPOL_BIND, node[1], 0));
	if (cell->arg)
		write_all(p, 1);
	say_outcome(NULL, syscall(SYS_get_mempolicy, &where, NULL, 0, p, MPOL_F_ADDR | MPOL_F_NODE));
	if (cell->arg)
		say("node %d", where);
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void home_node(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!bind(p, MPOL_BIND, both, 0));
	say_outcome(NULL, syscall(SYS_set_mempolicy_home_node, p, SIZE, 1, 0));
	fill(p, PAGES);
	say_nodes(p);
}

static void home_node_default(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	say_outcome(NULL, syscall(SYS_set_mempolicy_home_node, p, SIZE, 1, 0));
	say_pages(p, PAGES);
}

static void process_policy(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	say_outcome(NULL, syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &both, 64));
	fill(p, PAGES / 2);
	read_all(p + SIZE / 2, PAGES / 2);
	write_all(p + SIZE / 2, PAGES / 2);
	say_nodes(p);
}

static void strict_check(const struct cell *cell)
{
	char *p = on_node_0(cell);

	say_outcome(NULL, bind(p, MPOL_BIND, node[1], MPOL_MF_STRICT));
	say_pages(p, PAGES);
}

/* The cpuset's memory is on node 1, then on node 0. */
static void in_cpuset(const struct cell *cell)
{
	char *p;

	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
	CHECK(!mkdir(CPUSET, 0755) || errno == EEXIST);
	write_file(CPUSET "/cpuset.mems", "1");
	write_file(CPUSET "/cgroup.procs", "0");
	p = get(cell, SIZE);
	fill(p, PAGES / 2);
	say_nodes(p);
	drain_lru();
	write_file(CPUSET "/cpuset.mems", "0");
	write_all(p + SIZE / 2, PAGES / 2);
	say("the other half written after the change");
	say_nodes(p);
	say("%s", contents(p, PAGES / 2));
	write_file("/sys/fs/cgroup/cgroup.procs", "0");
	CHECK(!rmdir(CPUSET));
}

#define POLICY(mode, nodes) ((mode) | (nodes) << 8)

const struct row numa_rows[] = {
	{ "mbind BIND to node 0", by_policy, POLICY(MPOL_BIND, 1) },
	{ "mbind BIND to node 1", by_policy, POLICY(MPOL_BIND, 2) },
	{ "mbind INTERLEAVE", by_policy, POLICY(MPOL_INTERLEAVE, 3),
	  .adaptive = LARGE_FOLIO "all of it is on one node" },
	{ "mbind WEIGHTED_INTERLEAVE", by_policy, POLICY(6, 3),
	  .adaptive = LARGE_FOLIO "all of it is on one node" },
	{ "mbind PREFERRED node 1", by_policy, POLICY(MPOL_PREFERRED, 2) },
	{ "mbind PREFERRED_MANY node 1", by_policy, POLICY(MPOL_PREFERRED_MANY, 2) },
	{ "mbind on eight pages in the middle", bind_part },
	{ "mbind to node 1 of pages on node 0", bind_and_move, 0 },
	{ "mbind to node 1 of pages on node 0 (MOVE)", bind_and_move, MPOL_MF_MOVE },
	{ "mbind to node 1 of pages on node 0 (MOVE_ALL)", bind_and_move, MPOL_MF_MOVE_ALL },
	{ "mbind to node 1 of pages on node 0 (STRICT)", strict_check, .refused = "EIO" },
	{ "set_mempolicy INTERLEAVE", process_policy,
	  .adaptive = LARGE_FOLIO "all of it is on one node" },
	{ "set_mempolicy_home_node", home_node },
	{ "set_mempolicy_home_node without a policy", home_node_default, .refused = "ENOENT" },
	{ "get_mempolicy", get_policy },
	{ "get_mempolicy, node of a written page", get_node, 1 },
	{ "get_mempolicy, node of an untouched page", get_node, 0, READ_POPULATES },
	{ "move_pages, half written", move_pages,
	  .adaptive = LARGE_FOLIO "it moves as a whole, and its second page gets EBUSY meanwhile" },
	{ "move_pages, only read", move_read, 0,
	  "a read populates a page, which can move; the shared zero page of plain memory cannot" },
	{ "migrate_pages, half written", migrate },
	{ "cpuset.mems changed from node 1 to node 0", in_cpuset },
	{}
};
