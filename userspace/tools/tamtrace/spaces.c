// SPDX-License-Identifier: GPL-2.0
/*
 * Which touched pages each address space has, so that of what is unmapped or advised away
 * only these count. They are kept as the hardware does it, in page tables.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "tamtrace.h"

#define PAGE		4096UL
#define BITS		9
#define ENTRIES		(1UL << BITS)
#define TOP_LEVEL	4		/* enough for addresses of 57 bits */
#define LONGEST_RUN	(1U << 19)
#define WORD_BITS	(8 * sizeof(unsigned long))

struct space {
	unsigned long threads;
	void *root;
};

struct task {
	pid_t tid;
	struct space *space;
	bool calls;
	unsigned long args[6];
};

static void *tasks;
static see_event see;

/* What is cleared, as runs of pages. If it is moved, that is within its space. */
struct clearing {
	struct event run;
	struct space *space;
	long moved_by;
};

static void *zeroed(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		no_memory = true;
	return memory;
}

static int by_tid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static struct task *find_task(pid_t tid)
{
	struct task **found = tfind(&(struct task){ .tid = tid }, &tasks, by_tid);

	return found ? *found : NULL;
}

/* Whoever is not known yet has a new address space. */
static struct space *space_of(pid_t tid)
{
	if (!find_task(tid))
		space_begins(tid, 0);
	return no_memory ? NULL : find_task(tid)->space;
}

void watch_spaces(see_event shown)
{
	see = shown;
}

void space_begins(pid_t tid, pid_t other)
{
	struct space *space = other ? space_of(other) : zeroed(sizeof(*space));
	struct task *task = find_task(tid) ?: zeroed(sizeof(*task));

	if (!space || !task)
		return;
	task->tid = tid;
	task->space = space;
	space->threads++;
	if (!tsearch(task, &tasks, by_tid))
		no_memory = true;
}

void space_calls(pid_t tid, const unsigned long *args)
{
	if (!space_of(tid))
		return;
	memcpy(find_task(tid)->args, args, sizeof(find_task(tid)->args));
	find_task(tid)->calls = true;
}

const unsigned long *space_called(pid_t tid)
{
	struct task *task = find_task(tid);

	if (!task || !task->calls)
		return NULL;
	task->calls = false;
	return task->args;
}

/* The bits of 512 pages. */
static unsigned long *leaf_of(struct space *space, unsigned long page)
{
	void **slot = &space->root;

	for (int level = TOP_LEVEL; level >= 0; level--) {
		if (!*slot)
			*slot = zeroed(level ? ENTRIES * sizeof(void *) : ENTRIES / 8);
		if (!*slot || !level)
			break;
		slot = (void **)*slot + (page >> BITS * level) % ENTRIES;
	}
	return *slot;
}

/* Says whether it was there already. */
static bool add_page(struct space *space, unsigned long page)
{
	unsigned long *leaf = leaf_of(space, page), mask = 1UL << page % WORD_BITS;
	bool was;

	if (!leaf)
		return false;
	leaf += page % ENTRIES / WORD_BITS;
	was = *leaf & mask;
	*leaf |= mask;
	return was;
}

static void end_run(struct clearing *clearing)
{
	struct event run = clearing->run;

	if (!run.pages)
		return;
	see(&run);
	if (run.what == MOVED_AWAY) {
		run.what = MOVED_HERE;
		run.address += clearing->moved_by;
		for (unsigned int i = 0; i < run.pages; i++)
			add_page(clearing->space, run.address / PAGE + i);
		see(&run);
	}
	clearing->run.pages = 0;
}

static void clear_page(struct clearing *clearing, unsigned long page)
{
	struct event *run = &clearing->run;

	if (run->pages == LONGEST_RUN || page * PAGE != run->address + run->pages * PAGE)
		end_run(clearing);
	if (!run->pages)
		run->address = page * PAGE;
	run->pages++;
}

/* Of the pages from @first to @last, the entry at @slot has those from @base on. */
static void clear(void *slot, int level, unsigned long base, unsigned long first,
		  unsigned long last, struct clearing *clearing)
{
	for (unsigned long i = 0; slot && i < ENTRIES; i++) {
		unsigned long page = base + (i << BITS * level);

		if (page > last || page + (1UL << BITS * level) <= first)
			continue;
		if (level) {
			clear(((void **)slot)[i], level - 1, page, first, last, clearing);
		} else {
			unsigned long *word = (unsigned long *)slot + i / WORD_BITS;
			unsigned long mask = 1UL << i % WORD_BITS;

			if (*word & mask)
				clear_page(clearing, page);
			*word &= ~mask;
		}
	}
}

static void free_tables(void *table, int level)
{
	for (unsigned long i = 0; table && level && i < ENTRIES; i++)
		free_tables(((void **)table)[i], level - 1);
	free(table);
}

static void clear_range(unsigned long start, unsigned long bytes, struct clearing *clearing)
{
	if (!clearing->space || !bytes || start + bytes - 1 < start)
		return;
	clear(clearing->space->root, TOP_LEVEL, 0, start / PAGE, (start + bytes - 1) / PAGE,
	      clearing);
	end_run(clearing);
}

void space_ends(double seconds, pid_t tid)
{
	struct task *task = find_task(tid);

	if (!task)
		return;
	if (!--task->space->threads) {
		space_released(seconds, tid, 0, PAGE << (TOP_LEVEL + 1) * BITS, EXITED);
		free_tables(task->space->root, TOP_LEVEL);
		free(task->space);
	}
	tdelete(task, &tasks, by_tid);
	free(task);
}

/* A page that is touched once more has gone in a way that we have not seen. */
void space_touched(const struct event *touch)
{
	struct space *space = space_of(touch->tid);
	struct event unseen = *touch;

	unseen.what = UNSEEN;
	unseen.pages = 1;
	for (unsigned int i = 0; space && i < touch->pages; i++) {
		unseen.address = touch->address + i * PAGE;
		if (add_page(space, unseen.address / PAGE))
			see(&unseen);
	}
	see(touch);
}

void space_released(double seconds, pid_t tid, unsigned long start, unsigned long bytes,
		    enum what how)
{
	struct clearing clearing = {
		.run = { .seconds = seconds, .tid = tid, .what = how },
		.space = space_of(tid),
	};

	clear_range(start, bytes, &clearing);
}

void space_moved(double seconds, pid_t tid, unsigned long from, unsigned long to,
		 unsigned long bytes)
{
	struct clearing clearing = {
		.run = { .seconds = seconds, .tid = tid, .what = MOVED_AWAY },
		.space = space_of(tid),
		.moved_by = to - from,
	};

	/* What was there is unmapped first, as the kernel does. */
	space_released(seconds, tid, to, bytes, UNMAPPED);
	clear_range(from, bytes, &clearing);
}
