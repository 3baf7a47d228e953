// SPDX-License-Identifier: GPL-2.0
/* The access patterns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define REGION		(32 * MIB)
#define CURVE_REGION	(64 * MIB)	/* 1 in 1024 has to be more than a few pages */
#define MAX_PAGES	(CURVE_REGION >> 12)

enum touch { WRITE, READ_WRITE, READ };

#define RUN_PAGES	64

/* @part of every @whole pages, in some order. */
struct pattern {
	enum touch touch;
	unsigned int part, whole;
	/* The first of every @whole; at random; or runs of RUN_PAGES that start at random. */
	enum { EVENLY, ANYWHERE, IN_RUNS } where;
	/* FROM_ENDS: the first, the last, the second, the last but one ... */
	enum { ASCENDING, DESCENDING, FROM_ENDS, SHUFFLED } order;
};

/* xorshift64: the same sequence in each run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void exchange(uint32_t *a, uint32_t *b)
{
	uint32_t old = *a;

	*a = *b;
	*b = old;
}

/* The first half in steps of two, the second in the gaps, backwards. */
static void meet_in_the_middle(uint32_t *order, size_t n)
{
	static uint32_t upwards[MAX_PAGES];

	memcpy(upwards, order, n * sizeof(*order));
	for (size_t i = 0; i < n; i++)
		order[i] = upwards[i % 2 ? n - 1 - i / 2 : i / 2];
}

/* Fills @order with the pages that a pattern touches and returns how many. */
static size_t lay_out(const struct pattern *p, size_t pages, uint32_t *order)
{
	size_t want = pages * p->part / p->whole, n = 0;
	uint64_t random = 0x9e3779b97f4a7c15;

	/* Anywhere: selection sampling, which takes exactly as many as wanted. */
	for (size_t i = 0; i < pages && p->where != IN_RUNS; i++)
		if (p->where == ANYWHERE ? next_random(&random) % (pages - i) < want - n :
					   !(i % p->whole))
			order[n++] = i;
	/* Each run lies somewhere in its own part of the region. */
	while (n < want && p->where == IN_RUNS) {
		size_t start = n * p->whole / p->part;
		size_t room = (n + RUN_PAGES) * p->whole / p->part - start - RUN_PAGES;

		start += next_random(&random) % (room + 1);
		for (size_t i = 0; i < RUN_PAGES; i++)
			order[n++] = start + i;
	}
	for (size_t i = 0; i < n / 2 && p->order == DESCENDING; i++)
		exchange(&order[i], &order[n - 1 - i]);
	if (p->order == FROM_ENDS)
		meet_in_the_middle(order, n);
	for (size_t i = n; i-- > 1 && p->order == SHUFFLED;)
		exchange(&order[i], &order[next_random(&random) % (i + 1)]);
	return n;
}

/* As the kernel's clear_page() on x86-64: one instruction for 8 bytes. */
static void zero_page(char *p)
{
#ifdef __x86_64__
	size_t words = page / 8;

	asm volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0UL) : "memory");
#else
	memset(p, 0, page);
	asm volatile("" : : "r"(p) : "memory");
#endif
}

/* The order is data: the loop costs the same for all patterns. */
static void touch_pages(volatile char *start, const uint32_t *order, size_t n, enum touch touch,
			bool zero)
{
	switch (touch) {
	case WRITE:
		for (size_t i = 0; i < n; i++) {
			if (zero)
				zero_page((char *)start + order[i] * page);
			start[order[i] * page] = 1;
		}
		break;
	case READ_WRITE:
		for (size_t i = 0; i < n; i++) {
			if (zero)
				zero_page((char *)start + order[i] * page);
			(void)start[order[i] * page];
			start[order[i] * page] = 1;
		}
		break;
	case READ:
		for (size_t i = 0; i < n; i++) {
			if (zero)
				zero_page((char *)start + order[i] * page);
			(void)start[order[i] * page];
		}
		break;
	}
}

static void release(const struct kind *kind, const struct area *area, struct sample *s)
{
	uint64_t start = now();

	put_area(kind, area);
	s->release += now() - start;
}

