// SPDX-License-Identifier: GPL-2.0
/* Tables for people, and which targets are met. */
#include <math.h>
#include <string.h>

#include "bench.h"

#define MAX_ERROR	0.05	/* a speedup with a larger error is not judged */
#define FAULTS_DENSE	(1.0 / 128)

static const struct figures *of(const char *id, int kind)
{
	const struct bench_case *c = find_case(id);
	const struct figures *f = &figures[c - cases][kind];

	return f->valid ? f : NULL;
}

enum column { COST, FAULTS, RESIDENT, HUGE };

static void print_cell(FILE *out, const struct figures *f, const struct bench_case *c, int kind,
		       enum column column)
{
	if (!f->valid || (column != COST && (kind == ZEROING || c->untouched)))
		fprintf(out, "%9s", "-");
	else if (column == COST)
		fprintf(out, "%9.0f", f->cost);
	else if (column == FAULTS)
		fprintf(out, f->faults < 9.9995 ? "%9.3f" : "%9.1f", f->faults);
	else
		fprintf(out, "%9.2f", column == HUGE ? f->huge : f->resident);
}

static bool case_measured(int c)
{
	for (int k = 0; k < KINDS; k++)
		if (figures[c][k].valid)
			return true;
	return false;
}

static bool any_huge(int c)
{
	for (int k = 0; k < KINDS; k++)
		if (figures[c][k].huge)
			return true;
	return false;
}

static bool kind_measured(int k)
{
	for (int c = 0; c < case_count; c++)
		if (figures[c][k].valid)
			return true;
	return false;
}

static void print_table(FILE *out, const char *title, enum column column, bool brief)
{
	fprintf(out, "\n%s\n%-17s", title, "");
	for (int k = 0; k < KINDS; k++)
		if (kind_measured(k))
			fprintf(out, "%9s", kinds[k].name);
	fprintf(out, "\n");
	for (int c = 0; c < case_count; c++) {
		if (!case_measured(c) || cases[c].density || (brief && !cases[c].brief) ||
		    (column == HUGE && !any_huge(c)))
			continue;
		fprintf(out, "%-17s", cases[c].name);
		for (int k = 0; k < KINDS; k++)
			if (kind_measured(k))
				print_cell(out, &figures[c][k], &cases[c], k, column);
		fprintf(out, "\n");
	}
}

/* The spread of most figures, and the largest. */
static void print_spread(FILE *out)
{
	static double all[MAX_CASES * KINDS];
	int n = 0, most = 0, least = 1 << 30;
	double ignored;

	for (int c = 0; c < case_count; c++)
		for (int k = 0; k < KINDS; k++) {
			const struct figures *f = &figures[c][k];

			if (!f->valid)
				continue;
			all[n++] = f->spread;
			most = f->runs > most ? f->runs : most;
			least = f->runs < least ? f->runs : least;
		}
	if (!n)
		return;
	median(all, n, &ignored);
	fprintf(out, "\nEach figure is the median of %d to %d runs. Its spread (half the interquartile"
		"\nrange) is %.2f %% or less for nine of ten figures, %.2f %% at most.\n", least, most,
		100 * all[n * 9 / 10], 100 * all[n - 1]);
}

void print_tables(FILE *out, bool brief, bool exact)
{
	fprintf(out,
		"A column is a kind of memory: zeroing is the floor, mapped memory zeroed at each\n"
		"touch; plain is mmap() with 4 kB pages, mTHP and THP are mmap() with huge pages of\n"
		"that size, POPULATE is mmap() with MAP_POPULATE; strict is tamalloc(), adaptive is\n"
		"tamalloc() with MADV_HUGEPAGE. A row is an access pattern over 32 MiB:\n");
	for (int c = 0; c < case_count; c++)
		if (case_measured(c) && !cases[c].density && (!brief || cases[c].brief))
			fprintf(out, "  %-17s %s\n", cases[c].name, cases[c].about);
	if (exact)
		print_table(out, "Guest instructions per touched page, kernel and program"
			    " (calls alone: per pair of calls)", COST, brief);
	else
		print_table(out, "ns per touched page (calls alone: per pair of calls). This clock does"
			    " not count instructions\n(boot with --icount for one that does): the"
			    " figures vary, and judge no target", COST, brief);
	print_table(out, "Faults per touched page", FAULTS, brief);
	print_table(out, "Pages resident per touched page (not counting the shared zero page)",
		    RESIDENT, brief);
	for (int c = 0; c < case_count; c++)
		if (any_huge(c)) {
			print_table(out, "Share of those in huge pages", HUGE, brief);
			break;
		}
	print_spread(out);
}

