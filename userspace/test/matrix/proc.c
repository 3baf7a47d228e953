// SPDX-License-Identifier: GPL-2.0
/* What /proc shows of the memory: maps, smaps, numa_maps, pagemap, kpageflags. */
#include <fcntl.h>
#include <sys/prctl.h>

#include "matrix.h"

static char *half_filled(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	return p;
}

/* The line of @path for @p, without its addresses. */
static void say_line(const char *path, const char *p)
{
	unsigned long from, to;
	char line[512];
	FILE *file = fopen(path, "r");
	int after;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		after = 0;
		if (sscanf(line, "%lx-%lx%n", &from, &to, &after) < 2 || !after) {
			to = 0;
			if (sscanf(line, "%lx%n", &from, &after) == 1 && from == (uintptr_t)p)
				to = from + 1;
		}
		if ((uintptr_t)p < from || (uintptr_t)p >= to)
			continue;
		for (char *c = line + after; *c; c++)	/* squeeze the padding */
			while (c[0] == ' ' && c[1] == ' ')
				memmove(c, c + 1, strlen(c));
		say("%s", line + after + 1);
	}
	fclose(file);
}

static void maps(const struct cell *cell)
{
	say_line("/proc/self/maps", half_filled(cell));
}

static void numa_maps(const struct cell *cell)
{
	char *p = half_filled(cell);

	say_line("/proc/self/numa_maps", p);
}

/* Each field that is not 0. */
static void smaps_fields(const struct cell *cell)
{
	static const char *const fields[] = {
		"Size", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty",
		"Private_Clean", "Private_Dirty", "Referenced", "Anonymous", "KSM", "LazyFree",
		"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Swap", "SwapPss", "Locked",
	};
	char *p = half_filled(cell);

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (usage(p, PAGES, fields[i]))
			say("%s %ld", fields[i], usage(p, PAGES, fields[i]));
	say("flags %s", flags_of(cell, p));
}

static void all_flags(const struct cell *cell)
{
	struct vma vma;

	CHECK(find_vma(get(cell, SIZE), &vma));
	say("%.*s", (int)strlen(vma.flags) - 2, vma.flags + 1);
}

static void status(const struct cell *cell)
{
	long size = field("/proc/self/status", "VmSize"), data = field("/proc/self/status", "VmData");
	char *p = cell->kind->map(SIZE);

	fill(p, PAGES);
	say("VmSize + %ld kB", field("/proc/self/status", "VmSize") - size);
	say("VmData + %ld kB", field("/proc/self/status", "VmData") - data);
}

static void committed(const struct cell *cell)
{
	long before = field("/proc/meminfo", "Committed_AS");
	char *p = cell->kind->map(64 * MIB);

	fill(p, PAGES);
	before = field("/proc/meminfo", "Committed_AS") - before;
	say(before < 32 * 1024 ? "not counted" : "counted");
}

static void named(const struct cell *cell)
{
	char *p = half_filled(cell);
	struct vma vma;

	say_outcome(NULL, prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, SIZE / 2, "a name"));
	say("mappings: %d", mappings(p, SIZE));
	CHECK(find_vma(p, &vma));
	say("%s", vma.name);
	say_kind(cell, p);
	CHECK(!prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, SIZE / 2, NULL));
	say("name taken back: mappings: %d", mappings(p, SIZE));
	say_pages(p, PAGES);
}

/* The bits of /proc/kpageflags that depend on nothing else in the system. */
static void say_kpageflags(const char *p)
{
	static const struct {
		int bit;
		const char *name;
	} known[] = {
		{ 9, "buddy" }, { 11, "mmap" }, { 12, "anon" }, { 13, "swapcache" }, { 14, "swapbacked" },
		{ 17, "huge" }, { 19, "hwpoison" }, { 22, "thp" }, { 24, "zero page" },
	};
	int fd = open("/proc/kpageflags", O_RDONLY);
	uint64_t flags;

	CHECK(pread(fd, &flags, 8, (pagemap(p) & PM_FRAME) * 8) == 8);
	close(fd);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (flags >> known[i].bit & 1)
			say("%s", known[i].name);
}

static void say_pagemap(const char *name, const char *p)
{
	uint64_t entry = pagemap(p);

	say("%s:%s%s%s%s%s", name, entry & PM_PRESENT ? " present" : "", entry & PM_SWAPPED ? " swapped" : "",
	    entry & PM_FILE ? " file" : "", entry & PM_EXCLUSIVE ? " exclusive" : "",
	    entry & PM_UFFD_WP ? " write-protected" : "");
}

static void written_page(const struct cell *cell)
{
	char *p = half_filled(cell);

	say_pagemap("written", p);
	say_kpageflags(p);
	say_pagemap("untouched", p + SIZE - page);
}

static void read_page(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	read_all(p, 1);
	say_pagemap("read", p);
	say_kpageflags(p);
}

static void look(void *p)
{
	say_pagemap("child", p);
	poke(p, 'x');
	say_pagemap("child wrote", p);
}

static void shared_page(const struct cell *cell)
{
	char *p = half_filled(cell);

	CHECK(!child(look, p));
	say_pagemap("parent", p);
}

static void thp_eligible(const struct cell *cell)
{
	char *p;

	set(THP "enabled", "always");
	p = get(cell, 2 * huge);
	poke(p, 'x');
	say("%ld", smaps(p, 2 * huge / page, "THPeligible"));
}

/* Writing 1 clears the accessed bits, which smaps counts. */
static void referenced(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES);
	write_file("/proc/self/clear_refs", "1");
	say("cleared: %ld", usage(p, PAGES, "Referenced"));
	/* That does not flush the TLB, which still has them set. */
	CHECK(!mprotect(p, SIZE, PROT_NONE));
	CHECK(!mprotect(p, SIZE, RW));
	write_all(p, 4);
	say("4 written: %ld", usage(p, PAGES, "Referenced"));
}

static void rollup(const struct cell *cell)
{
	char *p = cell->kind->map(1024 * page);
	long before = field("/proc/self/smaps_rollup", "Anonymous");

	write_all(p, 1024);
	say("Anonymous + %ld kB", field("/proc/self/smaps_rollup", "Anonymous") - before);
}

const struct row proc_rows[] = {
	{ "maps", maps, 0, NAMED },
	{ "smaps, half written (fields in pages)", smaps_fields },
	{ "smaps, VmFlags", all_flags, 0, NAMED,
	  .adaptive = ADVISED },
	{ "smaps, THPeligible, huge pages always enabled", thp_eligible, 0, NO_HUGE_PAGE,
	  .adaptive = MAY_COLLAPSE },
	{ "smaps_rollup, 1024 pages written", rollup },
	/* What is batched counts as active until 6.14. */
	{ "numa_maps, half written", numa_maps, .before = LINUX(6, 14),
	  .adaptive = LARGE_FOLIO "it goes straight to the LRU lists and takes what was batched with it" },
	{ "numa_maps, half written", numa_maps, .since = LINUX(6, 14) },
	{ "status, 16 pages written", status },
	{ "meminfo, Committed_AS, 64 MiB reserved", committed },
	{ "PR_SET_VMA_ANON_NAME on half of it", named },
	{ "pagemap and kpageflags, written", written_page },
	{ "pagemap and kpageflags, only read", read_page, 0, READ_POPULATES },
	{ "pagemap of a page shared by fork", shared_page },
	{ "clear_refs, then Referenced", referenced },
	{}
};
