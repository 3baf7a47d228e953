// SPDX-License-Identifier: GPL-2.0
/* How /proc/vmstat and the tracepoint report first touches. */
#include <fcntl.h>
#include <stdio.h>

#include "adaptive.h"
#include "counters.h"
#include "mem.h"
#include "tap.h"
#include "tracing.h"

#define EVENT	"tamalloc/tamalloc_first_touch"

static struct counts {
	long fault, fill, fallback;
} last;

static struct counts count(void)
{
	return (struct counts){
		.fault = vmstat("tamalloc_fault"),
		.fill = vmstat("tamalloc_fault") + vmstat("tamalloc_ahead"),
		.fallback = vmstat("tamalloc_fallback"),
	};
}

static void counted(long faults, long filled)
{
	struct counts now = count();

	CHECK_EQ(now.fault - last.fault, faults);
	CHECK_EQ(now.fill - last.fill, filled);
	CHECK_EQ(now.fallback - last.fallback, 0);
	last = now;
}

static void counts_windows(void)
{
	start();
	last = count();
	CHECK(last.fault >= 0);
	poke(at(0), 't');
	counted(1, 1);
	(void)peek(at(1));
	poke(at(1), 't');
	counted(1, 1);
	CHECK_EQ(walk(0, GROUP), windows_before(GROUP) - 2);
	counted(windows_before(GROUP) - 2, GROUP - 2);
	fills(GROUP, WINDOW);
	counted(1, WINDOW);
	CHECK(!madvise(at(2 * GROUP), GROUP * page, MADV_POPULATE_WRITE));
	counted(1, GROUP);
}

static void counts_strict(void)
{
	char *p = tamalloc(64 * page);

	last = count();
	check_strict(p, 64 * page);
	counted(64, 64);
}

static void ignores_plain(void)
{
	char *p = plain(64 * page);

	last = count();
	memset(p, 'p', 64 * page);
	counted(0, 0);
}

/* The next line of the trace must say this about the page. */
static void said(FILE *trace, size_t index, const char *rest)
{
	char line[512], want[128];

	snprintf(want, sizeof(want), "address=0x%lx %s\n", (unsigned long)at(index), rest);
	do {
		if (!fgets(line, sizeof(line), trace))
			tap_fail(__FILE__, __LINE__, "no '%s'", want);
	} while (line[0] == '#');
	CHECK(strstr(line, "tamalloc_first_touch: "));
	if (strcmp(strstr(line, "tamalloc_first_touch: ") + 22, want))
		tap_fail(__FILE__, __LINE__, "%s# instead of %s", line, want);
}

static void traced(void)
{
	char more[64];
	FILE *trace;

	tracing_mount();
	start();
	tracing_start(EVENT);
	poke(at(0), 't');
	for (size_t i = 1; i < 4; i++)
		(void)peek(at(i));
	(void)peek(at(4));
	for (size_t i = 4; i < 8; i++)
		poke(at(i), 't');
	poke(at(8) + 123, 't');
	tracing_stop(EVENT);

	trace = fopen(TRACING "/trace", "r");
	CHECK(trace);
	said(trace, 0, "nr_pages=1 write");
	said(trace, 1, "nr_pages=1 read");
	said(trace, 2, "nr_pages=1 read");
	said(trace, 3, "nr_pages=1 read");
	said(trace, 4, "nr_pages=4 read");
	said(trace, 8, "nr_pages=8 write");
	CHECK(!fgets(more, sizeof(more), trace));
	fclose(trace);
}

static const struct test tests[] = {
	TEST("vmstat counts each fault and each page filled", counts_windows),
	TEST("vmstat counts one page for each fault in a strict region", counts_strict),
	TEST("vmstat does not count plain memory", ignores_plain),
	TEST("the tracepoint reports the address, how many pages, and read or write", traced),
};

TAP_MAIN(tests, no_tamalloc)
