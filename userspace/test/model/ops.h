/* SPDX-License-Identifier: GPL-2.0 */
/* The operations: each is done to the memory and to the model of it. */
#ifndef OPS_H
#define OPS_H

#include "model.h"

/* How many pages a step is about: few, at times many, often many, one huge page. */
enum span { SHORT, LONG, WIDE, HUGE_ALIGNED };

struct op {
	const char *name;
	void (*run)(struct world *w, const struct step *step);
	unsigned int weight;	/* how often, relative to the others */
	enum span span;
	bool has_target;	/* uses step->to */
	bool forks;		/* some steps that follow are its child's */
};

extern const struct op ops[];
extern const unsigned int op_count;

/* Run a program's steps, or those that @keep has, and check after each. */
void run_program(struct world *w, const struct program *program, const bool *keep);

#endif /* OPS_H */
