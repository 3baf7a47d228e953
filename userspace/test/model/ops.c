// SPDX-License-Identifier: GPL-2.0
/* The table of operations, and what runs a program of them. */
#include "op.h"
#include "tap.h"

#define CHECK_ALL_EVERY	25
#define MARGIN		16U	/* pages to check around those of a step */

void expect(const struct world *w, const char *call, long ret, int error)
{
	int got = ret == -1 ? errno : 0;

	if (got != error)
		fail(w, "%s gives %s, not %s", call, got ? strerrorname_np(got) : "success",
		     error ? strerrorname_np(error) : "success");
}

unsigned int mapped_run(const struct world *w, const struct step *s)
{
	return uniform(w, s->page, s->n, false, 0);
}

void populate(struct world *w, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++)
		if (w->page[i].prot & PROT_READ)
			model_touch(w, i, w->page[i].prot & PROT_WRITE, 0, NULL, 0);
}

void set_flag(struct world *w, const struct step *s, unsigned int n,
		     unsigned int set, unsigned int clear)
{
	for (unsigned int i = s->page; i < s->page + n; i++)
		w->page[i].flags = (w->page[i].flags & ~clear) | set;
}

#define OP(op_name, op_run, op_weight, ...)	\
	{ .name = op_name, .run = op_run, .weight = op_weight, __VA_ARGS__ }

const struct op ops[] = {
	OP("reserve", region, 40, .span = WIDE),
	OP("mmap", neighbour, 30),
	OP("munmap", unmap, 25, .span = LONG),
	OP("mremap move", move, 20, .span = WIDE, .has_target = true),
	OP("mremap move and grow", move_and_grow, 10, .has_target = true),
	OP("mremap dontunmap", move_dontunmap, 15, .span = LONG, .has_target = true),
	OP("mremap grow", grow, 15),
	OP("mremap shrink", shrink, 8),
	OP("mprotect none", protect_none, 6, .span = LONG),
	OP("mprotect read", protect_read, 8, .span = LONG),
	OP("mprotect write", protect_write, 40, .span = LONG),
	OP("read", read_access, 60),
	OP("write", write_access, 100),
	OP("read each", sweep_read, 40),
	OP("write each", sweep_write, 50),
	OP("process_vm_readv", vm_readv, 15),
	OP("process_vm_writev", vm_writev, 15),
	OP("/proc/self/mem read", mem_read, 12),
	OP("/proc/self/mem write", mem_write, 12),
	OP("vmsplice", pipe_from, 10),
	OP("read from pipe", pipe_to, 10),
	OP("madvise dontneed", dontneed, 25, .span = LONG),
	OP("madvise dontneed_locked", dontneed_locked, 6),
	OP("madvise free", advise_free, 15),
	OP("madvise pageout", pageout, 30, .span = LONG),
	OP("process_madvise cold", cold, 8, .span = LONG),
	OP("madvise wipeonfork", wipeonfork, 10),
	OP("madvise keeponfork", keeponfork, 8, .span = LONG),
	OP("madvise dontfork", dontfork, 5),
	OP("madvise dofork", dofork, 8, .span = LONG),
	OP("madvise hint", hint, 16, .span = LONG),
	OP("madvise hugepage", hugepage, 12, .span = LONG),
	OP("madvise nohugepage", nohugepage, 4, .span = LONG),
	OP("madvise collapse", collapse, 3, .span = HUGE_ALIGNED),
	OP("madvise populate_read", populate_read, 12),
	OP("madvise populate_write", populate_write, 12),
	OP("mlock", lock, 12),
	OP("mlock2 onfault", lock_onfault, 10, .span = LONG),
	OP("munlock", unlock, 25, .span = LONG),
	OP("mincore", in_core, 8, .span = LONG),
	OP("mbind", bind_node, 3, .span = LONG),
	OP("move_pages", migrate, 4),
	OP("userfaultfd missing", fill_missing, 16),
	OP("userfaultfd wp_async", track_writes, 16),
	OP("userfaultfd unregister", dismiss, 10, .span = LONG),
	OP("UFFDIO_COPY", fill_copy, 8),
	OP("UFFDIO_ZEROPAGE", fill_zero, 8),
	OP("UFFDIO_MOVE", fill_move, 15, .has_target = true),
	OP("UFFDIO_WRITEPROTECT", writeprotect, 12, .span = LONG),
	OP("PAGEMAP_SCAN", scan, 20, .span = LONG),
	OP("clear soft-dirty", clear_soft_dirty, 4),
	OP("fork", fork_child, 12, .forks = true),
	OP("wait", reap, 6),
	OP("vfork and write each", vm_child, 8),
	OP("io_uring buffer", pin_buffer, 8),
	OP("split", split_folios, 4, .span = LONG),
	OP("weather", weather, 6),
};

const unsigned int op_count = sizeof(ops) / sizeof(*ops);

static void check_around(struct world *w, unsigned int from, unsigned int n)
{
	unsigned int end = from + n + MARGIN;

	check(w, from > MARGIN ? from - MARGIN : 0, least(end, ARENA_PAGES));
}

static void run_steps(struct world *w, unsigned int first)
{
	for (unsigned int i = first; i < STEPS; i++) {
		const struct step *s = &w->program->step[i];

		if (s->depth < w->depth)
			break;
		if (s->depth > w->depth || (w->keep && !w->keep[i]))
			continue;
		w->step = i;
		alarm(w->patience);
		if (!w->depth && !report->taken) {
			report->seed = w->program->seed;
			report->step = i;
		}
		if (w->trace)
			print_step(stderr, w->program, i);
		ops[s->op].run(w, s);
		if (w->thorough || i % CHECK_ALL_EVERY == 0) {
			check(w, 0, ARENA_PAGES);
			check_bound(w);
			continue;
		}
		check_around(w, s->page, s->n);
		if (ops[s->op].has_target)
			check_around(w, s->to, s->m);
	}
}

void run_rest(struct world *w, unsigned int first)
{
	run_steps(w, first);
	await_children(w);
	check(w, 0, ARENA_PAGES);
	check_bound(w);
	if (!w->depth)
		check_flags(w);
}

void run_program(struct world *w, const struct program *program, const bool *keep)
{
	w->program = program;
	w->keep = keep;
	w->forked = false;
	run_rest(w, 0);
	world_clear(w);
}
