// SPDX-License-Identifier: GPL-2.0
/* Mappings: what merges, what splits, and what mprotect and munmap leave. */
#include <sys/personality.h>

#include "matrix.h"

static void say_mappings(const char *p)
{
	say("mappings: %d", mappings(p - SIZE, 3 * SIZE));
}

/* The argument: where the plain neighbour starts, in multiples of SIZE. */
static void plain_beside(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	put_plain(p + cell->arg * (long)SIZE, SIZE);
	say_mappings(p);
	say_kind(cell, p);
	fill(p, PAGES);
	say_pages(p, PAGES);
}

/* Both are touched first: each has an anon_vma of its own. */
static void touched_beside(const struct cell *cell)
{
	char *q = plain(SIZE), *p = in_the_middle(cell);

	fill(p, PAGES);
	fill(q, PAGES);
	move_to(q, SIZE, p + SIZE);
	say_mappings(p);
	say_kind(cell, p);
	say_pages(p, PAGES);
	say_pages(p + SIZE, PAGES);
}

/* The argument: how many of the two are touched before they meet. */
static void same_beside(const struct cell *cell)
{
	char *q = cell->kind->map(SIZE), *p = in_the_middle(cell);

	if (cell->arg > 0)
		fill(p, PAGES);
	if (cell->arg > 1)
		write_all(q, PAGES);
	move_to(q, SIZE, p + SIZE);
	say_mappings(p);
	say_kind(cell, p);
	say_kind(cell, p + SIZE);
}

static void one_after_the_other(const struct cell *cell)
{
	char *p = cell->kind->map(256 * MIB), *q = cell->kind->map(256 * MIB);

	say(q + 256 * MIB == p ? "adjacent" : "apart");
	say("mappings: %d", mappings(q, 512 * MIB));
}

static void plain_between(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	put_plain(p + SIZE / 2, page);
	say_mappings(p);
	say_kind(cell, p);
	say_kind(cell, p + SIZE - page);
	poke(p + SIZE / 2, 0);
	say_pages(p, PAGES);
}