void print_threads(FILE *out, const struct scaling *s, int steps)
{
	fprintf(out, "32 MiB written by threads, each its own part: ns per page, the median of %d, and"
		"\nthe speedup over one thread. Time, not instructions: it varies, by half the\n"
		"interquartile range behind +-.\n\n%-10s", s->rounds, "");
	for (int step = 0; step < steps; step++)
		fprintf(out, step ? "%15d threads" : "%3d thread", 1 << step);
	fprintf(out, "\n");
	for (int k = 0; k < SCALED_KINDS; k++) {
		fprintf(out, "%-10s", s[k].kind->name);
		for (int step = 0; step < steps; step++) {
			fprintf(out, "%10.0f", s[k].ns[step] / (32 * MIB / page));
			if (step)
				fprintf(out, "  x%.2f +-%2.0f%%", s[k].ratio[step],
					100 * s[k].ratio_spread[step]);
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

/* One cost relative to another. A time would judge the host. */
static struct verdict *cost(struct verdicts *all, const char *what, const char *id, int kind,
			    const char *than_id, int than, double limit)
{
	const struct figures *f = of(id, kind), *base = of(than_id, than);
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

	snprintf(what, sizeof(what), "adaptive %s, cost relative to THP", name);
	v = cost(all, what, id, ADAPTIVE, id, THP, 1.05);
	/* A read before the write costs THP extra: its bare write is the harder one to match. */
	if (v && write && !strncmp(id, "read-write", 10))
		snprintf(v->note, sizeof(v->note), "; %.3f of its bare write", f->cost / write->cost);
	snprintf(what, sizeof(what), "adaptive %s, faults per page", name);
	if (f)
		add(all, what, f->faults, "<= 1/128", f->faults <= FAULTS_DENSE);
}

/* Instructions of the madvise() that makes a region adaptive. */
static double advice(void)
{
	const struct figures *with = of("calls", ADAPTIVE), *without = of("calls", STRICT);

	return with && without ? with->cost - without->cost : 0;
}

/*
 * The worst of the rows "1 in N", evenly spaced, in order and at random, without what the
 * advice costs if it is to be taken off.
 */
static void sparse(struct verdicts *all, const char *name, int from, int to, bool without_advice)
{
	static const char *const orders[] = { "", "-random" };
	double most = 0, resident = 0;
	const char *where = "", *fullest = "";
	struct verdict *v;
	char what[80], id[32];

	for (int n = from; n <= to; n *= 2)
		for (int i = 0; i < 2; i++) {
			const struct figures *f, *base;
			double relative;

			snprintf(id, sizeof(id), "stride-%d%s", n, orders[i]);
			f = of(id, ADAPTIVE);
			base = of(id, PLAIN);
			if (!f || !base)
				return;
			relative = (f->cost - (without_advice ? advice() / f->touched : 0)) / base->cost;
			if (relative > most) {
				most = relative;
				where = find_case(id)->name;
			}
			if (f->resident > resident) {
				resident = f->resident;
				fullest = find_case(id)->name;
			}
		}
	snprintf(what, sizeof(what), "adaptive %s, resident per touched page", name);
	v = add(all, what, resident, "1.00", resident < 1.005);
	snprintf(v->note, sizeof(v->note), "; worst: %s", fullest);
	snprintf(what, sizeof(what), "adaptive %s, cost relative to plain%s", name,
		 without_advice ? ", without madvise()" : "");
	v = add(all, what, most, "<= 1.02", most <= 1.02);
	if (!all->exact)
		v->is = UNKNOWN;
	snprintf(v->note, sizeof(v->note), "; worst: %s", where);
}

static void after_khugepaged(struct verdicts *all)
{
	const struct figures *f = of("khugepaged", ADAPTIVE);

	if (!f)
		return;
	add(all, "adaptive after khugepaged, resident per touched page", f->resident, "1.00",
	    f->resident == 1);
	add(all, "adaptive after khugepaged, share in huge pages", f->huge, "1.00", f->huge == 1);
}

static void bounded(struct verdicts *all)
{
	const char *where = "";
	double most = 0;
	struct verdict *v;

	for (int c = 0; c < case_count; c++) {
		const struct figures *f = &figures[c][ADAPTIVE];

		if (f->valid && !cases[c].filled && f->resident > most) {
			most = f->resident;
			where = cases[c].name;
		}
	}
	if (!most)
		return;
	v = add(all, "adaptive, any pattern, resident per touched page", most, "< 2", most < 2);
	snprintf(v->note, sizeof(v->note), "; worst: %s", where);
}

int judge(struct verdict *v, int max, bool exact)
{
	struct verdicts all = { v, 0, max, exact };
	const struct figures *f = of("read-write", STRICT), *random = of("random", ADAPTIVE);

	cost(&all, "strict write, cost relative to plain", "write", STRICT, "write", PLAIN, 0.96);
	cost(&all, "strict read then write, cost relative to plain", "read-write", STRICT, "read-write", PLAIN,
	     0.67);
	/* The call itself may fault outside the region. */
	if (f)
		add(&all, "strict read then write, faults per page", f->faults, "1", f->faults < 1.001);
	dense(&all, "write", "write");
	dense(&all, "write backwards", "backwards");
	dense(&all, "write from both ends", "both-ends");
	dense(&all, "read then write", "read-write");
	dense(&all, "read then write backwards", "read-write-backwards");
	cost(&all, "adaptive write at random, cost relative to plain", "random", ADAPTIVE, "random",
	     PLAIN, 0.80);
	if (random)
		add(&all, "adaptive write at random, faults per page", random->faults, "<= 0.5",
		    random->faults <= 0.5);
	sparse(&all, "1 in 2 to 1 in 64", 2, 64, false);
	sparse(&all, "1 in 128 to 1 in 1024", 128, 1024, true);
	after_khugepaged(&all);
	cost(&all, "strict, calls alone, cost relative to plain", "calls", STRICT, "calls", PLAIN, 1.05);
	cost(&all, "strict, calls alone for 1 MiB, cost relative to plain", "calls-1m", STRICT, "calls-1m",
	     PLAIN, 1.05);
	cost(&all, "adaptive, calls alone, cost relative to THP", "calls", ADAPTIVE, "calls", THP, 1.05);
	bounded(&all);
	return all.count;
}

int judge_threads(struct verdict *v, int max, const struct scaling *s, int steps)
{
	struct verdicts all = { v, 0, max, false };
	char what[80], target[32];
	struct verdict *verdict;

	for (int k = 0; k < SCALED_KINDS && steps > 1; k++) {
		if (s[k].kind->source != TAMALLOC)
			continue;
		snprintf(what, sizeof(what), "%s, speedup of 2 threads, relative to plain's",
			 s[k].kind->name);
		/* No worse: not below 1 by more than the error of such a median. */
		snprintf(target, sizeof(target), ">= 1.00 +- %.2f", s[k].beside_error);
		verdict = add(&all, what, s[k].beside, target, s[k].beside >= 1 - s[k].beside_error);
		if (s[k].beside_error > MAX_ERROR) {
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
