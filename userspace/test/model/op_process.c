// SPDX-License-Identifier: GPL-2.0
/* Children: forked ones, and those that share the memory. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fill.h"
#include "op.h"

static void await(struct world *w, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			fail(w, "waitpid: %s", strerror(errno));
	if (status)
		fail(w, "a child ended with status %#x", status);
}

void await_children(struct world *w)
{
	for (unsigned int i = 0; i < MAX_CHILDREN; i++) {
		if (w->child[i])
			await(w, w->child[i]);
		w->child[i] = 0;
	}
}

void reap(struct world *w, const struct step *)
{
	await_children(w);
}

void fork_child(struct world *w, const struct step *)
{
	pid_t *slot = NULL, pid;

	for (unsigned int i = 0; i < MAX_CHILDREN && !slot; i++)
		if (!w->child[i])
			slot = &w->child[i];
	if (!slot) {
		await_children(w);
		slot = w->child;
	}
	w->forked = true;
	pid = fork();
	if (pid < 0)
		fail(w, "fork: %s", strerror(errno));
	*slot = pid;
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memset(w->child, 0, sizeof(w->child));
	w->depth++;
	fill_close(w);
	world_close_proc(w);
	world_open_proc(w);
	model_fork(w);
	check(w, 0, ARENA_PAGES);
	run_rest(w, w->step + 1);
	_exit(EXIT_SUCCESS);
}

static int write_and_exit(void *arg)
{
	struct world *w = arg;

	sweep(w, &w->program->step[w->step], true);
	return EXIT_SUCCESS;
}

/* A child that shares the memory writes to it while the parent waits. */
void vm_child(struct world *w, const struct step *)
{
	pid_t pid = clone(write_and_exit, w->stack + 64 * KIB,
			  CLONE_VM | CLONE_VFORK | SIGCHLD, w);

	if (pid < 0)
		fail(w, "clone: %s", strerror(errno));
	await(w, pid);
}
