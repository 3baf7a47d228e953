// SPDX-License-Identifier: GPL-2.0
/* Tables for people, and what is met of what was promised. */
#include <math.h>
#include <string.h>

#include "bench.h"

#define MAX_ERROR	0.05	/* of a scaling, that still judges it */
#define FAULTS_DENSE	(1.0 / 128)

static const struct figures *of(const char *id, int way)
{
	const struct bench_case *c = find_case(id);
	const struct figures *f = &figures[c - cases][way];

	return f->valid ? f : NULL;
}

enum column { COST, FAULTS, RESIDENT };

static void print_cell(FILE *out, const struct figures *f, const struct bench_case *c, int way,
		       enum column column)
{
	if (!f->valid || (column != COST && (way == ZEROING || c->untouched)))
		fprintf(out, "%9s", "-");
	else if (column == COST)
		fprintf(out, "%9.0f", f->cost);
	else if (column == FAULTS)
		fprintf(out, f->faults < 9.9995 ? "%9.3f" : "%9.1f", f->faults);
	else
		fprintf(out, "%9.2f", f->resident);
}

static bool case_measured(int c)
{
	for (int w = 0; w < WAYS; w++)
		if (figures[c][w].valid)
			return true;
	return false;
}

static bool way_measured(int w)
{
	for (int c = 0; c < case_count; c++)
		if (figures[c][w].valid)
			return true;
	return false;
}

static void print_table(FILE *out, const char *title, enum column column, bool brief)
{
	fprintf(out, "\n%s\n%-17s", title, "");
	for (int w = 0; w < WAYS; w++)
		if (way_measured(w))
			fprintf(out, "%9s", ways[w].name);
	fprintf(out, "\n");
	for (int c = 0; c < case_count; c++) {
		if (!case_measured(c) || cases[c].density || (brief && !cases[c].brief))
			continue;
		fprintf(out, "%-17s", cases[c].name);
		for (int w = 0; w < WAYS; w++)
			if (way_measured(w))
				print_cell(out, &figures[c][w], &cases[c], w, column);
		fprintf(out, "\n");
	}
}

/* The spread of most figures, and of the worst. */
static void print_spread(FILE *out)
{
	static double all[MAX_CASES * WAYS];
	int n = 0, most = 0, least = 1 << 30;
	double ignored;

	for (int c = 0; c < case_count; c++)
		for (int w = 0; w < WAYS; w++) {
			const struct figures *f = &figures[c][w];

			if (!f->valid)
				continue;
			all[n++] = f->spread;
			most = f->runs > most ? f->runs : most;
			least = f->runs < least ? f->runs : least;
		}
	if (!n)
		return;
	median(all, n, &ignored);
	fprintf(out, "\nEach figure is the median of %d to %d runs. Its spread (half of the quartiles'"
		"\ndistance): %.2f %% or less in nine of ten figures, %.2f %% at most.\n", least, most,
		100 * all[n * 9 / 10], 100 * all[n - 1]);
}

void print_tables(FILE *out, bool brief, bool exact)
{
	fprintf(out,
		"A column is a kind of memory: zeroing is the floor, memory that is there and is\n"
		"zeroed at each touch; mmap has pages of 4 kB, mTHP and THP huge ones of that size,\n"
		"POPULATE is mmap with MAP_POPULATE, strict is tamalloc, adaptive is tamalloc with\n"
		"madvise(MADV_HUGEPAGE). A row is a way to touch 32 MiB of it:\n");
	for (int c = 0; c < case_count; c++)
		if (case_measured(c) && !cases[c].density && (!brief || cases[c].brief))
			fprintf(out, "  %-17s %s\n", cases[c].name, cases[c].about);
	if (exact)
		print_table(out, "Guest instructions a touched page, kernel and program"
			    " (calls alone: a pair of calls)", COST, brief);
	else
		print_table(out, "ns a touched page (calls alone: a pair of calls). This clock does not"
			    " count instructions\n(boot with --icount): the figures vary, and no"
			    " target is judged by them", COST, brief);
	print_table(out, "Faults a touched page", FAULTS, brief);
	print_table(out, "Pages resident for each touched page (the shared zero page is none)",
		    RESIDENT, brief);
	print_spread(out);
}

void print_threads(FILE *out, const struct scaling *s, int steps)
{
	fprintf(out, "32 MiB written by threads, each its own part: ns a page, the median of %d, and how"
		"\nmany times faster that is than one thread. Time, not instructions: it varies, by\n"
		"the half of the quartiles' distance behind +-.\n\n%-10s", s->rounds, "");
	for (int step = 0; step < steps; step++)
		fprintf(out, step ? "%15d threads" : "%3d thread", 1 << step);
	fprintf(out, "\n");
	for (int w = 0; w < SCALED_WAYS; w++) {
		fprintf(out, "%-10s", s[w].way->name);
		for (int step = 0; step < steps; step++) {
			fprintf(out, "%10.0f", s[w].ns[step] / (32 * MIB / page));
			if (step)
				fprintf(out, "  x%.2f +-%2.0f%%", s[w].ratio[step],
					100 * s[w].ratio_spread[step]);
		}
		fprintf(out, "\n");
	}
}

struct verdicts {
	struct verdict *v;
	int count, max;
	bool exact;
};

