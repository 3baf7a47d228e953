// SPDX-License-Identifier: GPL-2.0
/* Tracking writes: soft-dirty bits and PAGEMAP_SCAN. */
#include <fcntl.h>

#include "matrix.h"
#include "uffd.h"

static void clear_soft_dirty(void)
{
	write_file("/proc/self/clear_refs", "4");
}

static void say_soft_dirty(const char *p)
{
	char line[PAGES + 1] = "";

	for (size_t i = 0; i < PAGES; i++)
		line[i] = pagemap(p + i * page) & PM_SOFT_DIRTY ? '1' : '0';
	say("%s", line);
}

static void soft_dirty(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	clear_soft_dirty();
	say_soft_dirty(p);
	for (size_t i = 0; i < PAGES; i += 3)
		poke(p + i * page, 'x');
	say_soft_dirty(p);
}

static void soft_dirty_read(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	clear_soft_dirty();
	read_all(p, PAGES);
	say_soft_dirty(p);
}

static void soft_dirty_new(const struct cell *cell)
{
	clear_soft_dirty();
	say_soft_dirty(get(cell, SIZE));
}

static void soft_dirty_moved(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	clear_soft_dirty();
	say_soft_dirty(move_to(p, SIZE, hole(SIZE)));
}

/* Registers the memory for asynchronous write protection. */
static void track(char *p, size_t size)
{
	int uffd = uffd_open(O_CLOEXEC | O_NONBLOCK,
			     UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED);

	CHECK(uffd >= 0);
	CHECK(!uffd_register(uffd, p, size, UFFDIO_REGISTER_MODE_WP));
}

/* Says how many pages it found, in how many runs, and their categories. */
static void scan(char *p, size_t pages, int flags, int mask, const char *name)
{
	struct page_region found[PAGES * 2];
	struct pm_scan_arg arg = {
		.size = sizeof(arg), .flags = flags,
		.start = (uintptr_t)p, .end = (uintptr_t)p + pages * page,
		.vec = (uintptr_t)found, .vec_len = PAGES * 2, .category_mask = mask,
		.return_mask = PAGE_IS_WRITTEN | PAGE_IS_FILE | PAGE_IS_PRESENT | PAGE_IS_SWAPPED |
			PAGE_IS_PFNZERO | PAGE_IS_HUGE,
	};
	int count = ioctl(pagemap_fd(), PAGEMAP_SCAN, &arg);
	size_t sum = 0;
	int any = 0;

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		sum += (found[i].end - found[i].start) / page;
		any |= found[i].categories;
	}
	say("%s: %zu pages in %d runs%s%s%s%s%s%s", name, sum, count,
	    any & PAGE_IS_WRITTEN ? " written" : "", any & PAGE_IS_FILE ? " file" : "",
	    any & PAGE_IS_PRESENT ? " present" : "", any & PAGE_IS_SWAPPED ? " swapped" : "",
	    any & PAGE_IS_PFNZERO ? " zero-page" : "", any & PAGE_IS_HUGE ? " huge" : "");
}

#define RESET (PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC)

static void scan_written(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	track(p, SIZE);
	fill(p, PAGES / 2);
	scan(p, PAGES, RESET, PAGE_IS_WRITTEN, "first");
	scan(p, PAGES, 0, PAGE_IS_WRITTEN, "again");
	for (size_t i = 0; i < PAGES; i += 3)
		poke(p + i * page, 'x');
	scan(p, PAGES, RESET, PAGE_IS_WRITTEN, "each third written");
	scan(p, PAGES, 0, PAGE_IS_PRESENT, "present");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void scan_untouched(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	track(p, SIZE);
	scan(p, PAGES, RESET, PAGE_IS_WRITTEN, "untouched");
	scan(p, PAGES, 0, PAGE_IS_WRITTEN, "again");
	say("%ld resident", usage(p, PAGES, "Rss"));
	fill(p, 4);
	scan(p, PAGES, RESET, PAGE_IS_WRITTEN, "4 written");
	say("%ld resident, %s", usage(p, 4, "Rss"), *(size_t *)p == 1 ? "kept" : "LOST");
}

static void scan_read(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	track(p, SIZE);
	scan(p, PAGES, RESET, PAGE_IS_WRITTEN, "untouched");
	read_all(p, PAGES);
	scan(p, PAGES, 0, PAGE_IS_WRITTEN, "read");
	write_all(p, 4);
	scan(p, PAGES, 0, PAGE_IS_WRITTEN, "4 written");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void scan_huge(const struct cell *cell)
{
	size_t pages = huge / page;
	char *p = get(cell, huge);

	fill(p, pages);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	track(p, huge);
	scan(p, pages, RESET, PAGE_IS_WRITTEN, "first");
	poke(p + 5 * page + 8, 'x');
	scan(p, pages, 0, PAGE_IS_WRITTEN, "one written");
	say("%s", contents(p, pages));
}

/* Without userfaultfd. */
static void categories(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	scan(p, PAGES, 0, PAGE_IS_PRESENT, "present");
	scan(p, PAGES, 0, PAGE_IS_FILE, "of a file");
	scan(p, PAGES, 0, PAGE_IS_WPALLOWED, "tracked");
}

static void categories_read(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	read_all(p, PAGES);
	scan(p, PAGES, 0, PAGE_IS_PRESENT, "read");
}

static bool can_protect_huge(void)
{
	return uffd_can_protect() && huge_pages_fit();
}

const struct row track_rows[] = {
	{ "soft-dirty, half written, then every third page", soft_dirty },
	{ "soft-dirty, half written, cleared, then all read", soft_dirty_read },
	{ "soft-dirty, reserved after the clear", soft_dirty_new },
	{ "soft-dirty, moved by mremap", soft_dirty_moved },
	{ "PAGEMAP_SCAN, categories, half written", categories },
	{ "PAGEMAP_SCAN, categories, only read", categories_read, 0, READ_POPULATES },
	{ "PAGEMAP_SCAN with WP_ASYNC: half written, then every third page", scan_written,
	  .needs = uffd_can_protect },
	{ "PAGEMAP_SCAN with WP_ASYNC: untouched, then four written", scan_untouched,
	  .needs = uffd_can_protect },
	{ "PAGEMAP_SCAN with WP_ASYNC: untouched, read, four written", scan_read, 0, READ_POPULATES,
	  .needs = uffd_can_protect },
	{ "PAGEMAP_SCAN with WP_ASYNC: a huge page", scan_huge, .needs = can_protect_huge },
	{}
};
