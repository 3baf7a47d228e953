/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP for programs whose tests each run in a process of their own: a crash, a
 * hang or a limit set by one does not reach the next. A test ends at its first
 * failed check.
 *
 *	PROGRAM [PATTERN]	the tests whose sentence or function has PATTERN in it
 *	PROGRAM --list [PATTERN]	says which those are
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct test {
	const char *sentence;	/* what holds when it passes */
	const char *name;	/* of the function */
	void (*run)(void);
};

#define TEST(sentence, function) { sentence, #function, function }

/* Why the whole program cannot run, or NULL. */
typedef const char *(*obstacle_fn)(void);

int tap_main(int argc, char **argv, const struct test *tests, int count, obstacle_fn obstacle);

#define TAP_MAIN(tests, obstacle)					\
int main(int argc, char **argv)						\
{									\
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), obstacle); \
}

/* What a program can be told by NAME=NUMBER before the pattern. */
struct parameter {
	const char *name;
	unsigned long *value;
	unsigned long least;
};

/* Take them off the command line; @parameters ends with an empty one. The new argc. */
int tap_parameters(int argc, char **argv, const struct parameter *parameters);

/* KASAN or KCSAN, told by what else such a kernel has: everything takes some 20 times as long. */
bool has_detectors(void);

/* End the test, with a reason. */
void tap_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void tap_skip(const char *why) __attribute__((noreturn));
/* For an obstacle_fn: end the program with all of its tests skipped. */
void tap_skip_all(const char *why) __attribute__((noreturn));
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run @fn(@arg) in a forked child; its wait status, 0 if its checks held. */
int child(void (*fn)(void *), void *arg);
/* The same for a child that may die: the signal that killed it, or 0 if its checks held. */
int killed_by(void (*fn)(void *), void *arg);

#define CHECK(cond) do {						\
	if (!(cond))							\
		tap_fail(__FILE__, __LINE__, "does not hold: %s (errno: %s)",	\
			 #cond, strerror(errno));			\
} while (0)

#define CHECK_EQ(got, want) do {					\
	long long got_ = (long long)(got), want_ = (long long)(want);	\
	if (got_ != want_)						\
		tap_fail(__FILE__, __LINE__, "%s is %lld, not %lld",	\
			 #got, got_, want_);				\
} while (0)

/* A call must give -1 and this errno. */
#define CHECK_FAILS(call, err) do {					\
	errno = 0;							\
	long ret_ = (long)(call);					\
	int errno_ = errno;						\
	if (ret_ != -1 || errno_ != (err))				\
		tap_fail(__FILE__, __LINE__, "%s gives %ld (%s), not %s", \
			 #call, ret_, strerrorname_np(errno_),		\
			 strerrorname_np(err));				\
} while (0)

#endif /* TAP_H */
