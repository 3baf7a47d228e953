// SPDX-License-Identifier: GPL-2.0
/* Random operations on memory, checked after each step against a model of it. */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "mem.h"
#include "ops.h"
#include "reduce.h"
#include "swap.h"
#include "tap.h"
#include "weather.h"

#define PATIENCE	60	/* seconds for a step, next to all the others */
#define MAX_THREADS	16

static unsigned long seed = 1, total_ops = 100000;
static unsigned int thread_count = 4;
static struct kind *kind;
static bool trace;
static char options[64];	/* those that a replay needs too */

enum { MISUSED = 125 };

static void usage(FILE *out)
{
	fprintf(out,
		"usage: model [OPTION]... [PATTERN]\n"
		"Random operations on memory, checked after each step against a model of it.\n"
		"\n"
		"--ops N        operations, over all tests (default %lu)\n"
		"--seed N       seed of the first program; each has %u steps and the next seed\n"
		"--threads N    threads in the tests with several (default %u, at most %u)\n"
		"--kind KIND    kind of memory: ", total_ops, STEPS, thread_count, MAX_THREADS);
	for (struct kind *k = kinds; k->name; k++)
		fprintf(out, "%s%s", k == kinds ? "" : ", ", k->name);
	fprintf(out, " (default strict)\n"
		"--exact        fail if a page is populated without a touch, whatever the kind\n"
		"--steps A,B... run only these steps of the program that --seed names\n"
		"--trace        show each step on stderr\n"
		"--list         list the tests. PATTERN runs only those with it in their sentence or\n"
		"               function\n");
}

/* What the threads of one test share. */
struct run {
	unsigned int threads, programs;
	uint64_t first_seed;
	const char *name;
	unsigned int done;
};

struct runner {
	struct run *run;
	unsigned int number;
};

static void show_progress(struct run *run)
{
	unsigned int done = __atomic_add_fetch(&run->done, 1, __ATOMIC_RELAXED);

	if (done * 10 / run->programs != (done - 1) * 10 / run->programs)
		fprintf(stderr, "model: %s: %u of %u operations\n", run->name, done * STEPS,
			run->programs * STEPS);
}

/* One of several threads: each has its own world, and every n-th program. */
static void *run_thread(void *arg)
{
	const struct runner *runner = arg;
	struct program *program = malloc(sizeof(*program));
	struct world *w = malloc(sizeof(*w));
	struct run *run = runner->run;

	world_init(w, runner->number, kind);
	w->trace = trace;
	w->patience = PATIENCE;
	for (unsigned int i = runner->number; i < run->programs; i += run->threads) {
		generate(program, run->first_seed + i);
		run_program(w, program, NULL);
		show_progress(run);
	}
	return NULL;
}

static void run_threads(struct run *run)
{
	struct runner runner[MAX_THREADS];
	pthread_t thread[MAX_THREADS];

	catch_faults();
	for (unsigned int i = 0; i < run->threads; i++) {
		runner[i] = (struct runner){ run, i };
		CHECK(!pthread_create(&thread[i], NULL, run_thread, &runner[i]));
	}
	for (unsigned int i = 0; i < run->threads; i++)
		pthread_join(thread[i], NULL);
}

/* Some tenths of all operations, in a process of their own with so many threads. */
static void run_tenths(unsigned int from, unsigned int to, const char *name,
		       unsigned int threads, bool pressure)
{
	unsigned long all = (total_ops + STEPS - 1) / STEPS;
	struct run run = {
		.name = name,
		.threads = threads,
		.programs = (all * to + 9) / 10 - (all * from + 9) / 10,
		.first_seed = seed + (all * from + 9) / 10,
	};
	int status;
	pid_t pid;

	/* No test may pass because it has no operations. */
	if (run.programs < threads) {
		run.programs = threads;
		run.first_seed = seed + all + from;
	}
	alarm(0);
	memset(report, 0, sizeof(*report));
	weather_begin(pressure);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		run_threads(&run);
		exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!report_failure(status))
		return;
	tap_note("seed %llu, step %u: %s", (unsigned long long)report->seed, report->step,
		 report->text);
	reduce(kind, options);
	tap_fail(__FILE__, __LINE__, "memory and model differ");
}

