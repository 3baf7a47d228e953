// SPDX-License-Identifier: GPL-2.0
/*
 * Runs each operation of the matrix on each kind of memory and compares:
 *
 *	matrix [--markdown] [SUBJECT]...
 *
 * prints TAP, a point for each row; with --markdown also the table, as comments.
 * A row passes if all kinds did the same, or if they did not and it says why; and if
 * it leaves the untouched pages of a half-touched window untouched (half.h).
 */
#include <ctype.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "half.h"
#include "matrix.h"
#include "result.h"

#define CELL_SECONDS	900	/* a cell that takes longer hangs */
#define HALF_SECONDS	3	/* or, on a half-touched window, waits for a touch that does not come */

static void *advised(size_t size)
{
	void *p = tamalloc(size);

	CHECK(!madvise(p, size, MADV_HUGEPAGE));
	return p;
}

/* Each kind is compared with the one before it. */
static const struct kind kinds[] = {
	{ "plain", plain, false, false },
	{ "strict", tamalloc, true, false },
	{ "adaptive", advised, true, true },
};
#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

static const struct kind half_adaptive = { "adaptive", advised, true, true, half_filled_behind },
	half_strict = { "strict", tamalloc, true, false, half_resident };

static const struct subject subjects[] = {
	{ "touch", touch_rows },
	{ "neighbours", neighbour_rows },
	{ "mprotect", protect_rows },
	{ "munmap", unmap_rows },
	{ "mremap", mremap_rows },
	{ "fork", fork_rows },
	{ "mlock", lock_rows },
	{ "madvise", advice_rows },
	{ "proc", proc_rows },
	{ "limits", limit_rows },
	{ "access", access_rows },
	{ "devices", device_rows },
	{ "tracking", track_rows },
	{ "userfaultfd", uffd_rows },
	{ "mseal-pkeys", seal_rows },
	{ "numa", numa_rows },
	{ "ksm", ksm_rows },
	{ "swap", swap_rows },
	{ "memcg", memcg_rows },
	{ "thp", thp_rows },
	{ "reclaim", reclaim_rows },
	{ "hwpoison", poison_rows },
	{ "coredump", dump_rows },
	{ "oom-reaper", reaper_rows },
	{ "zeroing", zero_rows },
	{ "memcg-v1", memcg1_rows, .when_named = true },
};
#define SUBJECTS ((int)(sizeof(subjects) / sizeof(*subjects)))

/* On one CPU: what each CPU batches is then where the cell looks. */
static void run_cell(const struct row *row, const struct kind *kind)
{
	const struct cell cell = { kind, row->arg };

	pin_to_cpu(0);
	setpgid(0, 0);
	/* The control, which is no row of a table, waits for nothing. */
	alarm(!kind->half || !row->operation ? CELL_SECONDS : has_detectors() ? 20 * HALF_SECONDS : HALF_SECONDS);
	settle();
	/* A row may expect other contents; what it says of that is no failure. */
	if (kind->half)
		CHECK(freopen("/dev/null", "w", stdout));
	row->run(&cell);
	if (kind->half) {
		size_t said = kind->half();

		result_clear();
		say("%zu", said);
	}
	fflush(stdout);
	_exit(EXIT_SUCCESS);
}

