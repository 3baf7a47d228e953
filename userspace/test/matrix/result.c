// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>

#include "matrix.h"
#include "result.h"

static char *result;

void result_init(void)
{
	result = mmap(NULL, RESULT_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void result_clear(void)
{
	*result = '\0';
}

const char *result_text(void)
{
	return result;
}

void say(const char *format, ...)
{
	size_t length = strlen(result);
	va_list ap;

	if (length && length < RESULT_SIZE - 2)
		length += sprintf(result + length, ", ");
	va_start(ap, format);
	vsnprintf(result + length, RESULT_SIZE - length, format, ap);
	va_end(ap);
}

bool say_outcome(const char *what, long ret)
{
	const char *outcome = ret < 0 ? strerrorname_np(errno) : "ok";

	if (what)
		say("%s: %s", what, outcome);
	else
		say("%s", outcome);
	return ret >= 0;
}

void say_pages(const char *p, size_t pages)
{
	size_t out = swapped(p, pages);

	say("%ld resident", usage(p, pages, "Rss"));
	if (out)
		say("%zu swapped", out);
	say("%s", contents(p, pages));
}

void say_kind(const struct cell *cell, const char *p)
{
	say(is_region(p) == cell->kind->region ? "same kind" : "ANOTHER KIND");
}
