// SPDX-License-Identifier: GPL-2.0
/* A page reads as zero until it is written. */
#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "tap.h"

#define SIZE (8 * MIB)

static void read_zero(void)
{
	CHECK(all_zero(tamalloc(SIZE), SIZE));
}

/* Only the byte that is written is not zero. */
static void write_zero(void)
{
	char *p = tamalloc(64 * page);

	for (size_t i = 0; i < 64; i++) {
		char *byte = p + i * page + i * 61 % page;

		poke(byte, 'x');
		CHECK_EQ(peek(byte), 'x');
		poke(byte, 0);
		CHECK(all_zero(p + i * page, page));
	}
}

static void one_fault(void)
{
	char *p = tamalloc(256 * page);
	long taken = faults();

	for (size_t i = 0; i < 256; i++) {
		CHECK_EQ(peek(p + i * page), 0);
		poke(p + i * page, 'x');
	}
	CHECK_EQ(faults() - taken, 256);
}

static void dirty(void *unused)
{
	char *p = plain(8 * SIZE);

	(void)unused;
	memset(p, 0xa5, 8 * SIZE);
}

/* From pages that another process has just left full of data. */
static void recycled(void)
{
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(child(dirty, NULL), 0);
		CHECK(all_zero(tamalloc(SIZE), SIZE));
	}
}

static void recycled_by_writes(void)
{
	char *p;

	CHECK_EQ(child(dirty, NULL), 0);
	p = tamalloc(SIZE);
	for (size_t i = 0; i < SIZE; i += page)
		poke(p + i, 0);
	CHECK(all_zero(p, SIZE));
}

static void dontneed(void)
{
	char *p = tamalloc(64 * page);

	memset(p, 'x', 64 * page);
	CHECK(!madvise(p, 64 * page, MADV_DONTNEED));
	CHECK_EQ(resident(p, 64 * page), 0);
	CHECK(all_zero(p, 32 * page));
	check_strict(p + 32 * page, 32 * page);
}

static void kept(void)
{
	unsigned int *p = tamalloc(SIZE);

	for (size_t i = 0; i < SIZE / sizeof(*p); i += 97)
		p[i] = i * 2654435761U + 1;
	for (size_t i = 0; i < SIZE / sizeof(*p); i++)
		CHECK_EQ(p[i], i % 97 ? 0 : (unsigned int)i * 2654435761U + 1);
}

static const struct test tests[] = {
	TEST("every byte reads as zero", read_zero),
	TEST("a write leaves the rest of its page zero", write_zero),
	TEST("reading and then writing a page takes one fault", one_fault),
	TEST("no read sees data that another process left", recycled),
	TEST("no write exposes data that another process left", recycled_by_writes),
	TEST("after MADV_DONTNEED a page is zero and strict again", dontneed),
	TEST("written data stays and nothing else changes", kept),
};

TAP_MAIN(tests, no_tamalloc)
