/* SPDX-License-Identifier: GPL-2.0 */
/* The operations in the table of ops.c, and what several of them need. */
#ifndef OP_H
#define OP_H

#include <errno.h>
#include <string.h>

#include "ops.h"

typedef void op_fn(struct world *w, const struct step *step);

op_fn region, neighbour, unmap, move, move_and_grow, move_dontunmap, grow,
	shrink, protect_none, protect_read, protect_write;
op_fn read_access, write_access, sweep_read, sweep_write, vm_readv, vm_writev,
	mem_read, mem_write, pipe_from, pipe_to;
op_fn dontneed, dontneed_locked, advise_free, pageout, cold, wipeonfork,
	keeponfork, dontfork, dofork, hint, hugepage, nohugepage, collapse,
	populate_read, populate_write, lock, lock_onfault, unlock, in_core;
op_fn fill_missing, track_writes, dismiss, fill_copy, fill_zero, fill_move,
	writeprotect, scan;
op_fn bind_node, migrate, clear_soft_dirty, pin_buffer, split_folios, weather;
op_fn fork_child, reap, vm_child;

static inline unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* A call must succeed (0), or fail with this errno. */
void expect(const struct world *w, const char *call, long ret, int error);
/* How many of a step's pages are mapped, from its first. */
unsigned int mapped_run(const struct world *w, const struct step *s);
void set_flag(struct world *w, const struct step *s, unsigned int n, unsigned int set,
	      unsigned int clear);
/* The kernel populates these pages, except where they are not accessible. */
void populate(struct world *w, unsigned int from, unsigned int n);
/* Write or read a byte of each page, up to the first that forbids it. */
void sweep(struct world *w, const struct step *s, bool write);
void await_children(struct world *w);
/* From this step to the end of the program, or of a child's part of it. */
void run_rest(struct world *w, unsigned int first);

#endif /* OP_H */
