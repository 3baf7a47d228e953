/* SPDX-License-Identifier: GPL-2.0 */
/* The operations: each acts on the memory and on the model of it. */
#ifndef OPS_H
#define OPS_H

#include "model.h"

/* How many pages a step covers: few, sometimes many, often many, one huge page. */
enum span { SHORT, LONG, WIDE, HUGE_ALIGNED };

struct op {
	const char *name;
	void (*run)(struct world *w, const struct step *step);
	unsigned int weight;	/* how often, relative to the others */
	enum span span;
	bool has_target;	/* uses step->to */
	bool forks;		/* some of the following steps are its child's */
};

extern const struct op ops[];
extern const unsigned int op_count;

/* Run a program's steps, or those in @keep, and check after each. */
void run_program(struct world *w, const struct program *program, const bool *keep);

#endif /* OPS_H */