/* True if the cell ran to its end; @result gets what it said. */
static bool cell_ends(const struct row *row, const struct kind *kind, char *result)
{
	int status;
	pid_t pid;

	result_clear();
	fflush(stdout);
	pid = fork();
	if (!pid)
		run_cell(row, kind);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	settings_restore();
	if (WIFSIGNALED(status))
		say("killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (status)
		say("a check failed");
	strcpy(result, result_text());
	return !status && *result;
}

/* The length of the error's name if the result begins with one. */
static size_t error_length(const char *result)
{
	size_t length = 0;

	if (*result == 'E')
		while (isupper(result[length]) || isdigit(result[length]))
			length++;
	return length > 2 ? length : 0;
}

static bool refused_as_told(const struct row *row, const char *result)
{
	const char *want = row->refused ? row->refused : "";
	size_t length = error_length(result);

	return length == strlen(want) && !strncmp(result, want, length);
}

/* Why kind @i differs from the one before it, or NULL if it must not. */
static const char *reason(const struct row *row, int i)
{
	if (i == 1)
		return row->strict;
	/* Where the first touch is strict all the same, nothing comes ahead of one. */
	if (no_adaptive() && row->adaptive && strcmp(row->adaptive, ADVISED) &&
	    strcmp(row->adaptive, MAY_COLLAPSE))
		return NULL;
	return row->adaptive;
}

/* What is wrong with the row, or NULL. */
static const char *verdict(const struct row *row, char (*result)[RESULT_SIZE], bool all_end)
{
	if (!all_end)
		return "a cell did not run to its end";
	if (!refused_as_told(row, result[0]))
		return row->refused ? "it was not refused as the row says" : "it was refused, and the row does not say so";
	for (int i = 1; i < KINDS; i++) {
		bool differ = strcmp(result[i - 1], result[i]);

		if (differ && !reason(row, i))
			return "the kinds differ";
		if (!differ && reason(row, i))
			return "the kinds do not differ, but the row says why they do";
	}
	return NULL;
}

/* What the cell has said at its end, or 0. */
static size_t half_cell(const struct row *row, const struct kind *kind)
{
	static char result[RESULT_SIZE];

	return cell_ends(row, kind, result) ? strtoul(result, NULL, 10) : 0;
}

static int judged;

/*
 * How many pages the touch behind a half-touched window fills after the row: one, or 0 where that
 * cannot be asked, as the window is gone or the row itself touches all of it.
 */
static size_t filled_behind(const struct row *row)
{
	size_t filled = no_adaptive() ? 0 : half_cell(row, &half_adaptive);

	if (filled > 1 && half_cell(row, &half_strict) >= PAGES / 2)
		return 0;
	judged += filled != 0;
	return filled;
}

static void touch_all(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	for (size_t i = 0; i < PAGES / 2; i++)
		poke(p + i * page, 'x');
}

/* Where the rest has been touched, too, the touch behind does fill as many pages again. */
static bool half_is_seen(int number, int rows, int least)
{
	const struct row control = { .run = touch_all };
	size_t filled = half_cell(&control, &half_adaptive);
	bool all = half_cell(&control, &half_strict) == PAGES / 2, seen = filled == PAGES / 2 && all && judged >= least;

	printf("%sok %d - half-touched windows: the touch behind tells (after %d rows of %d)\n",
	       seen ? "" : "not ", number, judged, rows);
	if (!seen)
		tap_note("after %d rows at least; where all is touched it fills %zu pages, and strict memory has %s",
			 least, filled, all ? "all" : "not all");
	return seen;
}

static bool run_row(const struct subject *subject, const struct row *row, int number, bool markdown)
{
	static char result[KINDS][RESULT_SIZE];
	bool all_end = true;
	const char *wrong;
	size_t filled;

	for (int i = 0; i < KINDS; i++)
		all_end &= cell_ends(row, &kinds[i], result[i]);
	wrong = verdict(row, result, all_end);
	filled = filled_behind(row);
	if (filled > 1 && !wrong)
		wrong = "untouched pages count as accessed after it";
	printf("%sok %d - %s: %s\n", wrong ? "not " : "", number, subject->name, row->operation);
	if (wrong) {
		tap_note("%s", wrong);
		for (int i = 0; i < KINDS; i++)
			tap_note("%-8s %s", kinds[i].name, result[i]);
		if (filled > 1)
			tap_note("the touch behind a half-touched window fills %zu pages", filled);
	}
	if (markdown) {
		printf("# | %s |", row->operation);
		for (int i = 0; i < KINDS; i++)
			printf(" %s |", i && !strcmp(result[i - 1], result[i]) ? "the same" : result[i]);
		printf(" %s%s%s |\n", row->strict ?: "", row->strict && row->adaptive ? "; " : "",
		       row->adaptive ?: "");
	}
	return !wrong;
}

/* Does this machine have the operation? */
static bool applies(const struct row *row)
{
	static int version;
	struct utsname name;
	int major, minor;

	if (!version) {
		CHECK(!uname(&name));
		CHECK_EQ(sscanf(name.release, "%d.%d", &major, &minor), 2);
		version = LINUX(major, minor);
	}
	return version >= row->since && (!row->before || version < row->before) &&
	       (!row->needs || row->needs());
}

static bool run_subject(const struct subject *subject, int *number, bool markdown)
{
	bool all = true;

	if (markdown) {
		printf("# |# %s\n# | operation |", subject->name);
		for (int i = 0; i < KINDS; i++)
			printf(" %s |", kinds[i].name);
		printf(" why they differ |\n# |---|");
		for (int i = 0; i < KINDS; i++)
			printf("---|");
		printf("---|\n");
	}
	for (const struct row *row = subject->rows; row->operation; row++)
		all &= !applies(row) || run_row(subject, row, ++*number, markdown);
	return all;
}

static bool wanted(const struct subject *subject, char **names)
{
	if (!*names)
		return !subject->when_named;
	for (; *names; names++)
		if (!strcmp(*names, subject->name))
			return true;
	return false;
}

static void print_usage(FILE *out)
{
	fputs("usage: matrix [--markdown] [SUBJECT]...\n"
	      "Does each memory operation to every kind of memory and prints TAP; with --markdown\n"
	      "also the tables. The subjects:", out);
	for (int i = 0; i < SUBJECTS; i++)
		fprintf(out, " %s", subjects[i].name);
	fputc('\n', out);
}

static int usage_error(const char *name)
{
	fprintf(stderr, *name == '-' ? "matrix: what is %s?\n" :
				       "matrix: no subject is called %s\n", name);
	print_usage(stderr);
	return 125;
}

static bool known(const char *name)
{
	for (int i = 0; i < SUBJECTS; i++)
		if (!strcmp(name, subjects[i].name))
			return true;
	return false;
}

/* What merges depends on addresses: they have to be the same in each run. */
static void fix_addresses(char **argv)
{
	int persona = personality(0xffffffff);

	if (persona & ADDR_NO_RANDOMIZE)
		return;
	personality(persona | ADDR_NO_RANDOMIZE);
	execv("/proc/self/exe", argv);
	perror("matrix: /proc/self/exe");
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, RLIM_INFINITY };
	bool markdown = argc > 1 && !strcmp(argv[1], "--markdown"), all = true;
	char **names = argv + 1 + markdown;
	int rows = 0, number = 0;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		print_usage(stdout);
		return EXIT_SUCCESS;
	}
	fix_addresses(argv);
	for (char **name = names; *name; name++)
		if (!known(*name))
			return usage_error(*name);
	for (int i = 0; i < SUBJECTS; i++)
		for (const struct row *row = subjects[i].rows; wanted(&subjects[i], names) && row->operation; row++)
			rows += applies(row);
	printf("1..%d\n", rows + !no_adaptive());
	if (no_tamalloc()) {
		printf("Bail out! %s\n", no_tamalloc());
		return EXIT_FAILURE;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	settings_init();
	result_init();
	for (int i = 0; i < SUBJECTS; i++)
		if (wanted(&subjects[i], names))
			all &= run_subject(&subjects[i], &number, markdown);
	if (!no_adaptive())
		all &= half_is_seen(number + 1, rows, *names ? 0 : rows / 3);
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