static void run_pattern(const struct bench_case *c, const struct kind *kind, struct sample *s,
			bool look)
{
	static uint32_t order[MAX_PAGES];
	static size_t n;
	struct area area;
	uint64_t start;

	if (!n)
		n = lay_out(c->pattern, c->bytes / page, order);
	if (kind->source == FLOOR)
		get_area(kind, c->bytes);
	s->faults = faults();
	start = now();
	area = get_area(kind, c->bytes);
	touch_pages(area.start, order, n, c->pattern->touch, kind->source == FLOOR);
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	s->touched = n;
	if (look)
		s->resident = resident(area.start, area.bytes);
	release(kind, &area, s);
}

static void write_each(const struct area *area, char value)
{
	for (size_t i = 0; i < area->bytes; i += page)
		*(volatile char *)(area->start + i) = value;
}

/*
 * A program that gives memory back and touches it again: half of 2 MiB and a page are in
 * use; the rest is dropped, and its first page touched, over and over.
 */
static void run_drop(const struct bench_case *c, const struct kind *kind, struct sample *s,
		     bool look)
{
	const int rounds = 200;
	struct area area = get_area(kind, 2 * c->bytes);
	struct area block = {
		.start = (char *)(((uintptr_t)area.start + c->bytes - 1) & -c->bytes),
		.bytes = c->bytes / 2,
	};
	char *rest = block.start + block.bytes;
	uint64_t start;

	write_each(&block, 1);
	s->faults = faults();
	start = now();
	for (int i = 0; i < rounds; i++) {
		*(volatile char *)rest = 1;
		if (look)
			s->resident += resident(rest, block.bytes);
		if (madvise(rest, block.bytes, MADV_DONTNEED))
			die("madvise");
	}
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	s->touched = rounds;
	release(kind, &area, s);
}

/*
 * Two arrays that grow in turns, as realloc() does it: neighbours are one mapping, of which
 * mremap() moves a part.
 */
static void run_grow(const struct bench_case *c, const struct kind *kind, struct sample *s,
		     bool look)
{
	struct area array[2];
	uint64_t start;

	s->faults = faults();
	start = now();
	for (int i = 0; i < 2; i++) {
		array[i] = get_area(kind, 16 * page);
		write_each(&array[i], 1);
	}
	while (array[0].bytes < c->bytes / 2)
		for (int i = 0; i < 2; i++) {
			size_t before = array[i].bytes;
			struct area grown = { .bytes = before + before / 2 / page * page };

			grown.start = mremap(array[i].start, before, grown.bytes, MREMAP_MAYMOVE);
			if (grown.start == MAP_FAILED)
				die("mremap");
			array[i] = grown;
			grown.start += before;
			grown.bytes -= before;
			write_each(&grown, 1);
		}
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	s->touched = 2 * array[0].bytes / page;
	for (int i = 0; i < 2; i++) {
		if (look)
			s->resident += resident(array[i].start, array[i].bytes);
		release(kind, &array[i], s);
	}
}

/*
 * Reads mapped pages, after their accessed bits have been cleared (or not). The processor
 * sets each bit again, which a translator does for free.
 */
static void read_again(const struct bench_case *c, const struct kind *kind, struct sample *s,
		       bool look, bool old)
{
	struct area area = get_area(kind, c->bytes);
	uint64_t start;

	write_each(&area, 1);
	if (old)
		write_file("/proc/self/clear_refs", "1");
	s->faults = faults();
	start = now();
	for (size_t i = 0; i < area.bytes; i += page)
		(void)*(volatile char *)(area.start + i);
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	s->touched = area.bytes / page;
	if (look)
		s->resident = resident(area.start, area.bytes);
	release(kind, &area, s);
}

static void run_young(const struct bench_case *c, const struct kind *kind, struct sample *s,
		      bool look)
{
	read_again(c, kind, s, look, false);
}

static void run_old(const struct bench_case *c, const struct kind *kind, struct sample *s,
		    bool look)
{
	read_again(c, kind, s, look, true);
}

static long khugepaged_scans(void)
{
	FILE *file = fopen(THP_DIR "khugepaged/full_scans", "r");
	long scans = -1;

	if (!file || fscanf(file, "%ld", &scans) != 1)
		die(THP_DIR "khugepaged/full_scans");
	fclose(file);
	return scans;
}

static void measure_writes(struct sample *s, const struct area *area, char value)
{
	long before = faults();
	uint64_t start = now();

	write_each(area, value);
	s->cost = now() - start;
	s->faults = faults() - before;
	s->touched = area->bytes / page;
}

