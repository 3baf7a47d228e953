// SPDX-License-Identifier: GPL-2.0
/*
 * Runs each operation of the matrix on each kind of memory and compares:
 *
 *	matrix [--markdown] [SUBJECT]...
 *
 * prints TAP, a point for each row; with --markdown also the table, as comments.
 * A row passes if all kinds did the same, or if they did not and it says why.
 */
#include <ctype.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "matrix.h"
#include "result.h"

#define CELL_SECONDS	900	/* a cell that takes longer hangs */

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
	alarm(CELL_SECONDS);
	settle();
	row->run(&cell);
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

static bool run_row(const struct subject *subject, const struct row *row, int number, bool markdown)
{
	static char result[KINDS][RESULT_SIZE];
	bool all_end = true;
	const char *wrong;

	for (int i = 0; i < KINDS; i++)
		all_end &= cell_ends(row, &kinds[i], result[i]);
	wrong = verdict(row, result, all_end);
	printf("%sok %d - %s: %s\n", wrong ? "not " : "", number, subject->name, row->operation);
	if (wrong) {
		tap_note("%s", wrong);
		for (int i = 0; i < KINDS; i++)
			tap_note("%-8s %s", kinds[i].name, result[i]);
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
	printf("1..%d\n", rows);
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
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