static struct verdict *add(struct verdicts *all, const char *what, double got, const char *target,
			   bool met)
{
	struct verdict *v = &all->v[all->count];

	if (all->count < all->max)
		all->count++;
	*v = (struct verdict){ .got = got, .is = met ? MET : MISSED };
	snprintf(v->what, sizeof(v->what), "%s", what);
	snprintf(v->target, sizeof(v->target), "%s", target);
	return v;
}

/* A cost against another; time would judge the host. */
static struct verdict *cost(struct verdicts *all, const char *what, const char *id, int way,
			    const char *than_id, int than, double limit)
{
	const struct figures *f = of(id, way), *base = of(than_id, than);
	struct verdict *v;
	char target[32];

	if (!f || !base)
		return NULL;
	snprintf(target, sizeof(target), "<= %.2f", limit);
	v = add(all, what, f->cost / base->cost, target, f->cost <= limit * base->cost);
	if (!all->exact)
		v->is = UNKNOWN;
	return v;
}

static void dense(struct verdicts *all, const char *name, const char *id)
{
	const struct figures *f = of(id, ADAPTIVE), *write = of("write", THP);
	struct verdict *v;
	char what[80];

	snprintf(what, sizeof(what), "adaptive %s, times THP's %s", name, name);
	v = cost(all, what, id, ADAPTIVE, id, THP, 1.05);
	/* THP pays more for a read before the write, so its write is the harder one to match. */
	if (v && write && strcmp(id, "write"))
		snprintf(v->note, sizeof(v->note), "; %.3f of its write", f->cost / write->cost);
	snprintf(what, sizeof(what), "adaptive %s, times zeroing alone", name);
	cost(all, what, id, ADAPTIVE, "write", ZEROING, 1.20);
	snprintf(what, sizeof(what), "adaptive %s, faults a page", name);
	if (f)
		add(all, what, f->faults, "<= 1/128", f->faults <= FAULTS_DENSE);
}

static void sparse(struct verdicts *all, const char *name, const char *id)
{
	const struct figures *f = of(id, ADAPTIVE);
	char what[80];

	snprintf(what, sizeof(what), "adaptive %s, resident a touched page", name);
	if (f)
		add(all, what, f->resident, "1.00", fabs(f->resident - 1) < 0.005);
	snprintf(what, sizeof(what), "adaptive %s, times mmap", name);
	cost(all, what, id, ADAPTIVE, id, PLAIN, 1.10);
}

int judge(struct verdict *v, int max, bool exact)
{
	struct verdicts all = { v, 0, max, exact };
	const struct figures *f = of("read-write", STRICT);
	const char *where = "";
	double most = 0;
	struct verdict *bound;

	cost(&all, "strict write, times mmap", "write", STRICT, "write", PLAIN, 0.97);
	cost(&all, "strict read then write, times mmap", "read-write", STRICT, "read-write", PLAIN,
	     0.68);
	/* The call itself may fault in what is not the region. */
	if (f)
		add(&all, "strict read then write, faults a page", f->faults, "1", f->faults < 1.001);
	dense(&all, "write", "write");
	dense(&all, "read then write", "read-write");
	sparse(&all, "1 in 64", "stride-64");
	sparse(&all, "1 in 64 at random", "sparse");
	for (int c = 0; c < case_count; c++)
		if (figures[c][ADAPTIVE].valid && figures[c][ADAPTIVE].resident > most) {
			most = figures[c][ADAPTIVE].resident;
			where = cases[c].name;
		}
	cost(&all, "strict, call and munmap, times mmap's", "calls", STRICT, "calls", PLAIN, 1.05);
	cost(&all, "adaptive, calls and munmap, times THP's", "calls", ADAPTIVE, "calls", THP, 1.05);
	if (most) {
		bound = add(&all, "adaptive, any pattern, resident a touched page", most, "<= 2",
			    most <= 2);
		snprintf(bound->note, sizeof(bound->note), "; the most: %s", where);
	}
	return all.count;
}

int judge_threads(struct verdict *v, int max, const struct scaling *s, int steps)
{
	struct verdicts all = { v, 0, max, false };
	char what[80], target[32];
	struct verdict *verdict;

	for (int w = 0; w < SCALED_WAYS && steps > 1; w++) {
		if (s[w].way->source != TAMALLOC)
			continue;
		snprintf(what, sizeof(what), "%s, 2 threads against 1, times mmap's scaling",
			 s[w].way->name);
		/* No worse: not below by more than a median of so many rounds may be off. */
		snprintf(target, sizeof(target), ">= 1.00 +- %.2f", s[w].beside_error);
		verdict = add(&all, what, s[w].beside, target, s[w].beside >= 1 - s[w].beside_error);
		if (s[w].beside_error > MAX_ERROR) {
			verdict->is = UNKNOWN;
			snprintf(verdict->note, sizeof(verdict->note), "; the host is too busy to tell");
		}
	}
	return all.count;
}

void print_verdicts(FILE *out, const struct verdict *v, int count)
{
	static const char *const words[] = { "met", "missed", "unknown" };

	fprintf(out, "\n");
	for (int i = 0; i < count; i++)
		fprintf(out, "%-7s %s: %.3f (target %s%s)\n", words[v[i].is], v[i].what, v[i].got,
			v[i].target, v[i].note);
}
