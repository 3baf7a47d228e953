/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Adaptive memory, what was touched of it, and what a program can do to it.
 *
 * Places count from the start of the region. Behind it lie those that pages were moved to.
 */
#ifndef BOUND_H
#define BOUND_H

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "mem.h"
#include "pagemap.h"
#include "pages.h"
#include "pin.h"
#include "settings.h"
#include "tap.h"
#include "uapi.h"
#include "uffd.h"

#define PLACES		8192UL		/* at most */
#define KSM		"/sys/kernel/mm/ksm/"
#define KHUGEPAGED	THP "khugepaged/"

static char *region;
static size_t pages;			/* of the region */
static size_t places;			/* in use */
static bool there[PLACES];		/* present or swapped out when last looked */
static bool touched[PLACES];		/* ever; a page that moves takes that along */
static bool unmapped[PLACES];
static size_t gone;			/* that had been touched before they were unmapped */
static int rings[16], pins;		/* of io_uring: each pins some pages */

/* The highest filled/touched so far; shared with forked children. */
static struct score {
	size_t filled, touched;
} *best;

static inline double ratio(const struct score *score)
{
	return score->touched ? (double)score->filled / score->touched : 0;
}

/* The promise: less than twice what was touched. */
static inline bool breaks_bound(const struct score *score)
{
	return score->filled && score->filled >= 2 * score->touched;
}

static inline char *at(size_t place)
{
	return region + place * page;
}

/* Look at every page and remember the worst ratio. */
static inline void look(void)
{
	static uint64_t entry[PLACES];
	struct score now = { .touched = gone };

	pagemap_read(region, entry, places);
	for (size_t i = 0; i < places; i++) {
		there[i] = entry[i] & PM_POPULATED;
		now.filled += there[i];
		now.touched += touched[i];
	}
	if (now.filled && !now.touched)
		tap_fail(__FILE__, __LINE__, "%zu pages, but none was touched", now.filled);
	if (ratio(&now) > ratio(best))
		*best = now;
}

/* Only a touch of a page that is not there can fill pages. */
static inline void touch(size_t place, bool write)
{
	if (unmapped[place])
		return;
	if (write)
		poke(at(place), 't');
	else
		(void)peek(at(place));
	touched[place] = true;
	if (!there[place])
		look();
}

static inline void set_if_there(const char *path, const char *value)
{
	if (!access(path, W_OK))
		set(path, value);
}

static inline void prepare(size_t count)
{
	need_adaptive();
	set(THP "enabled", "madvise");
	set_if_there(KHUGEPAGED "pages_to_scan", "100000");
	set_if_there(KHUGEPAGED "scan_sleep_millisecs", "10000");
	set_if_there(KSM "run", "0");
	set_if_there(KSM "pages_to_scan", "100000");
	set_if_there(KSM "sleep_millisecs", "1");
	pages = count;
	best = mmap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(best != MAP_FAILED);
}

/* As if no page had ever been touched. */
static inline void forget(void)
{
	memset(there, 0, sizeof(there));
	memset(touched, 0, sizeof(touched));
	memset(unmapped, 0, sizeof(unmapped));
	memset(unmapped + pages, true, sizeof(unmapped) - pages);
	gone = 0;
	places = pages;
}

static char *arena;	/* inaccessible where nothing is mapped */

/* A region that begins @offset pages behind the start of a page table. */
static inline void open_region(size_t offset)
{
	arena = mmap(NULL, PLACES * page + 2 * huge, PROT_NONE, ANON, -1, 0);
	CHECK(arena != MAP_FAILED);
	region = (char *)(((uintptr_t)arena + huge - 1) & -huge) + offset * page;
	move_to(tamalloc(pages * page), pages * page, region);
	CHECK(!madvise(region, pages * page, MADV_HUGEPAGE));
	pins = 0;
	forget();
}

static inline void close_region(void)
{
	while (pins)
		close(rings[--pins]);
	CHECK(!munmap(arena, PLACES * page + 2 * huge));
}

