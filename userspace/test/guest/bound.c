// SPDX-License-Identifier: GPL-2.0
/*
 * A region never has twice as many pages as were ever touched in it. An adversary tries to
 * break this bound: by every order of touching a few pages, by every subset of some more,
 * by the ways that have broken it before, and by programs that a search breeds by mutation.
 *
 *	bound [programs=N] [seed=N] [quick=1] [PATTERN]
 */
#include "bound.h"
#include "random.h"
#include "swap.h"

#define MAX_STEPS	20
#define BRED_STEPS	12	/* in a program of the search */
#define TIGHT		0.955	/* of the most there can be: the search has to come this close */

static unsigned long programs = 1000, seed = 1, quick;
static uint64_t state;			/* of the random numbers */

static void open_aligned(size_t count)
{
	prepare(count);
	open_region(0);
}

/* A region that lies across the end of a page table. */
static void open_across(size_t count)
{
	prepare(count);
	open_region(TABLE - count / 2);
}

static void start_over(void)
{
	CHECK(!madvise(region, pages * page, MADV_DONTNEED));
	forget();
}

static void check_bound(const size_t *order, size_t count)
{
	char text[256] = "";

	if (!breaks_bound(best))
		return;
	for (size_t i = 0; i < count; i++)
		sprintf(text + strlen(text), " %zu", order[i]);
	tap_fail(__FILE__, __LINE__, "%zu pages for %zu touched: of%s", best->filled,
		 best->touched, text);
}

static void touch_in_order(const size_t *order, size_t count)
{
	start_over();
	for (size_t i = 0; i < count; i++)
		touch(order[i], i % 2);
	check_bound(order, count);
}

/* One order in eight, sets of 12 pages and a twentieth of the programs have to do. */
static bool is_quick(void)
{
	return quick || has_detectors();
}

static int orders_left_out;	/* between two that are tried */

/* Orders of fewer pages are the beginnings of these. */
static void permute(size_t *order, size_t done, size_t count)
{
	static int left_out;

	if (done == count) {
		left_out = left_out ? left_out - 1 : orders_left_out;
		if (left_out == orders_left_out)
			touch_in_order(order, count);
		return;
	}
	for (size_t i = done; i < count; i++) {
		size_t first = order[done];

		order[done] = order[i];
		order[i] = first;
		permute(order, done + 1, count);
		order[i] = order[done];
		order[done] = first;
	}
}

/* The worst case that there is has to be reached: @filled pages for @touched. */
static void check_worst(size_t filled, size_t count)
{
	CHECK_EQ(best->filled, filled);
	CHECK_EQ(best->touched, count);
}

static void all_orders_in(void (*open)(size_t))
{
	size_t order[8];

	alarm(1800);
	orders_left_out = is_quick() ? 7 : 0;
	open(8);
	for (size_t i = 0; i < 8; i++)
		order[i] = i;
	permute(order, 0, 8);
}

static void all_orders(void)
{
	all_orders_in(open_aligned);
	check_worst(8, 5);
}

static void all_orders_across(void)
{
	all_orders_in(open_across);
	/* A group of eight does not lie in there. */
	check_worst(1, 1);
}

static void all_sets_in(void (*open)(size_t))
{
	size_t order[16], count = is_quick() ? 12 : 16;

	alarm(1800);
	open(count);
	for (size_t chosen = 1; chosen < 1UL << count; chosen++) {
		size_t members = 0;

		for (size_t i = 0; i < count; i++)
			if (chosen >> i & 1)
				order[members++] = i;
		touch_in_order(order, members);
	}
}

static void all_sets(void)
{
	all_sets_in(open_aligned);
	if (is_quick())
		check_worst(8, 5);
	else
		check_worst(16, 9);
}

static void all_sets_across(void)
{
	all_sets_in(open_across);
	/* Six pages of a group are no whole one. */
	if (is_quick())
		check_worst(1, 1);
	else
		check_worst(8, 5);
}

static uint64_t next(uint64_t limit)
{
	return draw_below(&state, limit);
}

