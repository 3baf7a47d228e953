// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "maps.h"
#include "model.h"
#include "pagemap.h"
#include "tap.h"
#include "uapi.h"

/* Far from where the kernel puts mappings by itself. */
#define FIRST_ARENA	0x100000000000UL
#define ARENA_DISTANCE	GIB

/* pagemap shows a marker of userfaultfd as a swap entry of this type. */
#define MARKER_TYPE	31ULL

struct kind kinds[] = {
	{ "plain", plain, "", false, 0 },
	{ "strict", tamalloc, REGION_NAME, true, 0 },
	{ "adaptive", with_advice, REGION_NAME, true, HUGE | GROUPS },
	{ .name = NULL }
};

struct report *report;

struct kind *find_kind(const char *name)
{
	for (struct kind *kind = kinds; kind->name; kind++)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

void report_init(void)
{
	report = mmap(NULL, sizeof(*report), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(report != MAP_FAILED);
}

bool report_failure(int status)
{
	if (status && !report->taken)
		snprintf(report->text, sizeof(report->text), "killed by signal %d, exit status %d",
			 WTERMSIG(status), WEXITSTATUS(status));
	return status;
}

void fail(const struct world *w, const char *format, ...)
{
	va_list ap;

	if (!__atomic_exchange_n(&report->taken, 1, __ATOMIC_SEQ_CST)) {
		report->seed = w->program->seed;
		report->step = w->step;
		va_start(ap, format);
		vsnprintf(report->text, sizeof(report->text), format, ap);
		va_end(ap);
	}
	_exit(EXIT_FAILURE);
}

static __thread struct {
	sigjmp_buf place;
	volatile bool set;
} landing;

static void land(int signal, siginfo_t *info, void *)
{
	if (landing.set)
		siglongjmp(landing.place, 1);
	dprintf(STDERR_FILENO, "model: signal %d at %p, not from a load or store of the program\n",
		signal, info->si_addr);
	_exit(EXIT_FAILURE);
}

void catch_faults(void)
{
	struct sigaction action = {
		.sa_sigaction = land,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	CHECK(!sigaction(SIGSEGV, &action, NULL));
	CHECK(!sigaction(SIGBUS, &action, NULL));
}

/* A single access if the size is that of a register. */
static void copy(void *to, const void *from, size_t size)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)to = *(volatile const uint8_t *)from;
		break;
	case 2:
		*(volatile uint16_t *)to = *(volatile const uint16_t *)from;
		break;
	case 4:
		*(volatile uint32_t *)to = *(volatile const uint32_t *)from;
		break;
	case 8:
		*(volatile uint64_t *)to = *(volatile const uint64_t *)from;
		break;
	default:
		memcpy(to, from, size);
	}
}

static bool guarded_copy(void *to, const void *from, size_t size)
{
	if (sigsetjmp(landing.place, 0)) {
		landing.set = false;
		return false;
	}
	landing.set = true;
	copy(to, from, size);
	landing.set = false;
	return true;
}

bool load(void *to, const char *from, size_t size)
{
	return guarded_copy(to, from, size);
}

bool store(char *to, const void *from, size_t size)
{
	return guarded_copy(to, from, size);
}

void world_open_proc(struct world *w)
{
	w->mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	w->maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	CHECK(w->mem >= 0 && w->maps >= 0);
}

void world_close_proc(struct world *w)
{
	close(w->mem);
	close(w->maps);
}

void world_init(struct world *w, unsigned int number, struct kind *kind)
{
	memset(w, 0, sizeof(*w));
	w->arena = (char *)(FIRST_ARENA + number * ARENA_DISTANCE);
	w->shadow = plain((size_t)ARENA_PAGES * PAGE);
	w->stack = plain(64 * KIB);
	w->kind = kind;
	w->uffd = -1;
	w->ring = -1;
	world_open_proc(w);
}

void world_clear(struct world *w)
{
	CHECK(!munmap(w->arena, (size_t)ARENA_PAGES * PAGE));
	memset(w->page, 0, sizeof(w->page));
	w->gone = 0;
	if (w->ring >= 0)
		close(w->ring);
	w->ring = -1;
	madvise(w->shadow, (size_t)ARENA_PAGES * PAGE, MADV_DONTNEED);
}

unsigned int uniform(const struct world *w, unsigned int from, unsigned int n,
		     bool same_prot, unsigned int same_flags)
{
	const struct page_model *first = &w->page[from];
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct page_model *page = first + i;

		if (!page->kind || (same_prot && page->prot != first->prot) ||
		    ((page->flags ^ first->flags) & same_flags))
			break;
	}
	return i;
}

