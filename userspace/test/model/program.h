/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sequence of operations as data. All of it follows from a seed, and any subset
 * of its steps is a program too.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define STEPS		250U	/* in a program, which starts with an empty arena */
#define MAX_DEPTH	2	/* forks within forks */

/*
 * Page numbers count from the start of the arena. Steps of a higher depth after a fork
 * are the child's; the parent continues after them.
 */
struct step {
	uint8_t op, depth;
	uint16_t page, n, to, m;
	uint64_t value;
};

struct program {
	uint64_t seed;
	struct step step[STEPS];
};

void generate(struct program *program, uint64_t seed);
void print_step(FILE *out, const struct program *program, unsigned int i);
/* The text of one step, in a buffer that the next call overwrites. */
const char *step_text(const struct program *program, unsigned int i);

#endif /* PROGRAM_H */
