// SPDX-License-Identifier: GPL-2.0
/* Mappings: made, removed, moved, resized and protected. */
#include "op.h"

static bool populates(const struct page_model *page)
{
	return page->flags & LOCKED && !(page->flags & ONFAULT);
}

void region(struct world *w, const struct step *s)
{
	unsigned int touched = s->value % 3 ? 0 : least(s->n, 1 + s->value / 3 % 4);
	char byte = s->value >> 32, *to = address(w, s->page);
	char *from = w->kind->create(s->n * PAGE);

	for (unsigned int i = 0; i < touched; i++)
		from[i * PAGE] = byte;
	if (mremap(from, s->n * PAGE, s->n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		fail(w, "mremap: %s", strerror(errno));
	for (unsigned int i = 0; i < s->n; i++) {
		model_map(w, s->page + i, w->kind);
		if (i < touched)
			model_touch(w, s->page + i, true, 0, &byte, 1);
	}
}

/* Half of them start at the end of a mapping. */
void neighbour(struct world *w, const struct step *s)
{
	unsigned int from = s->page, n = s->n;
	int error = 0;
	void *p;

	if (s->value & 1) {
		while (from + 1 < ARENA_PAGES && w->page[from].kind)
			from++;
		for (n = 1; n < s->n && from + n < ARENA_PAGES && !w->page[from + n].kind;)
			n++;
	}
	if (!unmapped(w, from, n))
		error = EEXIST;
	if (!error && has_mode())
		p = put_plain(address(w, from), n * PAGE);
	else
		p = mmap(address(w, from), n * PAGE, RW, MAP_FIXED_NOREPLACE | MAP_PRIVATE |
			 MAP_ANONYMOUS | (s->value & 2 ? MAP_NORESERVE : 0), -1, 0);
	expect(w, "mmap", (long)p, error);
	for (unsigned int i = from; !error && i < from + n; i++)
		model_map(w, i, PLAIN);
	check(w, from, from + n);
}

void unmap(struct world *w, const struct step *s)
{
	expect(w, "munmap", munmap(address(w, s->page), s->n * PAGE), 0);
	for (unsigned int i = s->page; i < s->page + s->n; i++)
		model_unmap(w, i);
}

/* New pages at the end of a mapping are like its last page, but empty. */
static void extend(struct world *w, unsigned int last, unsigned int from,
		   unsigned int n, unsigned int not_flags)
{
	for (unsigned int i = from; i < from + n; i++) {
		model_map(w, i, w->page[last].kind);
		w->page[i].prot = w->page[last].prot;
		w->page[i].flags = w->page[last].flags &
				   ~(FREED | ZERO | TRACKED | TOUCHED | not_flags);
	}
	if (populates(&w->page[last]))
		populate(w, from, n);
}

/*
 * userfaultfd forgets what moves. Linux 6.12 makes it forget a neighbour at the new place
 * as well if the two have merged by then, of plain memory too.
 */
static bool forgets_neighbour(const struct world *w, unsigned int from, unsigned int to,
			      unsigned int n)
{
	return w->page[from].flags & UFFD &&
	       ((to && w->page[to - 1].flags & UFFD) ||
		(to + n < ARENA_PAGES && w->page[to + n].flags & UFFD));
}

static void move_pages_to(struct world *w, const struct step *s, int flags, bool grow)
{
	char *from = address(w, s->page), *to = address(w, s->to);
	unsigned int n = s->n, m;
	bool overlap;
	void *p;

	if (!w->page[s->page].kind) {
		p = mremap(from, n * PAGE, n * PAGE, flags, to);
		/* Both are true where the ranges overlap; which comes first has changed. */
		overlap = s->page < s->to + n && s->to < s->page + n;
		expect(w, "mremap of nothing", (long)p, overlap && errno == EINVAL ? EINVAL : EFAULT);
		return;
	}
	n = least(least(n, mapping_end(w, s->page) - s->page), ARENA_PAGES - s->to);
	m = grow && s->m > n ? s->m : n;
	if (forgets_neighbour(w, s->page, s->to, m))
		return;
	overlap = s->page < s->to + m && s->to < s->page + n;
	p = mremap(from, n * PAGE, m * PAGE, flags, to);
	expect(w, "mremap", (long)p, overlap ? EINVAL : 0);
	if (overlap)
		return;
	for (unsigned int i = s->to; i < s->to + m; i++)
		model_unmap(w, i);
	for (unsigned int i = 0; i < n; i++) {
		model_move(w, s->page + i, s->to + i);
		if (flags & MREMAP_DONTUNMAP)
			w->page[s->page + i].flags &= ~(LOCKED | ONFAULT);
		else
			model_unmap(w, s->page + i);
	}
	extend(w, s->to + n - 1, s->to + n, m - n, UFFD);
}

void move(struct world *w, const struct step *s)
{
	move_pages_to(w, s, MREMAP_MAYMOVE | MREMAP_FIXED, false);
}

void move_and_grow(struct world *w, const struct step *s)
{
	move_pages_to(w, s, MREMAP_MAYMOVE | MREMAP_FIXED, true);
}

void move_dontunmap(struct world *w, const struct step *s)
{
	move_pages_to(w, s, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, false);
}

/* In place; half of them from the end of the mapping. */
void grow(struct world *w, const struct step *s)
{
	unsigned int n = s->n, end, more;
	bool room;
	void *p;

	if (!w->page[s->page].kind)
		return;
	end = mapping_end(w, s->page);
	if (s->value & 1 || s->page + n > end)
		n = end - s->page;
	more = least(1 + s->value / 2 % 20, ARENA_PAGES - s->page - n);
	if (!more)
		return;
	room = s->page + n == end && unmapped(w, end, more);
	p = mremap(address(w, s->page), n * PAGE, (n + more) * PAGE, 0);
	expect(w, "mremap in place", (long)p, room ? 0 : ENOMEM);
	if (room)
		extend(w, end - 1, end, more, 0);
	check(w, s->page + n, s->page + n + more);
}

void shrink(struct world *w, const struct step *s)
{
	unsigned int n, left;

	if (!w->page[s->page].kind)
		return;
	n = least(s->n, mapping_end(w, s->page) - s->page);
	left = 1 + s->value % n;
	expect(w, "mremap", (long)mremap(address(w, s->page), n * PAGE, left * PAGE, 0), 0);
	for (unsigned int i = s->page + left; i < s->page + n; i++)
		model_unmap(w, i);
}

/* mprotect(2) populates locked pages. It does not wait for userfaultfd there, but stops. */
static void protect(struct world *w, const struct step *s, int prot)
{
	unsigned int n = mapped_run(w, s);
	long ret = mprotect(address(w, s->page), (n ?: 1) * PAGE, prot);
	bool stopped = false;

	expect(w, "mprotect", ret, n ? 0 : ENOMEM);
	for (unsigned int i = s->page; i < s->page + n; i++) {
		struct page_model *page = &w->page[i];
		bool now_writable = !(page->prot & PROT_WRITE) && prot & PROT_WRITE;

		page->prot = prot;
		if (!now_writable || !populates(page))
			continue;
		if (page->flags & MISSING && !surely_held(page))
			stopped = true;
		else if (!stopped)
			populate(w, i, 1);
		else if (page->held == EMPTY)
			page->held = MAYBE;
		page->flags |= TOUCHED;
	}
}

void protect_none(struct world *w, const struct step *s)
{
	protect(w, s, PROT_NONE);
}

void protect_read(struct world *w, const struct step *s)
{
	protect(w, s, PROT_READ);
}

void protect_write(struct world *w, const struct step *s)
{
	protect(w, s, RW);
}