bool unmapped(const struct world *w, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++)
		if (w->page[i].kind)
			return false;
	return true;
}

static bool query(const struct world *w, const char *addr, struct procmap_query *q,
		  char *name, size_t size)
{
	*q = (struct procmap_query){
		.size = sizeof(*q),
		.query_flags = PROCMAP_QUERY_COVERING_OR_NEXT_VMA,
		.query_addr = (uintptr_t)addr,
		.vma_name_size = size,
		.vma_name_addr = (uintptr_t)name,
	};
	*name = '\0';
	if (!ioctl(w->maps, PROCMAP_QUERY, q))
		return true;
	if (errno != ENOENT)
		fail(w, "PROCMAP_QUERY: %s", strerror(errno));
	return false;
}

unsigned int mapping_end(struct world *w, unsigned int i)
{
	struct procmap_query q;
	char name[80];

	if (!query(w, address(w, i), &q, name, sizeof(name)) ||
	    q.vma_start > (uintptr_t)address(w, i))
		fail(w, "page %u is not mapped", i);
	return (q.vma_end - (uintptr_t)w->arena) / PAGE;
}

/* The shadow of an empty page is zero. To clear it again would touch it, for thousands of pages. */
static void forget(struct world *w, unsigned int i)
{
	if (w->page[i].held != EMPTY)
		memset(expected(w, i), 0, PAGE);
	w->page[i].held = EMPTY;
	w->page[i].flags &= ~(FREED | ZERO | TRACKED);
}

/* What was touched of memory that goes away. */
static void retire(struct world *w, unsigned int i)
{
	w->gone += w->page[i].kind == w->kind && w->page[i].flags & TOUCHED;
}

void model_map(struct world *w, unsigned int i, const struct kind *kind)
{
	forget(w, i);
	retire(w, i);
	w->page[i] = (struct page_model){ .kind = kind, .prot = RW,
					   .flags = kind->flags };
}

void model_unmap(struct world *w, unsigned int i)
{
	if (w->page[i].kind)
		forget(w, i);
	retire(w, i);
	w->page[i] = (struct page_model){ };
}

void model_drop(struct world *w, unsigned int i)
{
	forget(w, i);
}

/* userfaultfd forgets what moves: nobody asked for its event. */
void model_move(struct world *w, unsigned int from, unsigned int to)
{
	w->page[to] = w->page[from];
	w->page[to].flags &= ~(UFFD | TRACKED);
	memcpy(expected(w, to), expected(w, from), PAGE);
	forget(w, from);
	w->page[from].flags &= ~TOUCHED;
}

/* The contents that a first touch gives a page. */
static void fresh(const struct world *w, unsigned int i, char *bytes)
{
	memset(bytes, w->page[i].flags & MISSING ? stamp(i) : 0, PAGE);
}

/* Whether two pages are equal. TCG is slow at the vector instructions of memcmp(). */
static bool same(const void *a, const void *b)
{
	typedef uint64_t __attribute__((may_alias)) word;
	const word *x = a, *y = b;

	for (unsigned int i = 0; i < PAGE / sizeof(*x); i += 4)
		if ((x[i] ^ y[i]) | (x[i + 1] ^ y[i + 1]) |
		    (x[i + 2] ^ y[i + 2]) | (x[i + 3] ^ y[i + 3]))
			return false;
	return true;
}

bool is_zero(const struct world *w, unsigned int i)
{
	static const char zeroes[MAX_PAGE] __attribute__((aligned(8)));

	return same(expected(w, i), zeroes);
}

void model_doubt(struct world *w, unsigned int i)
{
	struct page_model *page = &w->page[i];

	if (page->held == HELD && page->flags & GROUPS && page->flags & MISSING && is_zero(w, i))
		page->held = MAYBE;
}

/* Its bytes, in place or, if it is not readable, as the kernel reads them. */
static const char *contents(const struct world *w, unsigned int i)
{
	static __thread char bytes[MAX_PAGE] __attribute__((aligned(8)));

	if (w->page[i].prot & PROT_READ)
		return address(w, i);
	if (pread(w->mem, bytes, PAGE, (uintptr_t)address(w, i)) != (ssize_t)PAGE)
		fail(w, "page %u cannot be read: %s", i, strerror(errno));
	return bytes;
}