/* What khugepaged makes of memory that is in use everywhere. Its work costs no touch. */
static void run_khugepaged(const struct bench_case *c, const struct kind *kind, struct sample *s,
			   bool look)
{
	struct area area = get_area(kind, c->bytes);
	long until;

	measure_writes(s, &area, 1);
	if (look) {
		write_file(THP_DIR "khugepaged/pages_to_scan", "100000");
		write_file(THP_DIR "khugepaged/scan_sleep_millisecs", "1");
		/* The scan under way may be past this memory; the next one collapses it. */
		until = khugepaged_scans() + 3;
		for (int i = 0; i < 1000 && khugepaged_scans() < until; i++)
			usleep(10000);
		write_file(THP_DIR "khugepaged/scan_sleep_millisecs", "86400000");
		s->resident = resident(area.start, area.bytes);
		s->huge = in_huge_pages(area.start, area.bytes);
	}
	release(kind, &area, s);
}

/*
 * A hash table that starts with one page and doubles when it is half full, up to
 * 16 MiB. An entry is a cache line. The low bits of its random key are its slot,
 * so that doubling writes the new table in two ascending sweeps.
 */
#define ENTRIES_AT_END	(16 * MIB / sizeof(struct entry))

struct entry {
	uint64_t key, value[7];
};

struct table {
	struct area area;
	size_t mask, used;
};

static unsigned char marked[16 * MIB >> 12];	/* pages of the table that were touched */

static struct table new_table(const struct kind *kind, size_t entries, bool look)
{
	struct table t = { .mask = entries - 1 };

	t.area = get_area(kind, entries * sizeof(struct entry));
	if (look)
		memset(marked, 0, sizeof(marked));
	return t;
}

static inline void insert(struct table *t, uint64_t key, uint64_t value, bool look)
{
	struct entry *entry = (struct entry *)t->area.start;
	size_t i = key & t->mask;

	while (entry[i].key) {
		if (look)
			marked[i * sizeof(*entry) / page] = 1;
		i = (i + 1) & t->mask;
	}
	entry[i].key = key;
	entry[i].value[0] = value;
	if (look)
		marked[i * sizeof(*entry) / page] = 1;
	t->used++;
}

static struct table doubled(struct table *t, const struct kind *kind, struct sample *s, bool look)
{
	const struct entry *entry = (const struct entry *)t->area.start;
	struct table next = new_table(kind, (t->mask + 1) * 2, look);

	for (size_t i = 0; i <= t->mask; i++)
		if (entry[i].key)
			insert(&next, entry[i].key, entry[i].value[0], look);
	if (look) {	/* the loop above has read all of it */
		s->touched += t->area.bytes / page;
		s->resident += resident(t->area.start, t->area.bytes);
	}
	put_area(kind, &t->area);
	return next;
}

static inline __attribute__((always_inline)) void grow_table(const struct kind *kind,
							      struct sample *s, bool look)
{
	uint64_t start = now(), random = 0x2545f4914f6cdd1d;
	struct table t;

	s->faults = faults();
	t = new_table(kind, page / sizeof(struct entry), look);
	while (t.mask + 1 < ENTRIES_AT_END || t.used * 2 <= t.mask) {
		if (t.used * 2 > t.mask)
			t = doubled(&t, kind, s, look);
		insert(&t, next_random(&random), t.used, look);
	}
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	if (look) {
		s->resident += resident(t.area.start, t.area.bytes);
		for (size_t i = 0; i < t.area.bytes / page; i++)
			s->touched += marked[i];
	}
	release(kind, &t.area, s);
}

/* Compiled twice: counting the touched pages must not cost the other run anything. */
static void run_table(const struct bench_case *c, const struct kind *kind, struct sample *s,
		      bool look)
{
	(void)c;
	if (look)
		grow_table(kind, s, true);
	else
		grow_table(kind, s, false);
}

/*
 * A bump allocator: objects of 16 to 512 bytes, one after the other, the first 16
 * bytes of each written. It uses half of what it has reserved.
 */
