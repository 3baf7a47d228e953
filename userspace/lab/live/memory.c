// SPDX-License-Identifier: GPL-2.0
/* What the kernel tells of pages and frames, and memory cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "live.h"

#define CGROUPS	"/sys/fs/cgroup/"

static uint64_t word(const char *path, uint64_t index)
{
	uint64_t value;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, &value, 8, index * 8) != 8)
		fail(path);
	close(fd);
	return value;
}

uint64_t pagemap(const void *address)
{
	return word("/proc/self/pagemap", (uintptr_t)address / PAGE);
}

uint64_t frame_of(const void *address)
{
	uint64_t entry = pagemap(address);

	expect(entry >> 63, "the page is in memory");
	return entry & ((1ULL << 55) - 1);
}

unsigned long present(const char *memory, unsigned long pages)
{
	unsigned long count = 0;

	for (unsigned long i = 0; i < pages; i++)
		count += pagemap(memory + i * PAGE) >> 63;
	return count;
}

uint64_t frame_flags(uint64_t frame) { return word("/proc/kpageflags", frame); }
uint64_t frame_count(uint64_t frame) { return word("/proc/kpagecount", frame); }

/*
 * By include/uapi/linux/kernel-page-flags.h, without KSM: 6.12 says that of every anonymous page
 * (stable_page_flags() takes one of PAGE_MAPPING_KSM's two bits for both).
 */
const char *flag_names(uint64_t flags)
{
	static const char *const names[64] = {
		"LOCKED", "ERROR", "REFERENCED", "UPTODATE", "DIRTY", "LRU", "ACTIVE", "SLAB", "WRITEBACK", "RECLAIM",
		"BUDDY", "MMAP", "ANON", "SWAPCACHE", "SWAPBACKED", "COMPOUND_HEAD", "COMPOUND_TAIL", "HUGE",
		"UNEVICTABLE", "HWPOISON", "NOPAGE", NULL, "THP", "OFFLINE", "ZERO_PAGE", "IDLE", "PGTABLE",
		[FLAG_MLOCKED] = "MLOCKED" };
	static char text[512];

	text[0] = '\0';
	for (int i = 0; i < 64; i++) {
		if (flags >> i & 1 && names[i])
			strcat(strcat(text, *text ? " " : ""), names[i]);
	}
	return text;
}

static const char *file_of(const char *cgroup, const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s/%s", cgroup, file);
	return path;
}

void cgroup_make(const char *name, unsigned long pages)
{
	char limit[32];

	if (mkdir(file_of(name, ""), 0755) && errno != EEXIST)
		fail(name);
	snprintf(limit, sizeof(limit), "%lu", pages * PAGE);
	write_file(file_of(name, "memory.max"), pages ? limit : "max");
}

void cgroup_enter(const char *name)
{
	write_file(file_of(name, "cgroup.procs"), "0");
}

unsigned long cgroup_stat(const char *name, const char *what)
{
	return field(file_of(name, "memory.stat"), what);
}

/* EAGAIN: not all that was asked for could go. */
void cgroup_reclaim(const char *name)
{
	int fd = open(file_of(name, "memory.reclaim"), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || (write(fd, "8M", 2) < 0 && errno != EAGAIN))
		fail("memory.reclaim");
	close(fd);
}

void cgroup_end(const char *name)
{
	rmdir(file_of(name, ""));
}

/* Pages that were just used get a second chance, and what is dirty is written first. */
void swap_out(const char *cgroup, const char *memory, unsigned long pages)
{
	unsigned long left = pages;

	for (int i = 0; i < 200 && (left || cgroup_stat(cgroup, "swapcached")); i++) {
		cgroup_reclaim(cgroup);
		usleep(10000);
		left = present(memory, pages);
	}
	expect(!left, "all of the pages are swapped out");
}

/*
 * From zram to the disk and back. Never both: a CPU keeps free slots of the one at hand, and takes
 * those first, whatever the priority of the other.
 */
void swap_on_disk(bool on)
{
	if (swapoff(on ? "/dev/zram0" : "/dev/vda"))
		fail("swapoff");
	if ((on && system("mkswap /dev/vda >/dev/null")) || swapon(on ? "/dev/vda" : "/dev/zram0", 0))
		fail("swapon");
}
