// SPDX-License-Identifier: GPL-2.0
/*
 * What a first touch costs: guest instructions per page under QEMU's -icount
 * shift=0, where the clock advances 1 ns for each; elsewhere time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define MAX_VERDICTS	32

size_t page;

static struct figures all_figures[MAX_CASES][KINDS];
struct figures (*figures)[KINDS] = all_figures;

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The picture of the curves has room for a few kinds. */
static bool is_wanted(const struct bench_case *c, int kind)
{
	if (kind == ZEROING && !c->has_floor)
		return false;
	if (c->kinds)
		return c->kinds & 1U << kind;
	return !c->density || kind == PLAIN || kind == MTHP64 || kind == THP || kind == STRICT ||
	       kind == ADAPTIVE;
}

/* What the targets need, and nothing more. */
static bool is_quick(const struct bench_case *c, int kind)
{
	if (!c->judged || !is_wanted(c, kind))
		return false;
	return kind == PLAIN || kind == STRICT || kind == ADAPTIVE || kind == ZEROING ||
	       (kind == THP && strncmp(c->id, "stride-", 7));
}

static void measure_all(bool all, const char *only)
{
	for (int c = 0; c < case_count; c++) {
		if (only && strcmp(cases[c].id, only))
			continue;
		if (all)
			fprintf(stderr, "bench: %d of %d: %s\n", c + 1, case_count, cases[c].name);
		for (int k = 0; k < KINDS; k++) {
			if (kind_missing(&kinds[k]) ||
			    !(all ? is_wanted(&cases[c], k) : is_quick(&cases[c], k)))
				continue;
			apply_settings(&kinds[k]);
			measure(&cases[c], &kinds[k], &figures[c][k]);
		}
	}
}

enum { MISUSED = 125 };

static void usage(FILE *out)
{
	fprintf(out,
		"usage: bench [--all | --only CASE | --threads] [--full] [--json]\n\n"
		"Measures first touches of tamalloc memory next to other kinds and says which targets\n"
		"it meets. Without options it measures only what the targets need, in seconds.\n\n"
		"--all        every access pattern on every kind of memory\n"
		"--only CASE  one pattern, by its name in the JSON: write, stride-64, hash...\n"
		"--threads    one array initialised by 1, 2 and 4 threads, as far as there are CPUs\n"
		"--full       tables with all rows but the curves'\n"
		"--json       figures as JSON to stdout, tables to stderr\n");
}

int main(int argc, char **argv)
{
	struct scaling scaling[SCALED_KINDS] = { 0 };
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
				fprintf(stderr, "bench: no case is called %s\n", only);
				return MISUSED;
			}
		} else if (!strcmp(argv[i], "--threads")) {
			threads = true;
		} else if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!strcmp(argv[i], "--full")) {
			full = true;
		} else if (!strcmp(argv[i], "--help")) {
			usage(stdout);
			return EXIT_SUCCESS;
		} else {
			fprintf(stderr, strcmp(argv[i], "--only") ? "bench: what is %s?\n" :
								    "bench: %s needs a CASE\n", argv[i]);
			usage(stderr);
			return MISUSED;
		}
	}
	out = json ? stderr : stdout;
	page = sysconf(_SC_PAGESIZE);
	missing = kind_missing(&kinds[STRICT]);
	if (missing) {
		fprintf(stderr, "bench: %s\n", missing);
		return EXIT_FAILURE;
	}
	exact = counts_instructions();
	if (!all)
		min_runs = 3;
	save_settings();
	if (threads)
		steps = measure_threads(scaling);
	else
		measure_all(all, only);
	restore_settings();
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
