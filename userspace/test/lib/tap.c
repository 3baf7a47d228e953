// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "settings.h"
#include "tap.h"

#define EXIT_USAGE	2
#define EXIT_SKIP	77
#define TEST_SECONDS	60	/* a test that takes longer hangs */
#define SLOW_SECONDS	900	/* the same under KASAN or KCSAN */

/* Why a test was skipped, told by its process to the one that prints. */
static char *skip_reason;

void tap_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("# ");
	vprintf(format, ap);
	printf("\n");
	va_end(ap);
}

void tap_fail(const char *file, int line, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	tap_note("%s:%d: %s", file, line, text);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

void tap_skip(const char *why)
{
	snprintf(skip_reason, 256, "%s", why);
	fflush(stdout);
	_exit(EXIT_SKIP);
}

bool has_detectors(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK) ||
	       !access("/sys/kernel/debug/kcsan", F_OK);
}

int child(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		tap_fail(__FILE__, __LINE__, "fork: %s", strerror(errno));
	if (!pid) {
		alarm(has_detectors() ? SLOW_SECONDS : TEST_SECONDS);
		fn(arg);
		fflush(stdout);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			tap_fail(__FILE__, __LINE__, "waitpid: %s", strerror(errno));
	return status;
}

int killed_by(void (*fn)(void *), void *arg)
{
	int status = child(fn, arg);

	if (WIFEXITED(status))
		CHECK_EQ(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void run(void *arg)
{
	const struct test *test = arg;

	settle();
	test->run();
}

static bool passed(int status, int number, const char *sentence)
{
	bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;

	if (WIFSIGNALED(status))
		tap_note("killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	printf("%sok %d - %s", status && !skipped ? "not " : "", number, sentence);
	if (skipped)
		printf(" # SKIP %s", skip_reason);
	printf("\n");
	return !status || skipped;
}

/* Whether the test is one of those that the command line asks for. */
static bool wanted(const struct test *test, const char *pattern)
{
	return !pattern || strcasestr(test->sentence, pattern) || strcasestr(test->name, pattern);
}

static void list(FILE *to, const struct test *tests, int count, const char *pattern)
{
	for (int i = 0; i < count; i++)
		if (wanted(&tests[i], pattern))
			fprintf(to, "%-24s %s\n", tests[i].name, tests[i].sentence);
}

void tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(EXIT_SUCCESS);
}

static int run_all(const struct test *tests, int count, const char *pattern)
{
	const struct rlimit no_core = { 0, RLIM_INFINITY };
	bool all = true;

	setrlimit(RLIMIT_CORE, &no_core);
	settings_init();
	skip_reason = mmap(NULL, 256, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0, number = 0; i < count; i++) {
		int status;

		if (!wanted(&tests[i], pattern))
			continue;
		status = child(run, (void *)&tests[i]);
		settings_restore();
		all &= passed(status, ++number, tests[i].sentence);
	}
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}

int tap_main(int argc, char **argv, const struct test *tests, int count, obstacle_fn obstacle)
{
	bool only_list = argc > 1 && !strcmp(argv[1], "--list");
	const char *pattern = argv[1 + only_list], *why;
	int matches = 0;

	if (argc > 2 + only_list || (pattern && *pattern == '-')) {
		fprintf(stderr, "usage: %s [--list] [PATTERN]\n", argv[0]);
		return EXIT_USAGE;
	}
	for (int i = 0; i < count; i++)
		matches += wanted(&tests[i], pattern);
	if (!matches) {
		fprintf(stderr, "%s: no test has '%s' in its name or sentence; there are:\n",
			argv[0], pattern);
		list(stderr, tests, count, NULL);
		return EXIT_USAGE;
	}
	if (only_list) {
		list(stdout, tests, count, pattern);
		return EXIT_SUCCESS;
	}
	why = obstacle ? obstacle() : NULL;
	printf("1..%d\n", matches);
	if (why) {
		printf("Bail out! %s\n", why);
		return EXIT_FAILURE;
	}
	return run_all(tests, count, pattern);
}

static const struct parameter *find_parameter(const struct parameter *parameters, const char *arg)
{
	for (; parameters->name; parameters++) {
		size_t length = strlen(parameters->name);

		if (!strncmp(arg, parameters->name, length) && arg[length] == '=')
			return parameters;
	}
	return NULL;
}

int tap_parameters(int argc, char **argv, const struct parameter *parameters)
{
	const struct parameter *parameter;

	while (argc > 1 && (parameter = find_parameter(parameters, argv[1]))) {
		const char *value = strchr(argv[1], '=') + 1;
		char *end;

		*parameter->value = strtoul(value, &end, 0);
		if (end == value || *end || *parameter->value < parameter->least) {
			fprintf(stderr, "%s: %s has to be a number from %lu on\n", argv[0],
				parameter->name, parameter->least);
			exit(EXIT_USAGE);
		}
		memmove(&argv[1], &argv[2], --argc * sizeof(*argv));
	}
	return argc;
}
