/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/self/maps and smaps: the mappings of this process. */
#ifndef MAPS_H
#define MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How the kernel shows a region: the name in maps, the letters in VmFlags. */
#define REGION_NAME	"[anon:tamalloc]"
#define REGION_FLAG	"tm"
/* Of memory with MADV_OOM_SIGBUS. */
#define RECOVERABLE_FLAG "os"

/*
 * One of these files line by line:
 *
 *	for (struct maps m = maps_open("smaps"); maps_next(&m);)
 *
 * A line begins a mapping, or it is a field of the one that was begun last.
 */
struct maps {
	FILE *file;
	char line[512];
	bool begins;
	uintptr_t start, end;
	char perms[5], name[64];
};

struct maps maps_open(const char *name);
/* False after the last line, when the file is closed. */
bool maps_next(struct maps *m);
void maps_close(struct maps *m);
bool maps_overlap(const struct maps *m, const void *start, size_t bytes);
/* The kB of the field, if that is what the line is, else 0. */
long maps_field(const struct maps *m, const char *field);
/* Is the line VmFlags, the last one of a mapping, with this flag among them? */
bool maps_flag(const struct maps *m, const char *flag);

struct vma {
	uintptr_t start, end;
	char perms[5], name[64];
	long rss_kb;
	char flags[128];	/* " rd wr mr ..." */
};

/* The mapping that holds @addr; false if there is none. */
bool find_vma(const void *addr, struct vma *vma);
bool is_region(const void *addr);
/* Mappings as the kernel counts them: all, and those that overlap a range. */
int map_count(void);
int mappings(const void *start, size_t bytes);
/* Lower max_map_count and map pages until that is reached; the last one, to be unmapped. */
void *fill_map_count(void);
/* A field of smaps in kB, added up over the mappings that overlap a range. */
long smaps_kb(const void *start, size_t bytes, const char *field);

#endif /* MAPS_H */