struct program {
	size_t steps;
	struct step step[MAX_STEPS];
};

/* In a region of its own. */
static struct score run(const struct program *program)
{
	*best = (struct score){ 0 };
	open_region(0);
	for (size_t i = 0; i < program->steps; i++)
		run_step(&program->step[i]);
	close_region();
	return *best;
}

/* Often where windows begin and end, or right beside. */
static size_t place(size_t below)
{
	size_t i = next(below);

	switch (next(4)) {
	case 0: return i;
	case 1: return i & -4;
	case 2: return i & -(1UL << next(10));
	default: return (1UL << next(11)) % below;
	}
}

/* Most act on the region, some on what was moved out of it. */
static struct step draw_step(void)
{
	struct step step = { .stride = 1 + next(9) };
	int total = 0, drawn;

	for (int verb = 0; verb < VERBS; verb++)
		total += verbs[verb].weight;
	drawn = next(total);
	while (drawn >= verbs[step.verb].weight)
		drawn -= verbs[step.verb++].weight;
	step.first = place(pages);
	step.count = 1 + place(pages - step.first);
	if (!next(8))
		step.first += pages;
	if (step.verb == PAGEOUT || step.verb == FORK || step.verb == MIGRATE || step.verb == PIN)
		step.count = 1 + step.count % 64;
	return step;
}

static void insert(struct program *program, size_t i, struct step step)
{
	if (program->steps == BRED_STEPS)
		program->steps--;
	memmove(&program->step[i + 1], &program->step[i], (MAX_STEPS - 1 - i) * sizeof(step));
	program->step[i] = step;
	program->steps++;
}

static void take_out(struct program *program, size_t i)
{
	program->steps--;
	memmove(&program->step[i], &program->step[i + 1], (program->steps - i) * sizeof(*program->step));
}

static struct program mutate(struct program program)
{
	size_t i = program.steps ? next(program.steps) : 0;
	struct step *step = &program.step[i];

	if (!program.steps || next(3) == 0) {
		insert(&program, i < BRED_STEPS - 1 ? i : 0, draw_step());
		return program;
	}
	switch (next(5)) {
	case 0: take_out(&program, i); break;
	case 1: *step = draw_step(); break;
	case 2: step->first = place(pages); break;
	case 3: step->count = 1 + step->count / 2; break;
	case 4: step->count += next(2) ? 1 : step->count; break;
	}
	return program;
}

static void print_program(const struct program *program)
{
	for (size_t i = 0; i < program->steps; i++) {
		const struct step *step = &program->step[i];

		tap_note("  %s %zu-%zu (%zu)", verbs[step->verb].name, step->first,
			 step->first + step->count - 1, step->stride);
	}
}

static bool breaks(const struct program *program)
{
	struct score score = run(program);

	return breaks_bound(&score);
}

/* Drop each step that is not needed to break the bound. */
static void shorten(struct program *program)
{
	for (size_t i = program->steps; i--;) {
		struct program less = *program;

		take_out(&less, i);
		if (breaks(&less))
			*program = less;
	}
}

static void fail(struct program *program)
{
	struct score score;

	shorten(program);
	score = run(program);
	print_program(program);
	tap_fail(__FILE__, __LINE__, "%zu pages for %zu touched by the above", score.filled, score.touched);
}

/* For verbs that swap and reclaim. */
static void open_system(void)
{
	prepare(2 * GROUP);
	start_swap(ANY_SWAP);
	cgroup_make("max", "max");
	cgroup_join();
}

/* A way that has broken the bound, or looks as if it could. */
static void try(struct program program)
{
	struct score score;

	alarm(300);
	open_system();
	score = run(&program);
	tap_note("%zu pages for %zu touched, %.3f", score.filled, score.touched, ratio(&score));
	if (breaks_bound(&score))
		fail(&program);
	/* Control: something did come ahead. */
	CHECK(score.filled > score.touched);
	stop_swap();
}

