// SPDX-License-Identifier: GPL-2.0
/* Unmapping, moving, resizing and protecting parts keeps contents and policy. */
#include <signal.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define PAGES	64
#define SIZE	(PAGES * page)

/* Even pages hold their number; odd ones are untouched. */
static char *half_filled(void)
{
	char *p;

	set(THP "enabled", "always");
	p = tamalloc(SIZE);
	for (size_t i = 0; i < PAGES; i += 2)
		poke(p + i * page, i + 1);
	return p;
}

/* Pages @first to @last - 1 of it, now at @p, are as half_filled() left them. */
static void check_part(char *p, size_t first, size_t last)
{
	for (size_t i = first; i < last; i++, p += page) {
		CHECK(is_region(p));
		CHECK_EQ(resident(p, page), i % 2 ? 0 : 1);
		if (i % 2)
			check_strict(p, page);
		else
			CHECK_EQ(peek(p), (char)(i + 1));
	}
}

static void read_at(void *p)
{
	(void)peek(p);
}

static void write_at(void *p)
{
	poke(p, 1);
}

static void read_and_write_at(void *p)
{
	read_at(p);
	write_at(p);
}

static void middle(void)
{
	char *p = half_filled();
	long before = vm_size();

	CHECK(!munmap(p + 10 * page, 20 * page));
	CHECK_EQ((before - vm_size()) * KIB, 20 * page);
	CHECK_EQ(killed_by(read_at, p + 10 * page), SIGSEGV);
	CHECK_EQ(killed_by(read_at, p + 30 * page - 1), SIGSEGV);
	check_part(p, 0, 10);
	check_part(p + 30 * page, 30, PAGES);
}

static void ends(void)
{
	char *p = half_filled();

	CHECK(!munmap(p, 5 * page));
	CHECK(!munmap(p + 60 * page, 4 * page));
	CHECK_EQ(killed_by(write_at, p + 5 * page - 1), SIGSEGV);
	CHECK_EQ(killed_by(write_at, p + 60 * page), SIGSEGV);
	check_part(p + 5 * page, 5, 60);
}

static void whole(void)
{
	char *p = half_filled();

	CHECK(!munmap(p, SIZE));
	CHECK_EQ(killed_by(read_at, p), SIGSEGV);
}

static void grow(void)
{
	char *p = half_filled();

	p = mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(resident(p, 2 * SIZE), PAGES / 2);
	check_part(p, 0, PAGES);
	check_strict(p + SIZE, SIZE);
}

static void shrink(void)
{
	char *p = half_filled();

	CHECK(mremap(p, SIZE, SIZE / 2, 0) == p);
	CHECK_EQ(killed_by(read_at, p + SIZE / 2), SIGSEGV);
	check_part(p, 0, PAGES / 2);
}

static void move(void)
{
	char *p = half_filled();
	long taken = faults();

	p = move_to(p, SIZE, hole(SIZE));
	CHECK_EQ(faults() - taken, 0);
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	check_part(p, 0, PAGES);
}

static void move_part(void)
{
	char *p = half_filled(), *to = hole(SIZE);

	move_to(p + 20 * page, 10 * page, to);
	CHECK_EQ(killed_by(read_at, p + 20 * page), SIGSEGV);
	check_part(p, 0, 20);
	check_part(to, 20, 30);
	check_part(p + 30 * page, 30, PAGES);
}

static void dontunmap(void)
{
	char *p = half_filled();
	char *to = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);

	CHECK(to != MAP_FAILED);
	check_part(to, 0, PAGES);
	CHECK(is_region(p));
	CHECK_EQ(resident(p, SIZE), 0);
	check_strict(p, SIZE);
}

static void protect_split(void)
{
	char *p = half_filled();
	int maps = map_count();

	CHECK(!mprotect(p + 10 * page, 20 * page, PROT_READ));
	CHECK_EQ(map_count(), maps + 2);
	CHECK_EQ(peek(p + 10 * page), 11);
	CHECK_EQ(killed_by(write_at, p + 10 * page), SIGSEGV);
	CHECK_EQ(killed_by(write_at, p + 11 * page), SIGSEGV);
	CHECK(!mprotect(p + 10 * page, 20 * page, RW));
	CHECK_EQ(map_count(), maps);
	check_part(p, 0, PAGES);
}

static void protect_none(void)
{
	char *p = half_filled();

	CHECK(!mprotect(p, SIZE, PROT_NONE));
	CHECK_EQ(killed_by(read_at, p), SIGSEGV);
	CHECK_EQ(killed_by(read_at, p + page), SIGSEGV);
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	CHECK(!mprotect(p, SIZE, RW));
	check_part(p, 0, PAGES);
}

/* The page that a read fills in read-only memory is the one written later. */
static void read_only_touch(void)
{
	char *p = tamalloc(SIZE);

	CHECK(!mprotect(p, SIZE, PROT_READ));
	CHECK_EQ(killed_by(read_and_write_at, p), SIGSEGV);
	for (size_t i = 0; i < PAGES; i++) {
		CHECK(all_zero(p + i * page, page));
		CHECK_EQ(resident(p, SIZE), i + 1);
	}
	CHECK(!mprotect(p, SIZE, RW));
	for (size_t i = 0; i < PAGES; i++) {
		poke(p + i * page, i);
		CHECK_EQ(peek(p + i * page), (char)i);
		CHECK(all_zero(p + i * page + 64, page - 64));
	}
	CHECK_EQ(resident(p, SIZE), PAGES);
}

static const struct test tests[] = {
	TEST("munmap of the middle leaves both ends as they were", middle),
	TEST("munmap of both ends leaves the middle as it was", ends),
	TEST("an access after munmap is a SIGSEGV", whole),
	TEST("mremap grows a region by untouched, strict pages", grow),
	TEST("mremap shrinks a region and keeps the rest", shrink),
	TEST("mremap moves a region without a fault", move),
	TEST("mremap moves the middle of a region", move_part),
	TEST("MREMAP_DONTUNMAP leaves an empty, strict region behind", dontunmap),
	TEST("mprotect splits a region and joins it again", protect_split),
	TEST("mprotect to PROT_NONE and back keeps the contents", protect_none),
	TEST("a page first read while read-only is the page written later", read_only_touch),
};

TAP_MAIN(tests, no_tamalloc)
