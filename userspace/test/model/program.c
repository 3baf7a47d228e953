// SPDX-License-Identifier: GPL-2.0
#include "ops.h"
#include "random.h"

/* Close to where page tables meet: there steps meet each other, and bugs. */
static unsigned int near_boundary(uint64_t random)
{
	unsigned int i = random % 4 * BLOCK_PAGES + random / 4 % 24;

	i -= i < 12 ? 0 : 12;
	return i < ARENA_PAGES ? i : i - 12;
}

static unsigned int length(uint64_t random, enum span span)
{
	unsigned int kind = random % 32, n = random / 32;

	if ((span == LONG && kind < 3) || (span == WIDE && kind < 12))
		return 1 + n % (ARENA_PAGES - 1);
	return kind < 24 ? 1 + n % 8 : 1 + n % 40;
}

static const struct op *choose_op(uint64_t random)
{
	unsigned int total = 0, pick;

	for (unsigned int i = 0; i < op_count; i++)
		total += ops[i].weight;
	pick = random % total;
	for (unsigned int i = 0;; i++) {
		if (pick < ops[i].weight)
			return &ops[i];
		pick -= ops[i].weight;
	}
}

static unsigned int limit(unsigned int from, unsigned int n)
{
	return n <= ARENA_PAGES - from ? n : ARENA_PAGES - from;
}

/* Every other step goes to the same place as the one before. */
static struct step choose(uint64_t *state, unsigned int depth, const struct step *last)
{
	const struct op *op = choose_op(draw(state));
	struct step step = { .op = op - ops, .depth = depth };

	step.page = draw(state) & 1 && last ? last->page : near_boundary(draw(state));
	step.to = near_boundary(draw(state));
	step.n = length(draw(state), op->span);
	step.m = length(draw(state), op->span);
	step.value = draw(state);
	if (op->span == HUGE_ALIGNED) {
		step.page = step.page / BLOCK_PAGES * BLOCK_PAGES;
		step.n = BLOCK_PAGES;
	}
	step.n = limit(step.page, step.n);
	step.m = limit(step.to, step.m);
	return step;
}

void generate(struct program *program, uint64_t seed)
{
	unsigned int end[MAX_DEPTH + 1] = { STEPS }, depth = 0;
	uint64_t state = seed;

	program->seed = seed;
	for (unsigned int i = 0; i < STEPS; i++) {
		struct step *step = &program->step[i];

		while (i >= end[depth])
			depth--;
		*step = choose(&state, depth, i ? step - 1 : NULL);
		if (ops[step->op].forks && depth < MAX_DEPTH) {
			unsigned int last = i + 1 + step->value % 12;

			end[depth + 1] = last < end[depth] ? last : end[depth];
			depth++;
		}
	}
}

const char *step_text(const struct program *program, unsigned int i)
{
	static __thread char text[160];
	const struct step *step = &program->step[i];
	const struct op *op = &ops[step->op];
	int n = snprintf(text, sizeof(text), "%*s%s [%u, +%u)", 2 * step->depth, "",
			 op->name, step->page, step->n);

	if (op->has_target)
		n += snprintf(text + n, sizeof(text) - n, " to [%u, +%u)",
			      step->to, step->m);
	snprintf(text + n, sizeof(text) - n, " value %#llx",
		 (unsigned long long)step->value);
	return text;
}

void print_step(FILE *out, const struct program *program, unsigned int i)
{
	fprintf(out, "# %4u  %s\n", i, step_text(program, i));
}
