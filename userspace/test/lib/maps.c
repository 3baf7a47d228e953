// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <sys/mman.h>

#include "maps.h"
#include "pages.h"
#include "settings.h"
#include "tap.h"

struct maps maps_open(const char *name)
{
	struct maps m = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	m.file = fopen(path, "re");
	CHECK(m.file);
	return m;
}

bool maps_next(struct maps *m)
{
	unsigned long long start, end;
	char perms[5], name[64] = "";

	if (!fgets(m->line, sizeof(m->line), m->file)) {
		maps_close(m);
		return false;
	}
	m->begins = sscanf(m->line, "%llx-%llx %4s %*s %*s %*s %63[^\n]", &start, &end,
			   perms, name) >= 3;
	if (m->begins) {
		m->start = start;
		m->end = end;
		memcpy(m->perms, perms, sizeof(perms));
		memcpy(m->name, name, sizeof(name));
	}
	return true;
}

void maps_close(struct maps *m)
{
	fclose(m->file);
}

bool maps_overlap(const struct maps *m, const void *start, size_t bytes)
{
	return m->start < (uintptr_t)start + bytes && m->end > (uintptr_t)start;
}

long maps_field(const struct maps *m, const char *field)
{
	size_t length = strlen(field);

	if (m->begins || strncmp(m->line, field, length) || m->line[length] != ':')
		return 0;
	return atol(m->line + length + 1);
}

bool maps_flag(const struct maps *m, const char *flag)
{
	char word[8];

	snprintf(word, sizeof(word), " %s ", flag);
	return !m->begins && !strncmp(m->line, "VmFlags:", 8) && strstr(m->line, word);
}

bool find_vma(const void *addr, struct vma *vma)
{
	memset(vma, 0, sizeof(*vma));
	for (struct maps m = maps_open("smaps"); maps_next(&m);) {
		if (!maps_overlap(&m, addr, 1))
			continue;
		vma->start = m.start;
		vma->end = m.end;
		memcpy(vma->perms, m.perms, sizeof(m.perms));
		memcpy(vma->name, m.name, sizeof(m.name));
		vma->rss_kb += maps_field(&m, "Rss");
		/* The last field of each mapping. */
		if (sscanf(m.line, "VmFlags:%127[^\n]", vma->flags) == 1) {
			maps_close(&m);
			return true;
		}
	}
	return false;
}

bool is_region(const void *addr)
{
	struct vma vma;

	return find_vma(addr, &vma) && strstr(vma.flags, " " REGION_FLAG);
}

/* The kernel does not count the vsyscall page. */
int map_count(void)
{
	int count = 0;

	for (struct maps m = maps_open("maps"); maps_next(&m);)
		count += strcmp(m.name, "[vsyscall]") != 0;
	return count;
}

int mappings(const void *start, size_t bytes)
{
	int count = 0;

	for (struct maps m = maps_open("maps"); maps_next(&m);)
		count += maps_overlap(&m, start, bytes);
	return count;
}

void *fill_map_count(void)
{
	void *last = NULL, *p;
	char text[16];

	snprintf(text, sizeof(text), "%d", map_count() + 50);
	set("/proc/sys/vm/max_map_count", text);
	/* Shared mappings never merge. */
	while ((p = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED)
		last = p;
	CHECK_EQ(errno, ENOMEM);
	return last;
}

long smaps_kb(const void *start, size_t bytes, const char *field)
{
	long sum = 0;

	for (struct maps m = maps_open("smaps"); maps_next(&m);)
		if (maps_overlap(&m, start, bytes))
			sum += maps_field(&m, field);
	return sum;
}
