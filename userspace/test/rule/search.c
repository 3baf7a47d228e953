// SPDX-License-Identifier: GPL-2.0
/*
 * The rule of adaptive first touch, played against an adversary who knows it: every state
 * that touches, drops and lost evidence lead to in a small region. A program that cannot
 * have twice as many pages as it touched there cannot in a large one, as groups are alike
 * in every size.
 *
 * The rule fills the largest group that it may. Smaller groups, none, and allocations that
 * fail on the way need no search of their own: dropping the surplus leads to the same state.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PAGES	16
#define BITS		3	/* of a page in a state */
#define AWAY		(BITS * MAX_PAGES)	/* above them: pages that have moved away */

/* Of one page. Evidence is what looks accessed; FORGED is evidence of no touch. */
enum page { NONE, DROPPED, AHEAD, AGED, ACCESSED, FORGED };

enum verb { TOUCH, DROP, AGE, FORGE, MOVE, VERBS };
static const char *const verbs[VERBS] = { "touch", "drop", "age", "forge", "move away" };

typedef uint64_t state;

static unsigned int pages = 12;		/* in the region, from the start of a group on */
static unsigned int smallest = 2, largest = 8;	/* groups; the largest is what a page table maps */
static bool lends;			/* a page table to its neighbours */
static bool symmetric = true;		/* the halves of a group are alike to the rule */
static bool allowed[VERBS] = { true, true, true };

static enum page get(state s, unsigned int i)
{
	return s >> BITS * i & ((1 << BITS) - 1);
}

static state put(state s, unsigned int i, enum page page)
{
	return s ^ (state)(get(s, i) ^ page) << BITS * i;
}

static bool is_evidence(state s, unsigned int i)
{
	return i < pages && get(s, i) >= ACCESSED;
}

static unsigned int populated(state s)
{
	unsigned int n = s >> AWAY;

	for (unsigned int i = 0; i < pages; i++)
		n += get(s, i) >= AHEAD;
	return n;
}

static unsigned int touched(state s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < pages; i++)
		n += get(s, i) == DROPPED || get(s, i) == AGED || get(s, i) == ACCESSED;
	return n;
}

static unsigned int evidence(state s, unsigned int from, unsigned int n)
{
	unsigned int found = 0;

	for (unsigned int i = from; i < from + n; i++)
		found += is_evidence(s, i);
	return found;
}

static state fill(state s, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n && i < pages; i++)
		if (get(s, i) < AHEAD)
			s = put(s, i, get(s, i) == NONE ? AHEAD : AGED);
	return s;
}

/* The rule: the largest group around the fault of which more than half is evidence. */
static state majority(state s, unsigned int i)
{
	for (unsigned int n = largest; n >= smallest; n /= 2)
		if (2 * evidence(s, i & -n, n) > n)
			return fill(s, i & -n, n);
	return s;
}

/* Broken: half is enough. */
static state half(state s, unsigned int i)
{
	for (unsigned int n = largest; n >= smallest; n /= 2)
		if (2 * evidence(s, i & -n, n) >= n)
			return fill(s, i & -n, n);
	return s;
}

/* Broken: windows in the direction of a walk, as long as the evidence right before them. */
static state windows(state s, unsigned int i)
{
	for (unsigned int n = largest; n >= smallest; n /= 2) {
		if (!(i % n) && i >= n && evidence(s, i - n, n) == n)
			return fill(s, i, n);
		if (!((i + 1) % n) && evidence(s, i + 1, n) == n)
			return fill(s, i + 1 - n, n);
	}
	return s;
}

static state (*rule)(state s, unsigned int i) = majority;
static unsigned int lent = 2;	/* a page table lends its size divided by this to each side */

/* From a page table all of which is evidence, for a fault at the end next to it. */
static state borrow(state s, unsigned int i)
{
	unsigned int n = largest / lent;

	if (!(i % largest) && i && evidence(s, i - largest, largest) == largest)
		s = fill(s, i, n);
	if (!((i + 1) % largest) && evidence(s, i + 1, largest) == largest)
		s = fill(s, i + 1 - n, n);
	return s;
}

/* False if there is no such page to act on. */
static bool act(state *s, enum verb verb, unsigned int i)
{
	enum page page = get(*s, i);

	switch (verb) {
	case TOUCH:
		if (page >= ACCESSED)
			return false;
		*s = put(*s, i, ACCESSED);
		if (page < AHEAD) {
			*s = rule(*s, i);
			if (lends)
				*s = borrow(*s, i);
		}
		return true;
	case DROP:
		*s = put(*s, i, page == AHEAD || page == FORGED ? NONE : DROPPED);
		return page >= AHEAD;
	case AGE:
		*s = put(*s, i, AGED);
		return page == ACCESSED;
	case FORGE:
		*s = put(*s, i, FORGED);
		return page == AHEAD;
	case MOVE:
		*s = put(*s, i, NONE) + (1ULL << AWAY);
		return page == AHEAD;
	default:
		return false;
	}
}

/* One of all states that are alike: the halves of each group in order. */
static state canonical(state s)
{
	for (unsigned int n = 1; n < largest && symmetric; n *= 2)
		for (unsigned int i = 0; i + 2 * n <= pages; i += 2 * n) {
			state mask = (1ULL << BITS * n) - 1;
			state low = s >> BITS * i & mask, high = s >> BITS * (i + n) & mask;

			if (low > high)
				s ^= (low ^ high) << BITS * i | (low ^ high) << BITS * (i + n);
		}
	return s;
}

