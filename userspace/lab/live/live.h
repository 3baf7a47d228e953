/* SPDX-License-Identifier: GPL-2.0 */
/* Experiments on the running kernel: each prints what it sees, and checks it. */
#ifndef LAB_LIVE_H
#define LAB_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE	4096UL

/* The text in the language asked for. */
const char *say(const char *english, const char *spanish);
/* For %-*s: printf() counts bytes, a reader letters. */
int padded(int width, const char *text);
#define PADDED(width, text)	padded(width, text), text
/* What has to hold: said on stderr if it does not, and the program ends with 1. */
void expect(bool holds, const char *what);
void fail(const char *what) __attribute__((noreturn));

char *tamalloc_pages(unsigned long pages);
void write_file(const char *path, const char *text);
/* The number behind @name in a file of "name number" or "name: number kB" lines. */
unsigned long field(const char *path, const char *name);
/* From /proc: an entry of this process's pagemap, and what it says; of a frame, flags and mappings. */
uint64_t pagemap(const void *address);
uint64_t frame_of(const void *address);
uint64_t frame_flags(uint64_t frame);
uint64_t frame_count(uint64_t frame);
enum { FLAG_DIRTY = 4, FLAG_ACTIVE = 6, FLAG_ANON = 12, FLAG_UNEVICTABLE = 18, FLAG_MLOCKED = 33 };
const char *flag_names(uint64_t flags);
/* Of these pages, how many pagemap has as present. */
unsigned long present(const char *memory, unsigned long pages);

/* A memory cgroup of so many pages; 0: without a limit. "" is the root. */
void cgroup_make(const char *name, unsigned long pages);
void cgroup_enter(const char *name);
unsigned long cgroup_stat(const char *name, const char *what);
void cgroup_reclaim(const char *name);
void cgroup_end(const char *name);
/* All of these pages, which the cgroup has been charged for. */
void swap_out(const char *cgroup, const char *memory, unsigned long pages);
void swap_on_disk(bool on);

/* What the kernel's tracepoints tell, and probes, "p:lab/NAME FUNCTION\n" (kprobetrace.rst). */
struct event {
	char task[32], name[32], text[512];	/* task: name-pid */
};
void probe(const char *definition);
void event_on(const char *name, const char *filter);
void events_off(void);
void events_clear(void);
/* In the order of time, until @see says false; whether it did. */
bool events_each(bool (*see)(const struct event *event, void *data), void *data);
unsigned int events_count(const char *name);

/* Page tables: run something in a process that can walk its own. */
struct entry {
	const char *level;
	unsigned int index;
	uint64_t value;
};
#define ENTRY_PRESENT	(1UL << 0)
#define ENTRY_WRITE	(1UL << 1)
#define ENTRY_USER	(1UL << 2)
#define ENTRY_ACCESSED	(1UL << 5)
#define ENTRY_DIRTY	(1UL << 6)
#define ENTRY_HUGE	(1UL << 7)
#define ENTRY_BITS	(ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_ACCESSED | ENTRY_DIRTY)
#define ENTRY_FRAME	0x000ffffffffff000UL
void with_tables(void (*run)(void));
/* The entry of each level, until one is not present or maps a page; how many. */
unsigned int walk(const void *address, struct entry *entries);
const char *entry_bits(uint64_t entry);

void run_virtual(void);
void run_mmu(void);
void run_space(void);
void run_swapping(void);
void run_locality(void);
void run_cache(void);
void run_lists(void);
void run_pages(void);
void run_walk(void);
void run_protect(void);
void run_major(void);
void run_frames(void);
void run_fetch(void);
void run_alloc(void);
void run_slab(void);
void run_access(void);
void run_thrash(void);

#endif /* LAB_LIVE_H */
