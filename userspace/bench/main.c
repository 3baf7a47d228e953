// SPDX-License-Identifier: GPL-2.0
/*
 * What a first touch costs: guest instructions a page when the guest runs under
 * QEMU's -icount shift=0, where the clock advances 1 ns for each; else time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define MAX_VERDICTS	32

size_t page;

static struct figures all_figures[MAX_CASES][WAYS];
struct figures (*figures)[WAYS] = all_figures;

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* What the targets are about, as quickly as it can be had. */
static bool is_quick(const struct bench_case *c, int way)
{
	bool sparse = !strcmp(c->id, "stride-64");

	if (!sparse && strcmp(c->id, "write") && strcmp(c->id, "read-write"))
		return false;
	return way == PLAIN || way == STRICT || way == ADAPTIVE ||
	       (!sparse && (way == THP || way == ZEROING));
}

/* A curve has fewer lines: those that a picture can show. */
static bool is_wanted(const struct bench_case *c, int way)
{
	if (way == ZEROING && !c->has_floor)
		return false;
	return !c->density || way == PLAIN || way == MTHP64 || way == THP || way == STRICT ||
	       way == ADAPTIVE;
}

static void measure_all(bool all, const char *only)
{
	for (int c = 0; c < case_count; c++) {
		if (only && strcmp(cases[c].id, only))
			continue;
		if (all)
			fprintf(stderr, "bench: %d of %d: %s\n", c + 1, case_count, cases[c].name);
		for (int w = 0; w < WAYS; w++) {
			if (way_missing(&ways[w]) ||
			    !(all ? is_wanted(&cases[c], w) : is_quick(&cases[c], w)))
				continue;
			begin_way(&ways[w]);
			measure(&cases[c], &ways[w], &figures[c][w]);
		}
	}
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: bench [--all | --only CASE | --threads] [--full] [--json]\n\n"
		"Measures first touches of tamalloc's memory, beside others, and says what is met of\n"
		"the targets; without options only that, in seconds.\n\n"
		"--all        each pattern of access on each kind of memory\n"
		"--only CASE  one of them, by its name in JSON: write, stride-64, hash...\n"
		"--threads    one array initialised by 1, 2 and 4 threads, as far as there are CPUs\n"
		"--full       the tables with all rows, but for the curve's\n"
		"--json       the figures as JSON to stdout, the tables to stderr\n");
}

int main(int argc, char **argv)
{
	struct scaling scaling[SCALED_WAYS] = { 0 };
	struct verdict verdicts[MAX_VERDICTS];
	bool all = false, threads = false, json = false, full = false, exact;
	const char *missing, *only = NULL;
	int count, steps = 0;
	FILE *out;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all")) {
			all = true;
		} else if (!strcmp(argv[i], "--only") && argv[i + 1]) {
			all = true;
			only = argv[++i];
			if (!find_case(only)) {
				fprintf(stderr, "bench: there is no case %s\n", only);
				return EXIT_FAILURE;
			}
		} else if (!strcmp(argv[i], "--threads")) {
			threads = true;
		} else if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!strcmp(argv[i], "--full")) {
			full = true;
		} else {
			bool help = !strcmp(argv[i], "--help");

			usage(help ? stdout : stderr);
			return help ? EXIT_SUCCESS : EXIT_FAILURE;
		}
	}
	out = json ? stderr : stdout;
	page = sysconf(_SC_PAGESIZE);
	missing = way_missing(&ways[STRICT]);
	if (missing) {
		fprintf(stderr, "bench: %s\n", missing);
		return EXIT_FAILURE;
	}
	exact = counts_instructions();
	if (!all)
		min_runs = 3;
	begin_ways();
	if (threads)
		steps = measure_threads(scaling);
	else
		measure_all(all, only);
	end_ways();
	if (threads) {
		count = judge_threads(verdicts, MAX_VERDICTS, scaling, steps);
		print_threads(out, scaling, steps);
	} else {
		count = judge(verdicts, MAX_VERDICTS, exact);
		print_tables(out, !full, exact);
	}
	print_verdicts(out, verdicts, count);
	if (json && threads)
		json_threads(stdout, scaling, steps, verdicts, count);
	else if (json)
		json_figures(stdout, verdicts, count, exact);
	return EXIT_SUCCESS;
}