#define COUNT(...) (sizeof((struct step[]){ __VA_ARGS__ }) / sizeof(struct step))
#define WAY(name, ...) static void name(void) \
{ \
	try((struct program){ COUNT(__VA_ARGS__), { __VA_ARGS__ } }); \
}
/* Of a group as many pages as it takes to have them all, and one behind it. */
#define HALF { TOUCH, 0, WINDOW + 1, 1 }
#define BEHIND { TOUCH, GROUP, 1, 1 }
/* The half with what was filled goes elsewhere, and its first page is touched again. */
#define AGAIN(verb) { verb, WINDOW, WINDOW, 2 }, { TOUCH, WINDOW, 1, 1 }
/* A page of each folio that may have come ahead. */
#define PIN_AT(part) { PIN, WINDOW + WINDOW / (part), 1, 1 }
#define PINS { PIN, WINDOW, 4, 1 }, PIN_AT(64), PIN_AT(32), PIN_AT(16), PIN_AT(8), PIN_AT(4), PIN_AT(2)

WAY(forked_with_pins, HALF, { PIN, 0, WINDOW, 1 }, PINS, { FORK, GROUP, 1, 1 })
WAY(generations_with_pins, HALF, PINS, { FORK, GROUP, 1, 3 })
WAY(generations, HALF, { FORK, GROUP, 1, 3 })
WAY(filled_part_moves, HALF, AGAIN(DONTUNMAP), AGAIN(DONTUNMAP), AGAIN(DONTUNMAP), AGAIN(DONTUNMAP))
/* The first new place is 2 * GROUP: the page right behind the evidence there is touched. */
WAY(evidence_moves, HALF, { MOVE, 0, WINDOW, 2 }, { TOUCH, 2 * GROUP + WINDOW, 1, 1 })
WAY(evidence_moves_and_stays_mapped, HALF, { DONTUNMAP, 0, WINDOW + 5, 2 }, HALF)
WAY(filled_part_is_moved_by_uffd, HALF, AGAIN(UFFD_MOVE), AGAIN(UFFD_MOVE), AGAIN(UFFD_MOVE))
WAY(evidence_is_moved_by_uffd, HALF, { UFFD_MOVE, 0, WINDOW, 2 }, { TOUCH, 2 * GROUP + WINDOW, 1, 1 })
WAY(moved_unaligned, HALF, { MOVE, 0, GROUP, 1 }, { TOUCH, 2 * GROUP + 1, WINDOW + 1, 1 },
	{ TOUCH, 3 * GROUP + 1, 1, 1 })
/* One of the first of equal pages stays what it is: here they have been touched. */
#define FIRST_ZEROES { READ, WINDOW + 1, 7, 1 }
WAY(merged_and_unmerged, HALF, FIRST_ZEROES, { LOCK_ONFAULT, 0, 2 * GROUP, 1 }, { MERGE, 0, 2 * GROUP, 1 }, BEHIND)
WAY(merged_and_unmerged_by_system, HALF, FIRST_ZEROES, { LOCK_ONFAULT, 0, 2 * GROUP, 1 }, { MERGE, 0, 2 * GROUP, 2 }, BEHIND)
WAY(merged_not_locked, HALF, FIRST_ZEROES, { MERGE, 0, 2 * GROUP, 1 }, BEHIND)
WAY(swapped, HALF, { PAGEOUT, 0, GROUP, 1 }, { READ, 0, 1, 1 }, { READ, WINDOW + 5, 1, 1 }, BEHIND)
WAY(reclaimed, HALF, { RECLAIM, 0, 1, 1 }, { READ, 0, WINDOW + 1, 1 }, BEHIND)
WAY(lazily_freed, HALF, { FREE, 0, GROUP, 1 }, { TOUCH, 0, 1, 1 }, BEHIND)
WAY(split_up, HALF, { SPLIT, 0, GROUP, 1 }, BEHIND)
WAY(seen_by_khugepaged, HALF, { KHUGEPAGED_SCANS, 0, 1, 1 }, BEHIND)
WAY(migrated, HALF, { MIGRATE, 0, GROUP, 1 }, BEHIND)
WAY(protected, HALF, { PROTECT, 0, GROUP, 2 }, BEHIND)
WAY(write_protected, HALF, { UFFD_WP, 0, 2 * GROUP, 1 }, BEHIND)
WAY(locked_and_unlocked, HALF, { LOCK_ONFAULT, 0, 2 * GROUP, 1 }, { UNLOCK, 0, 2 * GROUP, 1 }, BEHIND)
WAY(dropped, HALF, { DROP, 0, WINDOW, 1 }, BEHIND, { DROP, WINDOW, WINDOW, 1 }, HALF)
WAY(evidence_aged, HALF, { CLEAR_REFS, 0, 1, 1 }, { EVERY, 0, GROUP, 9 }, BEHIND)

