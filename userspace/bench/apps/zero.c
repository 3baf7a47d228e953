// SPDX-License-Identifier: GPL-2.0
/* How much of a process's memory is the zero page. */
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi.h"
#include "zero.h"

#define FOUND 1024
/* Where the addresses of a program end on x86-64. */
#define END ((1UL << 47) - 4096)

/* It may end while we look: then this much was seen. */
static long mapped(pid_t pid)
{
	static struct page_region found[FOUND];
	struct pm_scan_arg arg = {
		.size = sizeof(arg), .end = END, .vec = (uintptr_t)found, .vec_len = FOUND,
		.category_mask = PAGE_IS_PFNZERO, .return_mask = PAGE_IS_PFNZERO,
	};
	char path[64];
	long kb = 0;
	int fd, n;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	for (; arg.start < END; arg.start = arg.walk_end) {
		n = ioctl(fd, PAGEMAP_SCAN, &arg);
		if (n < 0)
			break;
		for (int i = 0; i < n; i++)
			kb += (found[i].end - found[i].start) >> 10;
	}
	close(fd);
	return kb;
}

long zero_page_kb(pid_t pid)
{
	long kb = mapped(pid), below;
	char pattern[64];
	glob_t files;
	FILE *file;
	int child;

	snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/children", pid);
	if (glob(pattern, GLOB_NOSORT, NULL, &files))
		return kb;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		file = fopen(files.gl_pathv[i], "re");
		while (file && fscanf(file, "%d", &child) == 1) {
			below = zero_page_kb(child);
			if (kb < below)
				kb = below;
		}
		if (file)
			fclose(file);
	}
	globfree(&files);
	return kb;
}
