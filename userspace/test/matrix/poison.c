// SPDX-License-Identifier: GPL-2.0
/* Memory errors, hard and soft, injected by madvise and debugfs. */
#include <signal.h>

#include "matrix.h"

#define INJECT	"/sys/kernel/debug/hwpoison/corrupt-pfn"

static volatile int told;

static void note(int number, siginfo_t *info, void *unused)
{
	(void)number;
	(void)unused;
	told = info->si_code;
}

/* A hard error may signal the caller at once, which has to survive that. */
static void poison(char *p)
{
	const struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	told = 0;
	CHECK(!sigaction(SIGBUS, &action, NULL));
	say_outcome(NULL, madvise(p, page, MADV_HWPOISON));
	if (told)
		say(told == BUS_MCEERR_AR ? "SIGBUS MCEERR_AR" : "SIGBUS");
}

static void look(void *p)
{
	say("child: %s", touch(p, 'r'));
}

/* The fifth page: it has neighbours on both sides. */
static void hard(const struct cell *cell)
{
	char *p = get(cell, SIZE), *bad = p + 4 * page;

	fill(p, PAGES);
	drain_lru();
	poison(bad);
	say("read %s", touch(bad, 'r'));
	say("write %s", touch(bad, 'w'));
	say("before it %s", contents(p, 4));
	say("%ld resident", usage(p, PAGES, "Rss"));
	CHECK(!child(look, bad));
	CHECK(!madvise(bad, page, MADV_DONTNEED));
	say("dropped: write %s", touch(bad, 'w'));
	say("rest %s", all_zero(bad + 8, page - 8) ? "zero" : "NOT zero");
	say_kind(cell, bad);
}

static void unmapped_after(const struct cell *cell)
{
	char *p = get(cell, SIZE), *bad = p + 4 * page;

	fill(p, PAGES);
	drain_lru();
	poison(bad);
	say_outcome("munmap", munmap(bad, page));
	say("read %s", touch(bad, 'r'));
	say("before it %s", contents(p, 4));
}

static void injected(const struct cell *cell)
{
	char *p = get(cell, SIZE), *bad = p + 4 * page, pfn[32];

	fill(p, PAGES);
	drain_lru();
	snprintf(pfn, sizeof(pfn), "0x%llx", (unsigned long long)pagemap(bad) & PM_FRAME);
	write_file(INJECT, pfn);
	say("read %s", touch(bad, 'r'));
	say("before it %s", contents(p, 4));
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void soft(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	uint64_t was;

	fill(p, PAGES);
	drain_lru();
	was = pagemap(p + 4 * page);
	say_outcome(NULL, madvise(p + 4 * page, page, MADV_SOFT_OFFLINE));
	say(pagemap(p + 4 * page) == was ? "NOT moved" : "moved");
	say_pages(p, PAGES);
}

static void in_huge_page(const struct cell *cell)
{
	size_t pages = huge / page;
	char *p = get(cell, huge), *bad = p + 4 * page;

	fill(p, pages);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	poison(bad);
	say("read %s", touch(bad, 'r'));
	say("before it %s", contents(p, 4));
	say("%ld resident", usage(p, pages, "Rss"));
}

static void unprivileged(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	CHECK(!setresuid(65534, 65534, 65534));
	say_outcome(NULL, madvise(p, page, MADV_HWPOISON));
	say_outcome("soft", madvise(p, page, MADV_SOFT_OFFLINE));
	say("read %s", touch(p, 'r'));
}

static bool can_poison(void)
{
	return !access("/proc/sys/vm/memory_failure_recovery", F_OK);
}

static bool can_poison_huge(void)
{
	return can_poison() && huge_pages_fit();
}

const struct row poison_rows[] = {
	{ "MADV_HWPOISON on a written page, then MADV_DONTNEED", hard,
	  .adaptive = LARGE_FOLIO "it is split, and the next access gets the signal, not madvise",
	  .needs = can_poison },
	{ "MADV_HWPOISON on a written page, then munmap", unmapped_after,
	  .adaptive = LARGE_FOLIO "it is split, and the next access gets the signal, not madvise",
	  .needs = can_poison },
	{ "MADV_HWPOISON in a huge page", in_huge_page, .needs = can_poison_huge },
	{ "hwpoison injected by page frame number", injected, .needs = can_poison },
	{ "MADV_SOFT_OFFLINE on a written page", soft, .needs = can_poison },
	{ "MADV_HWPOISON and SOFT_OFFLINE, unprivileged", unprivileged, .refused = "EPERM",
	  .needs = can_poison },
	{}
};