static void file_over_it(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	CHECK(mmap(p, page, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	say_mappings(p);
	say_kind(cell, p + page);
	say("%ld resident", usage(p + page, PAGES - 1, "Rss"));
}

static void noreplace(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	say_outcome(NULL, (long)mmap(p + page, page, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	say_pages(p, PAGES);
}

static void remap_file(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	say_outcome(NULL, remap_file_pages(p, page, 0, 1, 0));
	say_pages(p, PAGES);
}

const struct row neighbour_rows[] = {
	{ "plain memory mapped right after it", plain_beside, 1, OWN_POLICY },
	{ "plain memory mapped right before it", plain_beside, -1, OWN_POLICY },
	{ "plain memory moved next to it, both touched", touched_beside },
	{ "its own kind moved next to it, neither touched", same_beside, 0 },
	{ "its own kind moved next to it, one touched", same_beside, 1 },
	{ "its own kind moved next to it, both touched", same_beside, 2 },
	{ "two of its kind, reserved in a row", one_after_the_other },
	{ "plain memory mapped over a page in the middle", plain_between, 0, OWN_POLICY },
	{ "shared memory mapped over its first page", file_over_it },
	{ "MAP_FIXED_NOREPLACE over it", noreplace, .refused = "EEXIST" },
	{ "remap_file_pages", remap_file, .refused = "EINVAL" },
	{}
};

static void protect(char *p, size_t pages, int prot)
{
	CHECK(!mprotect(p, pages * page, prot));
}

static void read_only(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES / 2);
	protect(p, PAGES, PROT_READ);
	say("read %s", touch(p, 'r'));
	say("write %s", touch(p, 'w'));
	protect(p, PAGES, RW);
	say_pages(p, PAGES);
	fill(p, PAGES);
	say_pages(p, PAGES);
}

static void read_while_read_only(const struct cell *cell)
{
	char *p = in_the_middle(cell);
	long taken;

	protect(p, PAGES, PROT_READ);
	taken = faults();
	read_all(p, PAGES);
	say("read: %ld faults, %ld resident", faults() - taken, usage(p, PAGES, "Rss"));
	say("write %s", touch(p, 'w'));
	protect(p, PAGES, RW);
	taken = faults();
	write_all(p, PAGES);
	say("made writable: %ld faults, %ld resident", faults() - taken, usage(p, PAGES, "Rss"));
}

static void no_access(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	protect(p, PAGES, PROT_NONE);
	say("read %s", touch(p, 'r'));
	say("write %s", touch(p, 'w'));
	say("%ld resident", usage(p, PAGES, "Rss"));
	protect(p, PAGES, RW);
	say_pages(p, PAGES);
}

static void middle(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	protect(p + 4 * page, 8, PROT_READ);
	say_mappings(p);
	say_kind(cell, p + 4 * page);
	say("write %s", touch(p + 4 * page, 'w'));
	protect(p + 4 * page, 8, RW);
	say_mappings(p);
	say_kind(cell, p);
	say_pages(p, PAGES);
}

static void executable(const struct cell *cell)
{
	/* return 42 */
#ifdef __x86_64__
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
#elif defined(__aarch64__)
	static const unsigned int code[] = { 0x52800540, 0xd65f03c0 };
#elif defined(__riscv)
	static const unsigned int code[] = { 0x02a00513, 0x00008067 };
#endif
	char *p = in_the_middle(cell);

	memcpy(p, code, sizeof(code));
	__builtin___clear_cache(p, p + sizeof(code));
	protect(p, PAGES, PROT_READ | PROT_EXEC);
	say("returns %d", ((int (*)(void))(void *)p)());
	say("write %s", touch(p, 'w'));
	say("flags %s", flags_of(cell, p));
}

/* Readable then means executable, as for any mapping. Nothing else changes. */
static void read_implies_exec(const struct cell *cell)
{
	char *p;

	CHECK(personality(personality(0xffffffff) | READ_IMPLIES_EXEC) >= 0);
	p = cell->kind->map(SIZE);
	say("flags %s", flags_of(cell, p));
	fill(p, PAGES);
	say_pages(p, PAGES);
}

static void write_only(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	protect(p, PAGES, PROT_WRITE);
	say("write %s", touch(p, 'w'));
	say("%ld resident", usage(p, PAGES, "Rss"));
	say("flags %s", flags_of(cell, p));
}

const struct row protect_rows[] = {
	{ "half touched, read-only and back", read_only },
	{ "read untouched pages while read-only, then make them writable", read_while_read_only, 0,
	  READ_POPULATES ", and takes a second fault to write to it",
	  .adaptive = WINDOWS },
	{ "PROT_NONE and back", no_access },
	{ "eight pages in the middle read-only and back", middle },
	{ "PROT_EXEC, then run code there", executable },
	{ "PROT_WRITE only", write_only },
	{ "reserved under READ_IMPLIES_EXEC", read_implies_exec },
	{}
};

static void say_hole(char *p, size_t from, size_t pages)
{
	bool all = true;

	for (size_t i = from; i < from + pages; i++)
		all &= !strcmp(touch(p + i * page, 'r'), "SIGSEGV MAPERR");
	say("%zu pages gone%s", pages, all ? "" : " NOT");
}

/* The argument: the first page to unmap and, 16 bits up, how many. */
static void unmap(const struct cell *cell)
{
	size_t first = cell->arg & 0xffff, pages = cell->arg >> 16, size = vm_size();
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	CHECK(!munmap(p + first * page, pages * page));
	say_mappings(p);
	say_hole(p, first, pages);
	if (first)
		say("before: %ld resident, %s", usage(p, first, "Rss"), contents(p, first));
	if (first + pages < PAGES) {
		p += (first + pages) * page;
		say("after: %ld resident", usage(p, PAGES - first - pages, "Rss"));
		say(*(size_t *)p == first + pages + 1 ? "kept" : "LOST");
		say_kind(cell, p);
	}
	say("VmSize + %zu pages", (vm_size() - size) / (page / KIB));
}

static void untouched(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	CHECK(!munmap(p + 4 * page, 8 * page));
	say_mappings(p);
	fill(p, 4);
	say_pages(p, 4);
	fill(p + 12 * page, 4);
	say_pages(p + 12 * page, 4);
	say_kind(cell, p + 12 * page);
}

static void again(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	fill(p, PAGES);
	CHECK(!munmap(p, SIZE));
	say_outcome("unmapped twice", munmap(p, SIZE));
	move_to(cell->kind->map(SIZE), SIZE, p);
	say("%ld resident", usage(p, PAGES, "Rss"));
	write_all(p, PAGES);
	say("rest %s", all_zero(p + 8, page - 8) ? "zero" : "NOT zero");
}

static void unaligned(const struct cell *cell)
{
	char *p = in_the_middle(cell);

	say_outcome(NULL, munmap(p + 1, page));
	say_mappings(p);
}

#define PART(first, pages) ((first) | (pages) << 16)

const struct row unmap_rows[] = {
	{ "the first four pages", unmap, PART(0, 4) },
	{ "four pages in the middle", unmap, PART(6, 4) },
	{ "the last four pages", unmap, PART(12, 4) },
	{ "all of it", unmap, PART(0, 16) },
	{ "the untouched middle, then write the rest", untouched },
	{ "all of it twice, then reserve the same place again", again },
	{ "an unaligned start", unaligned, .refused = "EINVAL" },
	{}
};