/* Acts on @count pages from @first on; @stride is what the verb makes of it. */
struct step {
	enum verb {
		TOUCH, READ, EVERY, DROP, COLD, FREE, PAGEOUT, CLEAR_REFS, PROTECT, POPULATE, FORK,
		MIGRATE, COLLAPSE, UNMAP, PIN, MOVE, DONTUNMAP, LOCK, LOCK_ONFAULT, UNLOCK, MERGE,
		UFFD_COPY, UFFD_MOVE, UFFD_WP, RECLAIM, SPLIT, KHUGEPAGED_SCANS, VERBS
	} verb;
	size_t first, count, stride;
};

/* How often the search draws each: half of the steps are touches; slow steps are rare. */
static const struct {
	const char *name;
	int weight;
} verbs[VERBS] = {
	[TOUCH] = { "touch", 18 },
	[READ] = { "read", 6 },
	[EVERY] = { "touch every", 9 },
	[DROP] = { "drop", 6 },
	[COLD] = { "cold", 2 },
	[FREE] = { "free", 1 },
	[PAGEOUT] = { "page out", 2 },
	[CLEAR_REFS] = { "forget accesses", 1 },
	[PROTECT] = { "protect", 2 },
	[POPULATE] = { "populate", 2 },
	[FORK] = { "fork and touch", 1 },
	[MIGRATE] = { "migrate", 1 },
	[COLLAPSE] = { "collapse", 1 },
	[UNMAP] = { "unmap", 1 },
	[PIN] = { "pin", 1 },
	[MOVE] = { "move", 2 },
	[DONTUNMAP] = { "move and stay mapped", 2 },
	[LOCK] = { "lock", 1 },
	[LOCK_ONFAULT] = { "lock on fault", 1 },
	[UNLOCK] = { "unlock", 1 },
	[MERGE] = { "merge and unmerge", 1 },
	[UFFD_COPY] = { "UFFDIO_COPY", 1 },
	[UFFD_MOVE] = { "UFFDIO_MOVE", 1 },
	[UFFD_WP] = { "UFFDIO_WRITEPROTECT", 1 },
	[RECLAIM] = { "reclaim", 1 },
	[SPLIT] = { "split", 1 },
	[KHUGEPAGED_SCANS] = { "khugepaged", 1 },
};

static inline bool all_mapped(size_t first, size_t count)
{
	return !memchr(unmapped + first, true, count);
}

static inline size_t bytes_of(const struct step *step)
{
	return step->count * page;
}

/* All of it was asked for by name, so all of it counts as touched. */
static inline void asked_for(const struct step *step)
{
	memset(touched + step->first, true, step->count);
}

static inline void populate(const struct step *step, int advice)
{
	if (all_mapped(step->first, step->count) &&
	    !madvise(at(step->first), bytes_of(step), advice))
		asked_for(step);
}

static inline void pin_pages(const struct step *step)
{
	int ring = pins < 16 ? pin(at(step->first), bytes_of(step)) : -1;

	if (ring < 0)
		return;
	rings[pins++] = ring;
	asked_for(step);
}

/*
 * As many generations as the stride: each touches the pages a window further on than the last,
 * and, if its parent has pinned a page, pins the first of them.
 */
static inline void touch_in_child(const struct step *step)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		struct step next = *step, first = { .first = step->first, .count = 1 };

		look();
		for (size_t i = step->first; i < step->first + step->count; i++)
			touch(i, true);
		look();
		if (pins)
			pin_pages(&first);
		next.first += WINDOW;
		if (--next.stride && next.first + next.count <= places)
			touch_in_child(&next);
		_exit(EXIT_SUCCESS);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static inline void migrate(const struct step *step)
{
	static void *addr[PLACES];
	static int node[PLACES], status[PLACES];

	for (size_t i = 0; i < step->count; i++) {
		addr[i] = at(step->first + i);
		node[i] = step->stride % 2;
	}
	syscall(SYS_move_pages, 0, step->count, addr, node, status, MPOL_MF_MOVE);
}

static inline void unmap(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		gone += touched[i];
		touched[i] = false;
		unmapped[i] = true;
	}
}