/* Finds out whether the page still had its contents or was fresh when it was touched. */
static void resolve(struct world *w, unsigned int i, unsigned int offset,
		   const void *bytes, size_t length)
{
	static __thread char was_fresh[MAX_PAGE] __attribute__((aligned(8)));
	const char *now = contents(w, i);
	char *shadow = expected(w, i);

	fresh(w, i, was_fresh);
	memcpy(was_fresh + offset, bytes, length);
	memcpy(shadow + offset, bytes, length);
	if (same(now, was_fresh))
		memcpy(shadow, was_fresh, PAGE);
	else if (!same(now, shadow))
		fail(w, "page %u has neither its old contents nor fresh ones", i);
}

/*
 * What a first touch may also fill: pages of the same mapping in the group around it, whose
 * alignment nothing here knows, as a mapping may have moved.
 */
static void model_group(struct world *w, unsigned int i)
{
	unsigned int low = i, high = i, touched = 0;

	for (unsigned int near = i < 7 ? 0 : i - 7; near <= i + 7 && near < ARENA_PAGES; near++)
		touched += near != i && w->page[near].flags & TOUCHED;
	/* The smallest has eight pages, and more than half of them are accessed by now. */
	if (touched < 4)
		return;
	while (low && i - low < GROUP - 1 && w->page[low - 1].flags & HUGE)
		low--;
	while (high < ARENA_PAGES - 1 && high - i < GROUP - 1 && w->page[high + 1].flags & HUGE)
		high++;
	for (; low <= high; low++)
		if (low != i && w->page[low].held != HELD)
			w->page[low].held = MAYBE;
}

void model_perhaps_touch(struct world *w, unsigned int i)
{
	struct page_model *page = &w->page[i];

	if (page->held == EMPTY)
		page->held = MAYBE;
	page->flags &= ~TRACKED;
	page->flags |= TOUCHED;
	if (page->flags & HUGE)
		model_group(w, i);
}

void model_touch(struct world *w, unsigned int i, bool write, unsigned int offset,
		 const void *bytes, size_t length)
{
	struct page_model *page = &w->page[i];
	bool was_empty = surely_empty(page), was_held = surely_held(page);

	page->flags |= TOUCHED;
	/* Zeroes may have gone since, with what came ahead. */
	if (page->flags & HUGE)
		model_group(w, i);
	if (was_empty || was_held) {
		if (was_empty)
			fresh(w, i, expected(w, i));
		memcpy(expected(w, i) + offset, bytes, length);
	} else {
		resolve(w, i, offset, bytes, length);
	}
	if (!was_held && page->flags & MISSING && !stamp(i))
		page->flags |= ZERO;
	if (write) {
		page->flags &= ~(FREED | ZERO | CLEAN);
		page->flags |= page->flags & WP ? DIRTY : 0;
	}
	if (!(page->flags & FREED) && page->held != HELD)
		page->held = write || page->kind->exact ? HELD : MAYBE;
	model_doubt(w, i);
}

void model_fork(struct world *w)
{
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		struct page_model *page = &w->page[i];

		if (page->flags & NOFORK)
			model_unmap(w, i);
		if (page->flags & WIPE)
			model_drop(w, i);
		if (page->flags & ZERO)
			page->held = MAYBE;
		page->flags &= ~(UFFD | TRACKED | LOCKED | ONFAULT);
	}
}

static void check_mapping(struct world *w, unsigned int i, unsigned int end,
			  const struct procmap_query *q, const char *name)
{
	int prot = (q->vma_flags & PROCMAP_QUERY_VMA_READABLE ? PROT_READ : 0) |
		   (q->vma_flags & PROCMAP_QUERY_VMA_WRITABLE ? PROT_WRITE : 0);

	for (; i < end; i++) {
		const struct page_model *page = &w->page[i];

		if (!page->kind)
			fail(w, "page %u is mapped but should not be", i);
		if (page->prot != prot)
			fail(w, "page %u has protection %d, not %d", i, prot, page->prot);
		if (strcmp(name, page->kind->shown))
			fail(w, "page %u is in a mapping called '%s', not '%s'", i, name,
			     page->kind->shown);
	}
}