static void run_bump(const struct bench_case *c, const struct kind *kind, struct sample *s,
		     bool look)
{
	uint64_t start, random = 0x2545f4914f6cdd1d;
	struct area area;
	size_t used = 0;

	s->faults = faults();
	start = now();
	area = get_area(kind, c->bytes);
	while (used < c->bytes / 2) {
		volatile uint64_t *object = (volatile uint64_t *)(area.start + used);

		object[0] = used;
		object[1] = used;
		used += 16 + (next_random(&random) & 0x1f) * 16;
	}
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	/* Objects are shorter than a page, so no page was skipped. */
	s->touched = (used - 1) / page + 1;
	if (look)
		s->resident = resident(area.start, area.bytes);
	release(kind, &area, s);
}

/* The calls alone: map and unmap, nothing touched. */
static void run_calls(const struct bench_case *c, const struct kind *kind, struct sample *s,
		      bool look)
{
	/* Many: RCU frees later, in batches, what a call leaves behind. */
	int calls = kind->flags & MAP_POPULATE ? 1 : 4000;
	struct area neighbour = { .bytes = page };
	uint64_t start;

	(void)look;
	/* As in most programs: what fits next to it mmap() need only make longer. */
	if (c->bytes == MIB)
		neighbour = get_area(&kinds[PLAIN], page);
	s->faults = faults();
	start = now();
	for (int i = 0; i < calls; i++) {
		struct area area = get_area(kind, c->bytes);

		put_area(kind, &area);
	}
	s->cost = now() - start;
	s->faults = faults() - s->faults;
	s->touched = calls;
	if (neighbour.start)
		put_area(&kinds[PLAIN], &neighbour);
}