static void search(void)
{
	struct program tried, climber = { 0 };
	struct score score, at = { 0 }, top = { 0 };
	long count = is_quick() ? programs / 20 : programs;

	alarm(1800);
	open_system();
	state = seed;
	tap_note("to repeat it: bound programs=%lu seed=%lu", programs, seed);
	for (long i = 0; i < count; i++) {
		/* Start afresh from time to time, so as not to stay on one hill. */
		if (i % 100 == 0) {
			climber = (struct program){ 0 };
			at = (struct score){ 0 };
		}
		tried = mutate(climber);
		score = run(&tried);
		if (breaks_bound(&score))
			fail(&tried);
		if (ratio(&score) >= ratio(&at)) {
			climber = tried;
			at = score;
		}
		if (ratio(&score) > ratio(&top))
			top = score;
	}
	tap_note("%ld programs come to %zu pages for %zu touched, %.3f", count,
		 top.filled, top.touched, ratio(&top));
	/* One page on either side of a group that was touched in full. */
	CHECK(ratio(&top) > TIGHT * 2 * GROUP / (GROUP + 2));
	stop_swap();
}

static const struct test tests[] = {
	TEST("every order of touching eight pages keeps the bound", all_orders),
	TEST("every order across the end of a page table keeps it", all_orders_across),
	TEST("every subset of sixteen pages, touched upwards, keeps it", all_sets),
	TEST("every subset across the end of a page table keeps it", all_sets_across),
	TEST("fork with pinned pages keeps it", forked_with_pins),
	TEST("and so do generations that each pin a page", generations_with_pins),
	TEST("generations without pins keep it", generations),
	TEST("what was filled moves away (MREMAP_DONTUNMAP)", filled_part_moves),
	TEST("what was touched moves away and goes on there", evidence_moves),
	TEST("what was touched moves away, and its place is touched again", evidence_moves_and_stays_mapped),
	TEST("what was filled is moved away by UFFDIO_MOVE", filled_part_is_moved_by_uffd),
	TEST("what was touched is moved away by UFFDIO_MOVE and goes on there", evidence_is_moved_by_uffd),
	TEST("a move to where the groups lie across page tables", moved_unaligned),
	TEST("KSM merges what is locked on fault, MADV_UNMERGEABLE", merged_and_unmerged),
	TEST("the same, and ksm/run=2", merged_and_unmerged_by_system),
	TEST("KSM merges what is not locked", merged_not_locked),
	TEST("swapped out, and one page back in", swapped),
	TEST("memory.reclaim", reclaimed),
	TEST("MADV_FREE", lazily_freed),
	TEST("folios are split", split_up),
	TEST("khugepaged looks at it", seen_by_khugepaged),
	TEST("migration", migrated),
	TEST("read-only and back", protected),
	TEST("userfaultfd's write protection and back", write_protected),
	TEST("locked on fault and unlocked", locked_and_unlocked),
	TEST("dropped and touched anew", dropped),
	TEST("accesses forgotten and some proved anew", evidence_aged),
	TEST("programs bred to fill as much as they can come close to twice, and never get there", search),
};

static const struct parameter parameters[] = {
	{ "programs", &programs, 1 },
	{ "seed", &seed, 0 },
	{ "quick", &quick, 0 },
	{ }
};

int main(int argc, char **argv)
{
	argc = tap_parameters(argc, argv, parameters);
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), no_tamalloc);
}
