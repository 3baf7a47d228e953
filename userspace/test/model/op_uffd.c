// SPDX-License-Identifier: GPL-2.0
/* userfaultfd: filling missing pages, tracking writes, moving pages. */
#include <sys/ioctl.h>

#include "fill.h"
#include "op.h"
#include "pagemap.h"
#include "tap.h"
#include "uapi.h"
#include "uffd.h"

/* Not in forked children: userfaultfd does not follow a fork unless asked to. */
static bool has_fill(struct world *w)
{
	return !w->depth && fill_open(w);
}

static long range_ioctl(struct world *w, unsigned long request, const struct step *s,
			unsigned int n)
{
	struct uffdio_range range = { (uintptr_t)address(w, s->page), n * PAGE };

	return ioctl(w->uffd, request, &range);
}

static void enlist(struct world *w, const struct step *s, unsigned int flag, int mode)
{
	unsigned int n = uniform(w, s->page, s->n, false, UFFD);

	if (!n || w->page[s->page].flags & UFFD & ~flag || !has_fill(w))
		return;
	expect(w, "UFFDIO_REGISTER", uffd_register(w->uffd, address(w, s->page), n * PAGE, mode), 0);
	set_flag(w, s, n, flag, 0);
}

void fill_missing(struct world *w, const struct step *s)
{
	enlist(w, s, MISSING, UFFDIO_REGISTER_MODE_MISSING);
	for (unsigned int i = s->page; i < s->page + s->n; i++)
		model_doubt(w, i);
}

void dismiss(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);

	if (!n || !has_fill(w))
		return;
	expect(w, "UFFDIO_UNREGISTER", range_ioctl(w, UFFDIO_UNREGISTER, s, n), 0);
	set_flag(w, s, n, 0, UFFD | TRACKED);
}

/* Fills one page itself. */
static void fill_page(struct world *w, const struct step *s, bool zero)
{
	struct page_model *page = &w->page[s->page];
	char bytes[PAGE];
	int error;

	if (!has_fill(w))
		return;
	memset(bytes, zero ? 0 : (char)s->value, PAGE);
	error = fill_one(w, s->page, zero ? NULL : bytes);
	if (!page->kind || !(page->flags & UFFD)) {
		if (error != ENOENT)
			fail(w, "filling a page gives %s, not ENOENT",
			     strerrorname_np(error));
		return;
	}
	/* A marker of write protection stops ZEROPAGE, but not COPY. */
	if (error && (error != EEXIST || (surely_empty(page) && !(zero && page->flags & WP))))
		fail(w, "filling page %u gives %s", s->page, strerrorname_np(error));
	if (!error && surely_held(page))
		fail(w, "page %u was filled, but was not empty", s->page);
	if (error)
		return;
	memcpy(expected(w, s->page), bytes, PAGE);
	page->held = zero && !page->kind->exact ? MAYBE : HELD;
	page->flags &= ~(FREED | ZERO | TRACKED);
	page->flags |= TOUCHED | (zero ? ZERO : 0);
	model_doubt(w, s->page);
}

void fill_copy(struct world *w, const struct step *s)
{
	fill_page(w, s, false);
}

void fill_zero(struct world *w, const struct step *s)
{
	fill_page(w, s, true);
}

/* Its contents are certain, and writes to it are not tracked. */
static bool movable(const struct world *w, unsigned int i)
{
	const struct page_model *page = &w->page[i];

	return page->kind && page->kind->exact && page->prot == RW &&
	       !(page->flags & (FREED | WP)) &&
	       (page->held == EMPTY || (page->held == HELD && !may_vanish(w, i)));
}

void fill_move(struct world *w, const struct step *s)
{
	unsigned int n = least(s->n, s->m), moved;
	struct uffdio_move move = {
		.dst = (uintptr_t)address(w, s->to),
		.src = (uintptr_t)address(w, s->page),
		.mode = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES,
	};

	for (unsigned int i = 0; i < n; i++) {
		const struct page_model *from = &w->page[s->page + i];
		const struct page_model *to = &w->page[s->to + i];

		if (!movable(w, s->page + i) || !movable(w, s->to + i) ||
		    to->held != EMPTY || !(to->flags & MISSING) ||
		    (from->flags ^ to->flags) & LOCKED)
			n = i;
	}
	if (!n || !has_fill(w) || (s->page < s->to + n && s->to < s->page + n))
		return;
	n = least(n, least(mapping_end(w, s->page) - s->page, mapping_end(w, s->to) - s->to));
	move.len = n * PAGE;
	if (ioctl(w->uffd, UFFDIO_MOVE, &move) && errno != EAGAIN && errno != EBUSY)
		fail(w, "UFFDIO_MOVE gives %s", strerrorname_np(errno));
	moved = move.move > 0 ? move.move / PAGE : 0;
	for (unsigned int i = 0; i < moved; i++) {
		struct page_model *from = &w->page[s->page + i], *to = &w->page[s->to + i];

		if (from->held == EMPTY)
			continue;
		to->held = HELD;
		to->flags |= TOUCHED | (from->flags & ZERO);
		memcpy(expected(w, s->to + i), expected(w, s->page + i), PAGE);
		model_drop(w, s->page + i);
	}
}

void writeprotect(struct world *w, const struct step *s)
{
	unsigned int n = uniform(w, s->page, s->n, false, WP);

	if (!n || !(w->page[s->page].flags & WP) || !has_fill(w))
		return;
	expect(w, "UFFDIO_WRITEPROTECT",
	       uffd_protect(w->uffd, address(w, s->page), n * PAGE, true), 0);
	for (unsigned int i = s->page; i < s->page + n; i++) {
		w->page[i].flags &= ~TRACKED;
		if (w->page[i].held != MAYBE && !(w->page[i].flags & FREED))
			w->page[i].flags |= CLEAN;
	}
}

/* From now on; half of them also protect what is there already. */
void track_writes(struct world *w, const struct step *s)
{
	if (!uffd_can_protect())
		return;
	enlist(w, s, WP, UFFDIO_REGISTER_MODE_WP);
	if (s->value & 1)
		writeprotect(w, s);
}

/* PAGEMAP_SCAN: which pages were written; it protects those again. */
void scan(struct world *w, const struct step *s)
{
	static __thread struct page_region found[ARENA_PAGES];
	unsigned int n = uniform(w, s->page, s->n, false, WP);
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = (uintptr_t)address(w, s->page),
		.end = (uintptr_t)address(w, s->page + n),
		.vec = (uintptr_t)found,
		.vec_len = ARENA_PAGES,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	unsigned int count, next = 0;
	long ret;

	if (!n || !(w->page[s->page].flags & WP) || !has_fill(w))
		return;
	ret = ioctl(pagemap_fd(), PAGEMAP_SCAN, &arg);
	if (ret < 0)
		fail(w, "PAGEMAP_SCAN gives %s", strerrorname_np(errno));
	count = ret;
	for (unsigned int i = s->page; i < s->page + n; i++) {
		struct page_model *page = &w->page[i];
		uintptr_t addr = (uintptr_t)address(w, i);
		bool written;

		while (next < count && found[next].end <= addr)
			next++;
		written = next < count && found[next].start <= addr;
		if (page->flags & DIRTY && !written)
			fail(w, "PAGEMAP_SCAN misses that page %u was written", i);
		if ((page->flags & (CLEAN | MERGED)) == CLEAN && written)
			fail(w, "PAGEMAP_SCAN says that page %u was written, but it was not", i);
		page->flags &= ~TRACKED;
		if (surely_held(page))
			page->flags |= CLEAN;
	}
}
