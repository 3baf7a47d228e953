// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "mem.h"
#include "settings.h"
#include "tap.h"

size_t page, huge;

__attribute__((constructor)) static void find_page_sizes(void)
{
	long pmd = number(THP "hpage_pmd_size");

	page = sysconf(_SC_PAGESIZE);
	huge = pmd > 0 ? (size_t)pmd : 512 * page;
}

const char *no_tamalloc(void)
{
	errno = 0;
	tamalloc_call(0, NULL);
	return errno != ENOSYS ? NULL :
		"this kernel has no tamalloc (ENOSYS): boot the patched one";
}

void *tamalloc(size_t size)
{
	void *addr = NULL;

	CHECK(!tamalloc_call(size, &addr));
	return addr;
}

void *plain(size_t size)
{
	void *addr = mmap(NULL, size, RW, ANON, -1, 0);

	CHECK(addr != MAP_FAILED);
	return addr;
}

void *hole(size_t size)
{
	char *addr = mmap(NULL, size + huge, PROT_NONE, ANON, -1, 0);

	CHECK(addr != MAP_FAILED);
	CHECK(!munmap(addr, size + huge));
	return (void *)(((uintptr_t)addr + huge - 1) & -huge);
}

void *move_to(void *from, size_t size, void *to)
{
	CHECK(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	return to;
}

void *align(void *from, size_t size)
{
	char *place = mmap(NULL, size + huge, PROT_NONE, ANON, -1, 0), *to;

	/* Not a hole(): until the mapping is there no other thread may get the place. */
	CHECK(place != MAP_FAILED);
	to = (char *)(((uintptr_t)place + huge - 1) & -huge);
	move_to(from, size, to);
	CHECK(to == place || !munmap(place, to - place));
	CHECK(!munmap(to + size, place + huge - to));
	return to;
}

void *adaptive(size_t size)
{
	void *addr = align(tamalloc(size), size);

	CHECK(!madvise(addr, size, MADV_HUGEPAGE));
	return addr;
}

size_t resident(const void *start, size_t bytes)
{
	const uint64_t present_or_swapped = 3ULL << 62;
	uint64_t entry[512];
	off_t first = (uintptr_t)start / page;
	size_t pages = bytes / page, count = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	CHECK(fd >= 0);
	for (size_t done = 0; done < pages;) {
		size_t n = pages - done < 512 ? pages - done : 512;

		CHECK(pread(fd, entry, n * 8, (first + done) * 8) == (ssize_t)n * 8);
		for (size_t i = 0; i < n; i++)
			count += !!(entry[i] & present_or_swapped);
		done += n;
	}
	close(fd);
	return count;
}

static long faults_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

long faults(void)
{
	return faults_of(RUSAGE_SELF);
}

long thread_faults(void)
{
	return faults_of(RUSAGE_THREAD);
}

long vm_size(void)
{
	return field("/proc/self/status", "VmSize");
}

int map_count(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int c, lines = 0;

	CHECK(maps);
	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

bool find_vma(const void *addr, struct vma *vma)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long long start, end;
	bool inside = false, found = false;
	char line[512];

	CHECK(smaps);
	memset(vma, 0, sizeof(*vma));
	while (fgets(line, sizeof(line), smaps)) {
		char perms[5], name[64] = "";

		if (sscanf(line, "%llx-%llx %4s %*s %*s %*s %63[^\n]", &start, &end,
			   perms, name) >= 3) {
			inside = (uintptr_t)addr >= start && (uintptr_t)addr < end;
			if (!inside)
				continue;
			found = true;
			vma->start = start;
			vma->end = end;
			memcpy(vma->perms, perms, sizeof(perms));
			memcpy(vma->name, name, sizeof(name));
		} else if (inside) {
			sscanf(line, "Rss: %ld kB", &vma->rss_kb);
			sscanf(line, "VmFlags:%127[^\n]", vma->flags);
		}
	}
	fclose(smaps);
	return found;
}

bool is_region(const void *addr)
{
	struct vma vma;

	return find_vma(addr, &vma) && strstr(vma.flags, " " REGION_FLAG);
}

bool all_zero(const void *start, size_t bytes)
{
	const unsigned long *word = start;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

void check_strict(char *start, size_t bytes)
{
	size_t before = resident(start, bytes);

	for (size_t i = 0; i < bytes / page; i++) {
		char *p = start + i * page;
		long taken = faults();

		CHECK_EQ(peek(p), 0);
		poke(p, 'x');
		CHECK_EQ(faults() - taken, 1);
		if (i % 64 == 0 || i + 1 == bytes / page)
			CHECK_EQ(resident(start, bytes) - before, i + 1);
	}
}