/* The states found, in that order, each with the step that led there, and a hash of them. */
struct found {
	state s;
	uint32_t from;
	uint8_t verb, page;
};

static struct found *found;
static uint32_t *slots;
static size_t count, slot_count;

static uint32_t *slot_of(state s)
{
	size_t i = (s ^ s >> 29) * 0x9e3779b97f4a7c15 >> 24;

	while (slots[i & (slot_count - 1)] && found[slots[i & (slot_count - 1)] - 1].s != s)
		i++;
	return &slots[i & (slot_count - 1)];
}

static void grow(void)
{
	slot_count = slot_count ? 2 * slot_count : 1 << 16;
	free(slots);
	slots = calloc(slot_count, sizeof(*slots));
	found = realloc(found, slot_count / 2 * sizeof(*found));
	if (!slots || !found || slot_count > 1UL << 32) {
		fprintf(stderr, "rule: out of memory after %zu states\n", count);
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < count; i++)
		*slot_of(found[i].s) = i + 1;
}

/* True if the state is new. */
static bool add(state s, size_t from, enum verb verb, unsigned int page)
{
	uint32_t *slot;

	if (2 * count >= slot_count)
		grow();
	slot = slot_of(s);
	if (*slot)
		return false;
	found[count] = (struct found){ s, from, verb, page };
	*slot = ++count;
	return true;
}

static void print_state(state s)
{
	for (unsigned int i = 0; i < pages; i++)
		printf("%s%c", i && !(i % largest) ? " " : "", ".doatf"[get(s, i)]);
	if (s >> AWAY)
		printf(" and %d away", (int)(s >> AWAY));
}

static void print_way(size_t i)
{
	if (i)
		print_way(found[i].from);
	if (i)
		printf("%9s %-2u  ", verbs[found[i].verb], found[i].page);
	else
		printf("%14s", "");
	print_state(found[i].s);
	printf("  %u of %u\n", populated(found[i].s), touched(found[i].s));
}

/* The state with the worst ratio; the first that breaks the bound ends the search. */
static size_t search(void)
{
	unsigned int worst_populated = 0, worst_touched = 1;
	size_t worst = 0;

	add(0, 0, 0, 0);
	for (size_t at = 0; at < count; at++)
		for (unsigned int step = 0; step < VERBS * pages; step++) {
			state s = found[at].s;
			unsigned int p, t;

			if (!allowed[step / pages] || !act(&s, step / pages, step % pages))
				continue;
			s = canonical(s);
			if (!add(s, at, step / pages, step % pages))
				continue;
			p = populated(s);
			t = touched(s);
			if (p * worst_touched > worst_populated * t) {
				worst_populated = p;
				worst_touched = t;
				worst = count - 1;
			}
			if (p >= 2 * t)
				return worst;
		}
	return worst;
}

static void usage(FILE *out)
{
	fputs("usage: rule [--pages N] [--smallest N] [--largest N] [--lend] [--break WHAT]\n"
	      "Tries everything that a program can do to adaptive memory in a small region.\n"
	      "\n"
	      "--pages N     in the region (default 12, at most 16)\n"
	      "--smallest N  pages in the smallest group (default 2)\n"
	      "--largest N   pages in the largest group, which a page table maps (default 8)\n"
	      "--lend        a page table all of which is accessed lends to its neighbours\n"
	      "--break WHAT  half: half of a group is enough. windows: as long as the evidence\n"
	      "              beside them. lend: all of a page table is lent. young: what comes\n"
	      "              ahead can become young without a touch. move: it can move away\n"
	      "\n"
	      "Exit status: 0 if fewer than twice the touched pages are populated, 1 if not, with\n"
	      "the shortest way there. Of the pages, . is empty, d dropped, o came ahead, a is old\n"
	      "but was touched, t touched, f young but was not touched. Halves of a group that are\n"
	      "alike to the rule may change places on the way.\n", out);
}

static void break_it(const char *what)
{
	if (!strcmp(what, "half")) {
		rule = half;
	} else if (!strcmp(what, "windows")) {
		rule = windows;
		symmetric = false;
	} else if (!strcmp(what, "lend")) {
		lent = 1;
	} else if (!strcmp(what, "young")) {
		allowed[FORGE] = true;
	} else if (!strcmp(what, "move")) {
		allowed[MOVE] = true;
	} else {
		usage(stderr);
		exit(2);
	}
}

static unsigned int size(const char *text, unsigned int most)
{
	unsigned long n = strtoul(text, NULL, 10);

	if (!n || n > most) {
		usage(stderr);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pages", required_argument, NULL, 'p' },
		{ "smallest", required_argument, NULL, 's' },
		{ "largest", required_argument, NULL, 'l' },
		{ "lend", no_argument, NULL, 'b' },
		{ "break", required_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	size_t worst;
	state s;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'p': pages = size(optarg, MAX_PAGES); break;
		case 's': smallest = size(optarg, MAX_PAGES); break;
		case 'l': largest = size(optarg, MAX_PAGES); break;
		case 'b': lends = true; symmetric = false; break;
		case 'x': break_it(optarg); break;
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? EXIT_SUCCESS : 2;
		}
	worst = search();
	s = found[worst].s;
	printf("%u pages, groups of %u to %u: %zu states, at worst %u populated for %u touched, %.3f\n",
	       pages, smallest, largest, count, populated(s), touched(s),
	       touched(s) ? (double)populated(s) / touched(s) : 0);
	if (populated(s) < 2 * touched(s))
		return EXIT_SUCCESS;
	print_way(worst);
	return EXIT_FAILURE;
}
