// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "settings.h"
#include "tap.h"

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

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* What a test touches besides the memory that it is about: all present. */
static void settle(void)
{
	char stack[64 << 10];

	memset(stack, 1, sizeof(stack));
	asm volatile("" : : "r"(stack) : "memory");
	free(malloc(sizeof(stack)));
	mlockall(MCL_CURRENT);
	munlockall();
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

int tap_main(const struct test *tests, int count, obstacle_fn obstacle)
{
	const struct rlimit no_core = { 0, RLIM_INFINITY };
	const char *why = obstacle ? obstacle() : NULL;
	bool all = true;

	printf("1..%d\n", count);
	if (why) {
		printf("Bail out! %s\n", why);
		return EXIT_FAILURE;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	settings_init();
	skip_reason = mmap(NULL, 256, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < count; i++) {
		int status = child(run, (void *)&tests[i]);

		settings_restore();
		all &= passed(status, i + 1, tests[i].sentence);
	}
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
