// SPDX-License-Identifier: GPL-2.0
/*
 * What each page of a region is: by PAGEMAP_SCAN, which passes over what is untouched
 * however large it is, and for large folios by kpageflags, which only root can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tamstat.h"
#include "uapi.h"

/* Of an entry of pagemap, and of one of kpageflags. */
#define PFN_MASK	((1UL << 55) - 1)
#define KPF_COMPOUND	(1UL << 15 | 1UL << 16)		/* head, tail */

struct scan {
	int pagemap, flags;
	unsigned long page;
	struct run run;		/* not yet shown: more of it may follow */
	see_run see;
	void *arg;
};

static int open_path(const char *format, int pid)
{
	char *path;
	int fd, error;

	if (asprintf(&path, format, procfs, pid) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	error = errno;
	free(path);
	errno = error;
	return fd;
}

/* The kernel hides frame numbers from those who may not see kpageflags. */
bool sees_folios(void)
{
	int fd = open_path("%s/kpageflags", 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
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
	if (found->categories & PAGE_IS_PFNZERO)
		return;
	if (found->categories & PAGE_IS_SOFT_DIRTY)
		state |= DIRTY;
	if (found->categories & PAGE_IS_HUGE)
		state |= LARGE;
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

int scan_pages(int pid, const struct region *region, see_run see, void *arg)
{
	struct scan scan = { .page = sysconf(_SC_PAGESIZE), .see = see, .arg = arg };
	int error;

	scan.pagemap = open_path("%s/%d/pagemap", pid);
	if (scan.pagemap < 0)
		return errno;
	scan.flags = open_path("%s/kpageflags", 0);
	error = scan_all(&scan, region);
	if (!error && scan.run.end)
		see(&scan.run, arg);
	if (scan.flags >= 0)
		close(scan.flags);
	close(scan.pagemap);
	return error;
}
