// SPDX-License-Identifier: GPL-2.0
/* The walk through the page tables, as the MMU does it, in the kernel's memory: /proc/kcore. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static uint64_t pgd;	/* where the kernel has it */

/* Eight bytes at a physical address, or at one of the kernel's. */
static uint64_t read_kernel(bool physical, uint64_t address)
{
	static Elf64_Phdr parts[64];
	static unsigned int count;
	static int kcore = -1;
	uint64_t value;

	if (kcore < 0) {
		Elf64_Ehdr head;

		kcore = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
		if (kcore < 0 || pread(kcore, &head, sizeof(head), 0) != sizeof(head))
			fail("/proc/kcore");
		count = head.e_phnum;
		if (count > 64 || pread(kcore, parts, count * sizeof(*parts), head.e_phoff) < 0)
			fail("/proc/kcore");
	}
	for (unsigned int i = 0; i < count; i++) {
		uint64_t start = physical ? parts[i].p_paddr : parts[i].p_vaddr;

		if (parts[i].p_type != PT_LOAD || (physical && start == UINT64_MAX) ||
		    address < start || address - start >= parts[i].p_memsz)
			continue;
		if (pread(kcore, &value, 8, parts[i].p_offset + address - start) != 8)
			fail("/proc/kcore");
		return value;
	}
	expect(false, "/proc/kcore has that address");
	return 0;
}

unsigned int walk(const void *address, struct entry *entries)
{
	static const char *const names[] = { "PGD", "PUD", "PMD", "PTE" };
	unsigned int level;

	for (level = 0; level < 4; level++) {
		struct entry *entry = &entries[level];
		uint64_t offset;

		entry->level = names[level];
		entry->index = (uintptr_t)address >> (39 - 9 * level) & 511;
		offset = entry->index * 8;
		entry->value = level ? read_kernel(true, (entries[level - 1].value & ENTRY_FRAME) + offset) :
				       read_kernel(false, pgd + offset);
		if (!(entry->value & ENTRY_PRESENT) || (level && entry->value & ENTRY_HUGE && level < 3))
			return level + 1;
	}
	return level;
}

const char *entry_bits(uint64_t entry)
{
	static const struct { uint64_t bit; const char *name; } bits[] = {
		{ ENTRY_PRESENT, "P" }, { ENTRY_WRITE, "W" }, { ENTRY_USER, "U" }, { 1 << 3, "PWT" }, { 1 << 4, "PCD" },
		{ ENTRY_ACCESSED, "A" }, { ENTRY_DIRTY, "D" }, { ENTRY_HUGE, "PS" }, { 1 << 8, "G" },
		{ 1ULL << 63, "NX" } };
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		if (entry & bits[i].bit)
			strcat(strcat(text, *text ? " " : ""), bits[i].name);
	}
	return *text ? text : "-";
}

static bool find_pgd(const struct event *event, void *nothing)
{
	char parent[32];

	(void)nothing;
	snprintf(parent, sizeof(parent), "live-%d", getppid());
	return strcmp(event->task, parent) || sscanf(strstr(event->text, "pgd="), "pgd=%lx", &pgd) != 1;
}

/* A new process's table is what pgd_alloc() returned to its parent. */
void with_tables(void (*run)(void))
{
	int status;
	pid_t pid;

	probe("r:lab/pgd pgd_alloc pgd=$retval\n");
	events_clear();
	event_on("lab/pgd", NULL);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		expect(events_each(find_pgd, NULL), "the probe of pgd_alloc() has seen the fork");
		run();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
	events_off();
	probe("-:lab/pgd\n");
	if (status)
		exit(1);
}

static unsigned int show(const char *what, const char *address, struct entry *entries)
{
	unsigned int levels = walk(address, entries);

	printf("%s\n", what);
	for (unsigned int i = 0; i < levels; i++)
		printf("  %s[%3u] %016lx  %s %6lx  %s\n", entries[i].level, entries[i].index, entries[i].value,
		       say("frame", "marco"), (entries[i].value & ENTRY_FRAME) / PAGE, entry_bits(entries[i].value));
	return levels;
}

static void walk_and_compare(void)
{
	char *memory = tamalloc_pages(1024), *address, *huge;
	struct entry entries[4], *last;
	unsigned int levels;
	uint64_t frame;
	unsigned char in;

	/* In a part of 2 MB that has no page yet. */
	address = (char *)(((uintptr_t)memory + (2 << 20) - 1) & -(2UL << 20)) + 5 * PAGE;
	printf("%s %lx = [%lu | %lu | %lu | %lu | 0]\n", say("address", "dirección"), (unsigned long)address,
	       (uintptr_t)address >> 39 & 511, (uintptr_t)address >> 30 & 511, (uintptr_t)address >> 21 & 511,
	       (uintptr_t)address >> 12 & 511);
	levels = show(say("before the first access", "antes del primer acceso"), address, entries);
	expect(!(entries[levels - 1].value & ENTRY_PRESENT), "an entry on the way is not present");

	*address = 1;
	levels = show(say("after a write", "tras una escritura"), address, entries);
	last = &entries[levels - 1];
	frame = (last->value & ENTRY_FRAME) / PAGE;
	expect(levels == 4 && (last->value & ENTRY_BITS) == ENTRY_BITS, "four levels, and P, W, U, A and D are set");
	expect(frame == frame_of(address), "the walk ends at the frame that pagemap has");
	expect(!mincore(address, PAGE, &in) && in & 1, "and mincore has it in memory");
	printf("  %s %lx: %s; %s %lu\n", say("struct page of frame", "struct page del marco"), frame,
	       flag_names(frame_flags(frame)), say("mapped by", "entradas que apuntan a él:"), frame_count(frame));
	printf("  %s %lx\n", say("physical address", "dirección física"), frame * PAGE);
	expect(frame_flags(frame) >> FLAG_ANON & 1 && frame_count(frame) == 1, "the frame is anonymous and mapped once");

	huge = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	huge = (char *)(((uintptr_t)huge + (2 << 20) - 1) & -(2UL << 20));
	madvise(huge, 2 << 20, MADV_HUGEPAGE);
	huge[5 * PAGE] = 1;
	levels = show(say("a huge page: the PMD is the last level", "una página enorme: el PMD es el último nivel"),
		      huge + 5 * PAGE, entries);
	expect(levels == 3 && entries[2].value & ENTRY_HUGE, "three levels, and PS is set in the last");
	expect((entries[2].value & ENTRY_FRAME & -(2UL << 20)) / PAGE + 5 == frame_of(huge + 5 * PAGE),
	       "the page is at its offset in it");
}

void run_walk(void)
{
	with_tables(walk_and_compare);
}
