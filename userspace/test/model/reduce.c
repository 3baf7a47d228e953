// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <sys/wait.h>

#include "ops.h"
#include "reduce.h"
#include "tap.h"

#define PATIENCE	10	/* seconds for a step */
#define MAX_REPLAYS	400
#define TRIES		3	/* the program does not hold what the system does meanwhile */

bool replay(const struct program *program, const bool *keep, struct kind *kind,
	    bool trace)
{
	int status;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		struct world *w = malloc(sizeof(*w));

		catch_faults();
		world_init(w, 0, kind);
		w->patience = PATIENCE;
		w->thorough = true;
		w->trace = trace;
		run_program(w, program, keep);
		_exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return report_failure(status);
}

static int replays;

static bool still_fails(const struct program *program, const bool *keep,
			struct kind *kind)
{
	for (int i = 0; i < TRIES; i++)
		if (replays++ < MAX_REPLAYS && replay(program, keep, kind, false))
			return true;
	return false;
}

static unsigned int count(const bool *keep)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < STEPS; i++)
		n += keep[i];
	return n;
}

/* Leave out @size steps at a time where it still fails without them. */
static bool leave_out(const struct program *program, bool *keep, struct kind *kind,
		      unsigned int size)
{
	unsigned int end = STEPS;
	bool shorter = false;

	while (end) {
		bool without[STEPS];
		unsigned int i = end, left_out = 0;

		memcpy(without, keep, sizeof(without));
		while (i && left_out < size) {
			left_out += without[--i];
			without[i] = false;
		}
		if (left_out && still_fails(program, without, kind)) {
			memcpy(keep, without, sizeof(without));
			shorter = true;
		}
		end = i;
	}
	return shorter;
}

void reduce(struct kind *kind, const char *options)
{
	struct program *program = malloc(sizeof(*program));
	bool keep[STEPS];
	struct report last;

	generate(program, report->seed);
	for (unsigned int i = 0; i < STEPS; i++)
		keep[i] = i <= report->step;
	replays = 0;
	if (!still_fails(program, keep, kind)) {
		tap_note("its %u steps pass when they run again alone: something that ran meanwhile matters",
			 count(keep));
		tap_note("to try again: model%s --seed %llu", options,
			 (unsigned long long)program->seed);
		return;
	}
	for (unsigned int size = count(keep) / 2; size; size /= 2)
		leave_out(program, keep, kind, size);
	while (count(keep) > 1 && leave_out(program, keep, kind, 1))
		;
	still_fails(program, keep, kind);
	last = *report;
	tap_note("reduced to %u steps in %d replays:", count(keep), replays);
	for (unsigned int i = 0; i < STEPS; i++)
		if (keep[i])
			print_step(stdout, program, i);
	tap_note("seed %llu, step %u: %s", (unsigned long long)program->seed, last.step,
		 last.text);
	printf("# to see it again: model%s --seed %llu --steps ", options,
	       (unsigned long long)program->seed);
	for (unsigned int i = 0, n = 0; i < STEPS; i++)
		if (keep[i])
			printf("%s%u", n++ ? "," : "", i);
	printf("\n");
	free(program);
}
