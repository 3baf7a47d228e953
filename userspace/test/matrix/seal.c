// SPDX-License-Identifier: GPL-2.0
/* mseal(2) and protection keys. */
#include "matrix.h"

static void sealed(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	say_outcome(NULL, syscall(SYS_mseal, p, SIZE, 0));
	say_outcome("munmap", munmap(p, page));
	say_outcome("mprotect", mprotect(p, page, PROT_READ));
	say_outcome("mremap", (long)mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE));
	say_outcome("mmap over it", (long)mmap(p, page, RW, ANON | MAP_FIXED, -1, 0));
	say_outcome("MADV_DONTNEED", madvise(p, page, MADV_DONTNEED));
	fill(p, PAGES);
	say_pages(p, PAGES);
	say("flags %s", flags_of(cell, p));
}

/* Advice that would change the contents of read-only memory. */
static void sealed_read_only(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	CHECK(!mprotect(p, SIZE, PROT_READ));
	say_outcome(NULL, syscall(SYS_mseal, p, SIZE, 0));
	say_outcome("MADV_DONTNEED", madvise(p, page, MADV_DONTNEED));
	say_outcome("MADV_FREE", madvise(p, page, MADV_FREE));
	say_outcome("MADV_WIPEONFORK", madvise(p, page, MADV_WIPEONFORK));
	say_outcome("MADV_DONTFORK", madvise(p, page, MADV_DONTFORK));
	say_pages(p, PAGES);
}

static void sealed_part(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	say_outcome(NULL, syscall(SYS_mseal, p + 4 * page, 4 * page, 0));
	say("mappings: %d", mappings(p, SIZE));
	say_outcome("munmap of all", munmap(p, SIZE));
	say_outcome("munmap of the rest", munmap(p + 8 * page, 8 * page));
	say_kind(cell, p + 4 * page);
	say_pages(p, 8);
}

static bool has_keys(void)
{
	int key = pkey_alloc(0, 0);

	return key >= 0 && !pkey_free(key);
}

/* touch() does not return from its signal handler: all keys stay denied. */
static const char *touch_by_key(char *p, char how, int key, int rights)
{
	CHECK(!pkey_set(key, rights));
	return touch(p, how);
}

static void key_denies(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int key = pkey_alloc(0, cell->arg);

	CHECK(key >= 0);
	fill(p, PAGES / 2);
	say_outcome(NULL, pkey_mprotect(p, SIZE, RW, key));
	say("touched: read %s", touch_by_key(p, 'r', key, cell->arg));
	say("write %s", touch_by_key(p, 'w', key, cell->arg));
	say("untouched: read %s", touch_by_key(p + SIZE - page, 'r', key, cell->arg));
	say("write %s", touch_by_key(p + SIZE - page, 'w', key, cell->arg));
	say("%ld resident", usage(p, PAGES, "Rss"));
	CHECK(!pkey_set(key, 0));
	fill(p, PAGES);
	say_pages(p, PAGES);
	say_kind(cell, p);
	CHECK(!pkey_mprotect(p, SIZE, RW, 0));
	say("flags %s", flags_of(cell, p));
}

const struct row seal_rows[] = {
	{ "mseal, half written", sealed },
	{ "mseal, read-only", sealed_read_only },
	{ "mseal on four pages in the middle", sealed_part },
	{ "protection key that denies access", key_denies, PKEY_DISABLE_ACCESS, .needs = has_keys },
	{ "protection key that denies writing", key_denies, PKEY_DISABLE_WRITE, READ_POPULATES,
	  .needs = has_keys },
	{}
};