static void one_thread(void)
{
	run_tenths(0, 4, "one thread", 1, false);
}

static void several_threads(void)
{
	run_tenths(4, 7, "several threads", thread_count, false);
}

static void one_under_pressure(void)
{
	run_tenths(7, 8, "one thread, reclaim", 1, true);
}

static void several_under_pressure(void)
{
	run_tenths(8, 10, "several threads, reclaim", thread_count, true);
}

static const struct test tests[] = {
	TEST("one thread and its children see what the model predicts", one_thread),
	TEST("several threads in one address space see it", several_threads),
	TEST("one thread sees it while memory is reclaimed, merged and compacted", one_under_pressure),
	TEST("several threads see it while memory is reclaimed, merged and compacted", several_under_pressure),
};

static const char *obstacle(void)
{
	if (geteuid())
		return "it changes system settings, which takes root";
	return strcmp(kind->name, "plain") ? no_tamalloc() : NULL;
}

/* The steps of one program that a failure has named. */
static int run_steps_named(char *list)
{
	static struct program program;
	bool keep[STEPS] = { };
	bool failed;

	for (char *word = strtok(list, ","); word; word = strtok(NULL, ","))
		if (strtoul(word, NULL, 10) < STEPS)
			keep[strtoul(word, NULL, 10)] = true;
	generate(&program, seed);
	failed = replay(&program, keep, kind, true);
	printf("%s%s\n", failed ? "fails: " : "passes", report->text);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct option long_options[] = {
	{ "ops", required_argument, NULL, 'o' },
	{ "seed", required_argument, NULL, 's' },
	{ "threads", required_argument, NULL, 't' },
	{ "kind", required_argument, NULL, 'k' },
	{ "exact", no_argument, NULL, 'x' },
	{ "steps", required_argument, NULL, 'n' },
	{ "trace", no_argument, NULL, 'T' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static unsigned long positive(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (n && !*end)
		return n;
	fprintf(stderr, "model: %s is not a number above 0\n", text);
	exit(MISUSED);
}

static int run_tests(int argc, char **argv)
{
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), obstacle);
}

int main(int argc, char **argv)
{
	char *steps = NULL;
	bool exact = false, swap;
	int c, status;

	kind = find_kind("strict");
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'o':
			total_ops = positive(optarg);
			break;
		case 's':
			seed = positive(optarg);
			break;
		case 't':
			thread_count = positive(optarg);
			break;
		case 'k':
			kind = find_kind(optarg);
			if (!kind) {
				fprintf(stderr, "model: there is no kind %s\n", optarg);
				usage(stderr);
				return MISUSED;
			}
			break;
		case 'x':
			exact = true;
			break;
		case 'n':
			steps = optarg;
			break;
		case 'T':
			trace = true;
			break;
		case 'l':
			return run_tests(2, (char *[]){ argv[0], "--list", NULL });
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? EXIT_SUCCESS : MISUSED;
		}
	}
	if (thread_count > MAX_THREADS) {
		fprintf(stderr, "model: --threads %u: at most %u\n", thread_count, MAX_THREADS);
		usage(stderr);
		return MISUSED;
	}
	kind->exact |= exact;
	snprintf(options, sizeof(options), " --kind %s%s", kind->name,
		 exact ? " --exact" : "");
	report_init();
	swap = try_swap(ZRAM);
	if (!swap)
		fprintf(stderr, "model: no swap device: nothing is swapped out\n");
	argv[--optind] = argv[0];
	status = steps ? run_steps_named(steps) : run_tests(argc - optind, argv + optind);
	if (swap)
		stop_swap();
	return status;
}
