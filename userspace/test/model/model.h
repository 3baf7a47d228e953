/* SPDX-License-Identifier: GPL-2.0 */
/* What the memory of one world must look like after each step. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mem.h"
#include "program.h"

#define MAX_PAGE	(64 * KIB)	/* bytes */
#define BLOCK_PAGES	512U		/* a multiple of what adaptive memory fills */
#define ARENA_PAGES	(3 * BLOCK_PAGES)
#define MAX_CHILDREN	3

/* The bytes in a page; many variables here are pages. */
static inline unsigned int page_bytes(void)
{
	return page;
}
#define PAGE page_bytes()

/* The kinds of memory to hold against the model. */
struct kind {
	const char *name;
	void *(*create)(size_t size);
	const char *shown;	/* its name in /proc/PID/maps */
	bool exact;		/* unless HUGE, a page is populated if and only if touched */
	uint16_t flags;		/* of new pages */
};

extern struct kind kinds[];
#define PLAIN (&kinds[0])

/* NULL if no kind has that name. */
struct kind *find_kind(const char *name);

/* Whether a page is populated: present or swapped out. */
enum held { EMPTY, MAYBE, HELD };

enum page_flags {
	LOCKED	= 1 << 0,	/* mlock() */
	ONFAULT	= 1 << 1,	/* by mlock2(MLOCK_ONFAULT) */
	WIPE	= 1 << 2,	/* MADV_WIPEONFORK */
	NOFORK	= 1 << 3,	/* MADV_DONTFORK */
	MISSING	= 1 << 4,	/* userfaultfd fills it */
	WP	= 1 << 5,	/* userfaultfd tracks writes to it */
	FREED	= 1 << 6,	/* MADV_FREE: old contents or fresh ones */
	ZERO	= 1 << 7,	/* the shared zero page; fork may not copy it */
	CLEAN	= 1 << 8,	/* certainly not written since WP began or was scanned */
	DIRTY	= 1 << 9,	/* certainly written since */
	MERGED	= 1 << 10,	/* KSM may merge it, and then drops the write protection */
	HUGE	= 1 << 11,	/* MADV_HUGEPAGE: a touch may fill the group around it */
	TOUCHED	= 1 << 12,	/* ever, or asked for by name; kept when the page is dropped */
	GROUPS	= 1 << 13,	/* it was HUGE at some time */
};

#define UFFD	(MISSING | WP)
#define TRACKED	(CLEAN | DIRTY)

struct page_model {
	const struct kind *kind;	/* NULL: unmapped */
	uint8_t prot, held;
	uint16_t flags;
};

/* An arena of address space that one thread works on, and what it must hold. */
struct world {
	char *arena, *shadow;	/* the memory, and the bytes it must hold */
	struct page_model page[ARENA_PAGES];
	struct kind *kind;	/* of the memory under test */
	const struct program *program;
	const bool *keep;	/* which of its steps to run; NULL: all */
	unsigned int step, depth;	/* current step; how many forks deep */
	bool thorough, trace;
	bool forked;		/* this program has forked, or is a child */
	unsigned int patience;	/* seconds; a step that takes longer hangs */
	int mem, maps;		/* files of this process in /proc */
	unsigned int gone;	/* pages of that kind that were touched and then unmapped */
	int uffd;
	int ring;		/* of io_uring; it pins a buffer */
	char *stack;		/* of children that share the memory */
	pid_t child[MAX_CHILDREN];
};

/*
 * The first failure of any process; it ends the process that found it. Until then the
 * last step to begin, in case it hangs.
 */
struct report {
	int taken;
	unsigned int step;
	uint64_t seed;
	char text[512];
};

extern struct report *report;	/* shared */

void report_init(void);
/* Whether a process with this wait status failed, reported or not. */
bool report_failure(int status);
void fail(const struct world *w, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

void world_init(struct world *w, unsigned int number, struct kind *kind);
void world_open_proc(struct world *w);
void world_close_proc(struct world *w);
/* Unmap everything: the world is as good as new. */
void world_clear(struct world *w);

static inline char *address(const struct world *w, unsigned int i)
{
	return w->arena + (size_t)i * PAGE;
}

static inline char *expected(const struct world *w, unsigned int i)
{
	return w->shadow + (size_t)i * PAGE;
}

/* How many of @n pages from @from are mapped and like the first in these. */
unsigned int uniform(const struct world *w, unsigned int from, unsigned int n,
		     bool same_prot, unsigned int same_flags);
bool unmapped(const struct world *w, unsigned int from, unsigned int n);
/* Where the mapping of a page ends, according to the kernel. */
unsigned int mapping_end(struct world *w, unsigned int i);

static inline bool surely_held(const struct page_model *page)
{
	return page->held == HELD && !(page->flags & FREED);
}

static inline bool surely_empty(const struct page_model *page)
{
	return page->held == EMPTY && (!page->kind || page->kind->exact);
}

/* The pages of the kind under test are fewer than twice those that were touched. */
void check_bound(struct world *w);

/* Changes to the model, each for one page. */
void model_map(struct world *w, unsigned int i, const struct kind *kind);
void model_unmap(struct world *w, unsigned int i);
void model_drop(struct world *w, unsigned int i);
void model_move(struct world *w, unsigned int from, unsigned int to);
/* It was read or written; @bytes, if any, were stored at an offset. */
void model_touch(struct world *w, unsigned int i, bool write, unsigned int offset,
		 const void *bytes, size_t length);
/* It may have been touched, or not. */
void model_perhaps_touch(struct world *w, unsigned int i);
/*
 * Of an adaptive region, what is all zeroes may be gone, as if it had come ahead. Nobody can tell
 * but userfaultfd, which hears of it at the next touch and may fill in something else.
 */
void model_doubt(struct world *w, unsigned int i);
/*
 * Nothing tells an old page that was only read from one that came ahead and was never touched:
 * where a mapping is cut or memory is short, both may go.
 */
bool may_vanish(const struct world *w, unsigned int i);
/* Whether it must hold nothing but zeroes. */
bool is_zero(const struct world *w, unsigned int i);
/* In a child: what fork() has left of the parent's memory. */
void model_fork(struct world *w);

/* What userfaultfd's handler fills a missing page with; 0: the zero page. */
static inline int stamp(unsigned int i)
{
	return i % 2 ? 0 : 1 + i % 255;
}

/* Loads and stores that may fault: false if a signal stopped them. */
void catch_faults(void);
bool load(void *to, const char *from, size_t size);
bool store(char *to, const void *from, size_t size);

/* Compare pages [low, high) with the model. */
void check(struct world *w, unsigned int low, unsigned int high);
/* VmFlags in smaps, which is slow to read: of the first page of each kind. */
void check_flags(struct world *w);

#endif /* MODEL_H */
