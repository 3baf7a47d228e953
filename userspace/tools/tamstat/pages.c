// SPDX-License-Identifier: GPL-2.0
/*
 * What each page of a region is: by PAGEMAP_SCAN, which passes over what is untouched
 * however large it is, and for large folios by kpageflags, which only root can read.
 * Kernels before 6.7 have only the entries of pagemap.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory.h"
#include "tamstat.h"
#include "uapi.h"

/* Of an entry of pagemap, and of one of kpageflags. */
#define PM_PRESENT	(1UL << 63)
#define PM_SWAPPED	(1UL << 62)
#define PFN_MASK	((1UL << 55) - 1)
#define KPF_COMPOUND	(1UL << 15 | 1UL << 16)		/* head, tail */

struct scan {
	int pagemap, flags;
	unsigned long page;
	struct run run;		/* not yet shown: more of it may follow */
	see_run see;
	void *arg;
};

/* The kernel hides frame numbers from those who may not see kpageflags. */
int folios_error(void)
{
	int fd = open_path(0, "kpageflags");

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void add(struct scan *scan, unsigned long start, unsigned long end, unsigned int state)
{
	struct run *run = &scan->run;

	if (run->end == start && run->state == state) {
		run->end = end;
		return;
	}
	if (run->end)
		scan->see(run, scan->arg);
	*run = (struct run){ start, end, state };
}

static bool is_large(const struct scan *scan, unsigned long addr)
{
	uint64_t entry, flags;

	if (pread(scan->pagemap, &entry, 8, addr / scan->page * 8) != 8 || !(entry & PFN_MASK))
		return false;
	return pread(scan->flags, &flags, 8, (entry & PFN_MASK) * 8) == 8 && flags & KPF_COMPOUND;
}

static void add_categories(struct scan *scan, const struct page_region *found)
{
	unsigned int state = found->categories & PAGE_IS_SWAPPED ? SWAPPED : RESIDENT;

	/* The page of zeroes that all share takes no memory. */
	if (found->categories & PAGE_IS_PFNZERO) {
		add(scan, found->start, found->end, ZERO);
		return;
	}
	if (found->categories & PAGE_IS_SOFT_DIRTY)
		state |= DIRTY;
	if (found->categories & PAGE_IS_HUGE)
		state |= LARGE | HUGE;
	if (scan->flags < 0 || state & (LARGE | SWAPPED)) {
		add(scan, found->start, found->end, state);
		return;
	}
	for (unsigned long addr = found->start; addr < found->end; addr += scan->page)
		add(scan, addr, addr + scan->page, state | (is_large(scan, addr) ? LARGE : 0));
}

static int scan_all(struct scan *scan, const struct region *region)
{
	struct page_region found[512];
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = region->start,
		.end = region->end,
		.vec = (unsigned long)found,
		.vec_len = sizeof(found) / sizeof(*found),
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_PFNZERO |
			       PAGE_IS_HUGE | PAGE_IS_SOFT_DIRTY,
	};

	while (arg.start < arg.end) {
		int count = ioctl(scan->pagemap, PAGEMAP_SCAN, &arg);

		if (count < 0)
			return errno;
		for (int i = 0; i < count; i++)
			add_categories(scan, &found[i]);
		arg.start = arg.walk_end;
	}
	return 0;
}

static int read_all(struct scan *scan, const struct region *region)
{
	uint64_t entries[4096];
	unsigned long addr = region->start;

	while (addr < region->end) {
		size_t bytes = (region->end - addr) / scan->page * 8;
		ssize_t got = pread(scan->pagemap, entries, bytes < sizeof(entries) ? bytes : sizeof(entries),
				    addr / scan->page * 8);

		if (got < 8)
			return got < 0 ? errno : EIO;
		for (ssize_t i = 0; i < got / 8; i++, addr += scan->page) {
			if (entries[i] & PM_PRESENT)
				add(scan, addr, addr + scan->page, RESIDENT);
			else if (entries[i] & PM_SWAPPED)
				add(scan, addr, addr + scan->page, SWAPPED);
		}
	}
	return 0;
}

static int look(int (*at_all)(struct scan *, const struct region *),
		int pid, const struct region *region, see_run see, void *arg)
{
	struct scan scan = { .page = sysconf(_SC_PAGESIZE), .see = see, .arg = arg };
	int error;

	scan.pagemap = open_memory(procfs, pid, "pagemap");
	if (scan.pagemap < 0)
		return errno;
	scan.flags = open_path(0, "kpageflags");
	error = at_all(&scan, region);
	if (!error && scan.run.end)
		see(&scan.run, arg);
	if (scan.flags >= 0)
		close(scan.flags);
	close(scan.pagemap);
	return error;
}

int scan_pages(int pid, const struct region *region, see_run see, void *arg)
{
	return look(scan_all, pid, region, see, arg);
}

int read_pages(int pid, const struct region *region, see_run see, void *arg)
{
	return look(read_all, pid, region, see, arg);
}