/* A free range of places, with its pages in the same places of a group as @first. */
static inline size_t new_places(size_t first, size_t count)
{
	size_t to = (places + GROUP - 1) / GROUP * GROUP + first % GROUP;

	return to + count <= PLACES ? to : 0;
}

/*
 * To other places, in a mapping that is then as long again: its new pages lie behind those
 * that moved. With an odd stride the places differ in alignment.
 */
static inline void move_part(const struct step *step, int flags)
{
	size_t longer = flags & MREMAP_DONTUNMAP ? step->count : 2 * step->count;
	size_t to = new_places(step->first + step->stride % 2, longer);

	if (!to || !all_mapped(step->first, step->count) ||
	    mremap(at(step->first), bytes_of(step), longer * page,
		   MREMAP_MAYMOVE | MREMAP_FIXED | flags, at(to)) == MAP_FAILED)
		return;
	memset(unmapped + to, false, longer);
	memcpy(touched + to, touched + step->first, step->count);
	/* A known hole: what came ahead and was swapped out moves along, and counts as touched here. */
	for (size_t i = to; i < to + step->count; i++)
		touched[i] |= !!(pagemap(at(i)) & PM_SWAPPED);
	memset(touched + step->first, false, step->count);
	if (!(flags & MREMAP_DONTUNMAP))
		unmap(step->first, step->count);
	places = to + longer;
}

/* ksmd merges what it can, and it is taken back: by the advice, or for the whole system. */
static inline void merge(const struct step *step)
{
	long scans;

	if (access(KSM "run", W_OK) || madvise(at(step->first), bytes_of(step), MADV_MERGEABLE))
		return;
	write_file(KSM "run", "1");
	/* A page has to look the same in two scans, and is merged in the next. */
	scans = number(KSM "full_scans") + 4;
	for (int i = 0; i < 2000 && number(KSM "full_scans") < scans; i++)
		usleep(1000);
	write_file(KSM "run", step->stride % 2 ? "0" : "2");
	madvise(at(step->first), bytes_of(step), MADV_UNMERGEABLE);
	write_file(KSM "run", "0");
}

static inline int open_uffd(const struct step *step, int mode)
{
	int uffd = uffd_open(O_CLOEXEC, 0);

	CHECK(uffd >= 0);
	if (!uffd_register(uffd, at(step->first), bytes_of(step), mode))
		return uffd;
	close(uffd);
	return -1;
}

static inline void uffd_copy(const struct step *step)
{
	int uffd = open_uffd(step, UFFDIO_REGISTER_MODE_MISSING);
	char bytes[page];

	memset(bytes, 'c', page);
	for (size_t i = step->first; uffd >= 0 && i < step->first + step->count; i++) {
		struct uffdio_copy copy = {
			.dst = (uintptr_t)at(i), .src = (uintptr_t)bytes, .len = page,
		};

		if (!ioctl(uffd, UFFDIO_COPY, &copy))
			touched[i] = true;
	}
	if (uffd >= 0)
		close(uffd);
}

/*
 * Into an adaptive region that is as long again. What moves was asked for by name there,
 * whatever was touched where it came from.
 */
static inline void uffd_move(const struct step *step)
{
	size_t to = new_places(step->first, 2 * step->count);
	struct step there_too = { .first = to, .count = 2 * step->count };
	struct uffdio_move move = {
		.dst = (uintptr_t)at(to), .src = (uintptr_t)at(step->first),
		.len = bytes_of(step), .mode = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES,
	};
	int uffd;

	if (!to || !all_mapped(step->first, step->count))
		return;
	move_to(tamalloc(bytes_of(&there_too)), bytes_of(&there_too), at(to));
	CHECK(!madvise(at(to), bytes_of(&there_too), MADV_HUGEPAGE));
	memset(unmapped + to, false, there_too.count);
	places = to + there_too.count;
	uffd = open_uffd(&there_too, UFFDIO_REGISTER_MODE_MISSING);
	CHECK(uffd >= 0);
	ioctl(uffd, UFFDIO_MOVE, &move);
	for (size_t i = 0; i < step->count && (long)(i * page) < move.move; i++)
		touched[to + i] = there[step->first + i];
	close(uffd);
}