static void check_layout(struct world *w, unsigned int low, unsigned int high)
{
	for (unsigned int i = low; i < high;) {
		struct procmap_query q;
		char name[80];
		unsigned int start = high, end = high;

		if (query(w, address(w, i), &q, name, sizeof(name)) &&
		    q.vma_start < (uintptr_t)address(w, high)) {
			start = q.vma_start <= (uintptr_t)address(w, i) ? i :
				(q.vma_start - (uintptr_t)w->arena) / PAGE;
			if (q.vma_end < (uintptr_t)address(w, high))
				end = (q.vma_end - (uintptr_t)w->arena) / PAGE;
		}
		for (; i < start; i++)
			if (w->page[i].kind)
				fail(w, "page %u is not mapped but should be", i);
		check_mapping(w, start, end, &q, name);
		i = end;
	}
}

static bool populated(uint64_t entry)
{
	return entry & PM_PRESENT ||
	       (entry & PM_SWAPPED && (entry & PM_SWAP_TYPE) != MARKER_TYPE);
}

bool may_vanish(const struct world *w, unsigned int i)
{
	return w->page[i].flags & GROUPS && (w->page[i].flags & (LOCKED | ONFAULT)) != LOCKED &&
	       is_zero(w, i);
}

static void check_residency(struct world *w, unsigned int low, unsigned int high)
{
	static __thread uint64_t entry[ARENA_PAGES];

	pagemap_read(address(w, low), entry, high - low);
	for (unsigned int i = low; i < high; i++) {
		const struct page_model *page = &w->page[i];
		bool now = populated(entry[i - low]);

		if (now && surely_empty(page))
			fail(w, "page %u is populated but was not touched (pagemap %#llx)",
			     i, (unsigned long long)entry[i - low]);
		if (!now && surely_held(page) && !may_vanish(w, i))
			fail(w, "page %u was touched but is not populated", i);
		if ((page->flags & (CLEAN | MERGED)) == CLEAN && !(entry[i - low] & PM_UFFD_WP))
			fail(w, "page %u has lost userfaultfd's write protection", i);
		if (page->flags & DIRTY && entry[i - low] & PM_UFFD_WP)
			fail(w, "page %u was written but is write-protected", i);
	}
}

void check_bound(struct world *w)
{
	static __thread uint64_t entry[ARENA_PAGES];
	unsigned int held = 0, touched = w->gone;

	if (!w->kind->exact)
		return;
	pagemap_read(w->arena, entry, ARENA_PAGES);
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		if (w->page[i].kind != w->kind)
			continue;
		held += populated(entry[i]);
		touched += !!(w->page[i].flags & TOUCHED);
	}
	if (held && held >= 2 * touched)
		fail(w, "%u pages are populated, but only %u were touched", held, touched);
}

/* Whether it vanished since, or was elsewhere then. */
static bool came_anew(uint64_t before, uint64_t after)
{
	return !(before & PM_PRESENT) || (before ^ after) & PM_FRAME;
}

/*
 * Only of pages that hold something for sure: reading any other would touch it. Which may still
 * happen, where one vanished; then it fills what a touch fills.
 */
static void check_contents(struct world *w, unsigned int low, unsigned int high)
{
	static __thread uint64_t before[ARENA_PAGES], after[ARENA_PAGES];

	pagemap_read(address(w, low), before, high - low);
	for (unsigned int i = low; i < high; i++) {
		const char *bytes, *want = expected(w, i);
		unsigned int at = 0;

		if (!surely_held(&w->page[i]))
			continue;
		bytes = contents(w, i);
		if (same(bytes, want))
			continue;
		while (bytes[at] == want[at])
			at++;
		fail(w, "page %u, byte %u: %#x, not %#x", i, at, (uint8_t)bytes[at],
		     (uint8_t)want[at]);
	}
	pagemap_read(address(w, low), after, high - low);
	for (unsigned int i = low; i < high; i++)
		if (surely_held(&w->page[i]) && w->page[i].flags & HUGE && may_vanish(w, i) &&
		    came_anew(before[i - low], after[i - low]))
			model_group(w, i);
}

void check(struct world *w, unsigned int low, unsigned int high)
{
	check_layout(w, low, high);
	check_residency(w, low, high);
	check_contents(w, low, high);
}

void check_flags(struct world *w)
{
	const struct kind *seen = NULL;
	struct vma vma;

	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		const struct kind *kind = w->page[i].kind;
		bool flag;

		if (!kind || kind == seen)
			continue;
		if (!find_vma(address(w, i), &vma))
			fail(w, "page %u is not in smaps", i);
		flag = strstr(vma.flags, " " REGION_FLAG);
		if (flag != !strcmp(kind->shown, REGION_NAME))
			fail(w, "page %u, %s: VmFlags%s", i, kind->name, vma.flags);
		if (seen)
			return;
		seen = kind;
	}
}
