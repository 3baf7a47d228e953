/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection: each allocation and each copy of a call fails in turn, by
 * /proc/self/fail-nth. Needs a kernel with CONFIG_FAULT_INJECTION.
 */
#ifndef FAIL_NTH_H
#define FAIL_NTH_H

#include <stdbool.h>

/* A call that is repeated, each time with the next allocation failing. */
struct op {
	void (*before)(void);
	/* -1 and errno, or success. */
	long (*call)(void);
	/* Check the result and remove it. */
	void (*after)(long ret);
	/* The errors documented for a lack of memory. */
	int errors[3];
	/* vm.overcommit_memory; by default 2, where every page is accounted. */
	const char *overcommit;
	/* With something to swap to. */
	bool swap;
	/* The kernel itself gets Committed_AS wrong, on any memory. */
	bool miscommits;
	/* At least one failure has to be refused: else the kernel has tried again by itself. */
	bool refuses;
};

/* The test fails unless each failure gives a success or a documented error, and leaves nothing. */
void fail_each(struct op op);

/*
 * Run @fn(@arg) in a cgroup, in a child whose allocations may all be made to fail, with @swap or
 * none. In the end everything has to be uncharged.
 */
void in_failing_cgroup(void (*fn)(void *), void *arg, bool swap);

/* What a failed call must not change. All of it is exact. */
#define STATE_COUNTS 5
#define COMMITTED_AS (STATE_COUNTS - 1)
struct state {
	long count[STATE_COUNTS];
	int maps;
};

struct state state(void);
/* @after: what may have changed it. */
void check_state(const struct state *before, const char *after);

#endif /* FAIL_NTH_H */
