// SPDX-License-Identifier: GPL-2.0
/*
 * What came ahead and the touches that it followed from are parted: by fork of pinned
 * memory, by moving or unmapping a part. Neither side may fill the same place again
 * on evidence that it has got from the kernel, or that stayed behind.
 */
#include <linux/io_uring.h>
#include <sys/uio.h>

#include "adaptive.h"

/* Pin a page for as long as this process lives, as a driver would. */
static void pin(char *p)
{
	struct io_uring_params params = {};
	struct iovec range = { p, page };
	int ring = syscall(SYS_io_uring_setup, 1, &params);

	CHECK(ring >= 0);
	CHECK(!syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &range, 1));
}

/* More than half of a group is touched, and all of it is there. */
static void start_group(void)
{
	start();
	CHECK_EQ(walk(0, GROUP / 2), windows_before(GROUP / 2));
	fills(GROUP / 2, GROUP / 2);
}

static void look_at_half(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < GROUP / 2; i++)
		CHECK_EQ(peek(at(i)), 't');
	fills(GROUP, 1);
}

static void forked_pinned(void)
{
	start_group();
	pin(at(GROUP / 2));
	CHECK_EQ(child(look_at_half, NULL), 0);
}

static void forked(void)
{
	start_group();
	CHECK_EQ(child(look_at_half, NULL), 0);
}

static char *move_part(size_t from, size_t count, int flags)
{
	void *to = hole(count * page);

	CHECK_EQ(mremap(at(from), count * page, count * page,
			MREMAP_MAYMOVE | MREMAP_FIXED | flags, to), to);
	return to;
}

/* Of a filled half only the page that was touched is left, and the rest is zero. */
static void check_touched(char *half)
{
	CHECK_EQ(resident(half, GROUP / 2 * page), 1);
	CHECK_EQ(*half, 't');
	CHECK(all_zero(half + page, (GROUP / 2 - 1) * page));
}

static void moved_again_and_again(void)
{
	start_group();
	for (int i = 0; i < 8; i++) {
		check_touched(move_part(GROUP / 2, GROUP / 2, MREMAP_DONTUNMAP));
		CHECK_EQ(resident(region, SIZE), GROUP / 2);
		poke(at(GROUP / 2), 't');
	}
}

static void moved(void)
{
	start_group();
	check_touched(move_part(GROUP / 2, GROUP / 2, 0));
}

static void evidence_moved(void)
{
	char *evidence;

	start_group();
	evidence = move_part(0, GROUP / 2, 0);
	CHECK_EQ(resident(evidence, GROUP / 2 * page), GROUP / 2);
	check_touched(at(GROUP / 2));
}

static void unmapped(void)
{
	start_group();
	CHECK(!munmap(at(GROUP / 2 - 1), page));
	check_touched(at(GROUP / 2));
}

/* A part that a neighbour takes over is not split off first. */
static void joined(void)
{
	start();
	CHECK(!mprotect(at(GROUP), GROUP * page, PROT_READ));
	/* Only what has been touched shares an anon_vma, without which nothing is joined. */
	CHECK_EQ(peek(at(GROUP)), 0);
	CHECK_EQ(walk(0, GROUP / 2), windows_before(GROUP / 2));
	fills(GROUP / 2, GROUP / 2);
	CHECK(!mprotect(at(GROUP / 2), GROUP / 2 * page, PROT_READ));
	CHECK_EQ(resident(at(GROUP / 2), GROUP / 2 * page), 1);
}

/* Half a group that the one below it has lent. */
static void lent(void)
{
	start_group();
	CHECK_EQ(walk(0, GROUP), 0);
	fills(GROUP, GROUP / 2);
	check_touched(move_part(GROUP, GROUP, 0));
}

/* Control: what was touched stays, also where it holds only zeroes. */
static void moved_whole(void)
{
	start_group();
	for (size_t i = 0; i < WINDOW / 2; i++)
		poke(at(i), 0);
	region = move_part(0, PAGES, 0);
	CHECK_EQ(resident(region, SIZE), GROUP);
	move_part(WINDOW / 4, WINDOW / 4, 0);
	CHECK_EQ(resident(region, WINDOW / 4 * page), WINDOW / 4);
}

static void written(void)
{
	char *half;

	start_group();
	poke(at(GROUP / 2 + 5) + 123, 'w');
	half = move_part(GROUP / 2, GROUP / 2, 0);
	CHECK_EQ(resident(half, GROUP / 2 * page), 2);
	CHECK_EQ(half[5 * page + 123], 'w');
}

/* A pin is known of a folio only, so all of that stays. */
static void pinned(void)
{
	const size_t middle = GROUP / 4 * 3;
	size_t folio;

	start_group();
	folio = folio_pages(at(middle));
	pin(at(middle));
	/* If it is not all, the page that was touched is of another. */
	CHECK_EQ(resident(move_part(GROUP / 2, GROUP / 2, 0), GROUP / 2 * page),
		 folio == GROUP / 2 ? folio : folio + 1);
}

static const struct test tests[] = {
	TEST("a child of pinned memory inherits no evidence", forked_pinned),
	TEST("nor does a child of other memory", forked),
	TEST("MREMAP_DONTUNMAP leaves the untouched pages of a part behind", moved_again_and_again),
	TEST("mremap does so with a part that was filled", moved),
	TEST("and what stays has what was touched when its evidence moves", evidence_moved),
	TEST("munmap of a page between the two keeps what was touched", unmapped),
	TEST("so does a neighbour that takes over a part", joined),
	TEST("half a group that was lent moves without its untouched pages", lent),
	TEST("a region that moves as a whole keeps all its pages", moved_whole),
	TEST("a page that was written moves", written),
	TEST("a folio with a pinned page moves as a whole", pinned),
};

TAP_MAIN(tests, no_tamalloc)