/* A child writes every page that its parent has written; the cost includes the fork. */
static void run_fork(const struct bench_case *c, const struct kind *kind, struct sample *s,
		     bool look)
{
	struct area area = get_area(kind, c->bytes);
	static struct sample *childs;
	uint64_t start;
	int status;
	pid_t pid;

	if (!childs)
		childs = mmap(NULL, sizeof(*childs), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (childs == MAP_FAILED)
		die("mmap");
	memset(childs, 0, sizeof(*childs));
	write_each(&area, 1);
	start = now();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		childs->faults = faults();
		write_each(&area, 2);
		childs->cost = now() - start;
		childs->faults = faults() - childs->faults;
		if (look)
			childs->resident = resident(area.start, area.bytes);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	*s = *childs;
	s->touched = area.bytes / page;
	release(kind, &area, s);
}

/* A parent writes everything again when its child has gone, as after a snapshot of a server's. */
static void run_after_fork(const struct bench_case *c, const struct kind *kind, struct sample *s,
			   bool look)
{
	struct area area = get_area(kind, c->bytes);
	pid_t pid;

	write_each(&area, 1);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(EXIT_SUCCESS);
	while (waitpid(pid, NULL, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	measure_writes(s, &area, 2);
	if (look)
		s->resident = resident(area.start, area.bytes);
	release(kind, &area, s);
}

#define JUDGED .judged = true
#define KIND(k) (1U << (k))
/* The kinds that a target compares. */
#define COMPARED (KIND(PLAIN) | KIND(STRICT) | KIND(ADAPTIVE))
#define WITH_THP (COMPARED | KIND(THP))

#define PATTERN(...) .run = run_pattern, .bytes = REGION, \
	.pattern = &(const struct pattern){ __VA_ARGS__ }
#define STRIDE(n) { "stride-" #n, "1 in " #n, "the first of every " #n " pages", JUDGED, \
	.brief = (n) == 16 || (n) == 64, PATTERN(WRITE, 1, n, EVENLY, ASCENDING) }, \
	{ "stride-" #n "-random", "1 in " #n ", random", "the same pages, in random order", \
	  JUDGED, .kinds = COMPARED, PATTERN(WRITE, 1, n, EVENLY, SHUFFLED) }
#define CURVE(id, some, of, where) { id, id " " #some "/" #of, \
	"that fraction of 64 MiB, in ascending order", .density = 1.0 * (some) / (of), \
	.run = run_pattern, .bytes = CURVE_REGION, \
	.pattern = &(const struct pattern){ WRITE, some, of, where, ASCENDING } }
#define DENSITY(some, of) CURVE("density", some, of, ANYWHERE)
#define RUNS(some, of) CURVE("runs", some, of, IN_RUNS)

const struct bench_case cases[] = {
	{ "write", "write", "every page, in ascending order", true, true, JUDGED,
	  PATTERN(WRITE, 1, 1, EVENLY, ASCENDING) },
	{ "read-write", "read, then write", "every page, read and then written", true, true, JUDGED,
	  PATTERN(READ_WRITE, 1, 1, EVENLY, ASCENDING) },
	{ "read", "read", "every page, read only", true, true,
	  PATTERN(READ, 1, 1, EVENLY, ASCENDING) },
	{ "backwards", "write backwards", "every page, in descending order", true, true, JUDGED,
	  PATTERN(WRITE, 1, 1, EVENLY, DESCENDING) },
	{ "read-write-backwards", "both, backwards", "read and then written, in descending order",
	  true, true, JUDGED, PATTERN(READ_WRITE, 1, 1, EVENLY, DESCENDING) },
	{ "both-ends", "from both ends", "first, last, second, last but one ...", true, true, JUDGED,
	  PATTERN(WRITE, 1, 1, EVENLY, FROM_ENDS) },
	{ "random", "write at random", "every page, in random order", true, true, JUDGED,
	  PATTERN(WRITE, 1, 1, EVENLY, SHUFFLED) },
	STRIDE(2), STRIDE(4), STRIDE(8), STRIDE(16), STRIDE(32),
	STRIDE(64), STRIDE(128), STRIDE(256), STRIDE(512), STRIDE(1024),
	{ "sparse", "128 of 8192", "anywhere, in random order", true, false,
	  PATTERN(WRITE, 1, 64, ANYWHERE, SHUFFLED) },
	{ "hash", "hash table", "doubles from one page to 16 MiB; 64-byte entries", true,
	  .run = run_table },
	{ "bump", "bump allocator", "16 to 512-byte objects fill half of 32 MiB", true,
	  .run = run_bump, .bytes = REGION },
	{ "grow", "growing arrays", "two that mremap() makes half as long again, up to 16 MiB", true,
	  .kinds = WITH_THP, .run = run_grow, .bytes = REGION },
	{ "fork", "fork, then write", "a child writes every page its parent wrote", true,
	  .run = run_fork, .bytes = REGION },
	{ "after-fork", "after a fork", "its parent writes every page again, when it has gone", true,
	  .kinds = WITH_THP, .run = run_after_fork, .bytes = REGION },
	{ "drop", "drop, touch", "half of 2 MiB dropped and its first page touched; pages filled",
	  true, .filled = true, .run = run_drop, .bytes = 2 * MIB },
	{ "young", "read again", "mapped pages; their accessed bits are set", true,
	  .kinds = WITH_THP, .run = run_young, .bytes = REGION },
	{ "old", "read again, old", "mapped pages; the processor has to set each bit", true,
	  .kinds = WITH_THP, .run = run_old, .bytes = REGION },
	{ "khugepaged", "khugepaged", "every page written, then left to khugepaged", true, JUDGED,
	  .kinds = WITH_THP, .run = run_khugepaged, .bytes = REGION },
	{ "calls", "calls alone", "map and unmap, nothing touched", true, JUDGED,
	  .untouched = true, .run = run_calls, .bytes = REGION },
	{ "calls-1m", "calls, 1 MiB", "the same for 1 MiB next to memory from mmap()", true, JUDGED,
	  .untouched = true, .kinds = WITH_THP, .run = run_calls, .bytes = MIB },
	DENSITY(1, 1024), DENSITY(1, 512), DENSITY(1, 256), DENSITY(1, 128), DENSITY(1, 64),
	DENSITY(1, 32), DENSITY(1, 16), DENSITY(1, 8), DENSITY(1, 4), DENSITY(1, 2),
	DENSITY(3, 4), DENSITY(7, 8), DENSITY(15, 16), DENSITY(31, 32), DENSITY(1, 1),
	RUNS(1, 256), RUNS(1, 128), RUNS(1, 64), RUNS(1, 32), RUNS(1, 16), RUNS(1, 8), RUNS(1, 4),
	RUNS(1, 2), RUNS(3, 4), RUNS(7, 8), RUNS(15, 16), RUNS(1, 1),
};
_Static_assert(ARRAY_SIZE(cases) <= MAX_CASES, "raise MAX_CASES");
const int case_count = ARRAY_SIZE(cases);

const struct bench_case *find_case(const char *id)
{
	for (int i = 0; i < case_count; i++)
		if (!strcmp(cases[i].id, id))
			return &cases[i];
	return NULL;
}