static inline void uffd_wp(const struct step *step)
{
	int uffd = open_uffd(step, UFFDIO_REGISTER_MODE_WP);

	if (uffd < 0)
		return;
	uffd_protect(uffd, at(step->first), bytes_of(step), true);
	uffd_protect(uffd, at(step->first), bytes_of(step), false);
	close(uffd);
}

/* What has no cgroup to reclaim from is left alone; nor need it find as much. */
static inline void try_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
}

static inline void split(const struct step *step)
{
	char request[80];

	sprintf(request, "%d,%p,%p", getpid(), at(step->first), at(step->first + step->count));
	try_write("/sys/kernel/debug/split_huge_pages", request);
}

static inline void let_khugepaged_scan(void)
{
	long scans = number(KHUGEPAGED "full_scans") + 3;

	write_file(KHUGEPAGED "scan_sleep_millisecs", "1");
	for (int i = 0; i < 300 && number(KHUGEPAGED "full_scans") < scans; i++)
		usleep(1000);
	write_file(KHUGEPAGED "scan_sleep_millisecs", "10000");
}

/* Of the places in use; a call that is refused changes nothing. */
static inline void run_step(const struct step *given)
{
	struct step step = *given;
	char *start;

	if (step.first >= places)
		return;
	if (step.count > places - step.first)
		step.count = places - step.first;
	start = at(step.first);
	switch (step.verb) {
	case TOUCH:
	case READ:
		for (size_t i = 0; i < step.count; i++)
			touch(step.first + i, step.verb == TOUCH);
		break;
	case EVERY:
		for (size_t i = 0; i < step.count; i += step.stride)
			touch(step.first + i, true);
		break;
	case DROP: madvise(start, bytes_of(&step), MADV_DONTNEED); break;
	case COLD: madvise(start, bytes_of(&step), MADV_COLD); break;
	case FREE: madvise(start, bytes_of(&step), MADV_FREE); break;
	case PAGEOUT: madvise(start, bytes_of(&step), MADV_PAGEOUT); break;
	case CLEAR_REFS: write_file("/proc/self/clear_refs", "1"); break;
	case PROTECT:
		if (!all_mapped(step.first, step.count))
			break;
		mprotect(start, bytes_of(&step), step.stride % 2 ? PROT_NONE : PROT_READ);
		mprotect(start, bytes_of(&step), RW);
		break;
	case POPULATE:
		populate(&step, step.stride % 2 ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
		break;
	case FORK: touch_in_child(&step); break;
	case MIGRATE: migrate(&step); break;
	case COLLAPSE:
		populate(&(struct step){ .first = step.first / TABLE * TABLE, .count = TABLE },
			 MADV_COLLAPSE);
		break;
	case UNMAP:
		CHECK(!munmap(start, bytes_of(&step)));
		unmap(step.first, step.count);
		break;
	case PIN: pin_pages(&step); break;
	case MOVE: move_part(&step, 0); break;
	case DONTUNMAP: move_part(&step, MREMAP_DONTUNMAP); break;
	case LOCK:
		if (all_mapped(step.first, step.count) && !mlock(start, bytes_of(&step)))
			asked_for(&step);
		break;
	case LOCK_ONFAULT: mlock2(start, bytes_of(&step), MLOCK_ONFAULT); break;
	case UNLOCK: munlock(start, bytes_of(&step)); break;
	case MERGE: merge(&step); break;
	case UFFD_COPY: uffd_copy(&step); break;
	case UFFD_MOVE: uffd_move(&step); break;
	case UFFD_WP: uffd_wp(&step); break;
	case RECLAIM: try_write(CGROUP "/memory.reclaim", "8M"); break;
	case SPLIT: split(&step); break;
	case KHUGEPAGED_SCANS: let_khugepaged_scan(); break;
	case VERBS: break;
	}
	look();
}

#endif /* BOUND_H */
