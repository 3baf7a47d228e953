// SPDX-License-Identifier: GPL-2.0
/* madvise(2), mlock(2) and mincore(2). */
#include <sys/uio.h>

#include "op.h"
#include "uapi.h"

/* Advises a run of pages that agree in these flags and returns how many. */
static unsigned int advise(struct world *w, const struct step *s, int advice,
			   unsigned int same_flags, unsigned int einval_flags)
{
	unsigned int n = uniform(w, s->page, s->n, false, same_flags);
	int error = !n ? ENOMEM : w->page[s->page].flags & einval_flags ? EINVAL : 0;

	expect(w, "madvise", madvise(address(w, s->page), (n ?: 1) * PAGE, advice), error);
	return error ? 0 : n;
}

static void drop(struct world *w, const struct step *s, unsigned int n)
{
	for (unsigned int i = s->page; i < s->page + n; i++)
		model_drop(w, i);
}

void dontneed(struct world *w, const struct step *s)
{
	drop(w, s, advise(w, s, MADV_DONTNEED, LOCKED, LOCKED));
}

void dontneed_locked(struct world *w, const struct step *s)
{
	drop(w, s, advise(w, s, MADV_DONTNEED_LOCKED, 0, 0));
}

/*
 * Not after a fork: Linux 6.12 then also frees pages of the other process if they came
 * from zram and bypassed the swap cache. It does so to plain memory, too.
 */
void advise_free(struct world *w, const struct step *s)
{
	unsigned int n;

	if (w->forked)
		return;
	n = advise(w, s, MADV_FREE, LOCKED, LOCKED);
	for (unsigned int i = s->page; i < s->page + n; i++) {
		w->page[i].flags &= ~TRACKED;
		if (w->page[i].held != EMPTY)
			w->page[i].flags |= FREED;
	}
}

void pageout(struct world *w, const struct step *s)
{
	advise(w, s, MADV_PAGEOUT, LOCKED, LOCKED);
}

/* By process_madvise(2), which returns how many bytes it has advised. */
void cold(struct world *w, const struct step *s)
{
	unsigned int n = uniform(w, s->page, s->n, false, LOCKED);
	struct iovec range = { address(w, s->page), (n ?: 1) * PAGE };
	int self = syscall(SYS_pidfd_open, getpid(), 0);
	long ret = syscall(SYS_process_madvise, self, &range, 1, MADV_COLD, 0);
	int error = !n ? ENOMEM : w->page[s->page].flags & LOCKED ? EINVAL : 0;

	expect(w, "process_madvise", ret, error);
	close(self);
	if (!error && ret != (long)range.iov_len)
		fail(w, "process_madvise advises %ld of %zu bytes", ret, range.iov_len);
}

void wipeonfork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_WIPEONFORK, 0, 0), WIPE, 0);
}

void keeponfork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_KEEPONFORK, 0, 0), 0, WIPE);
}

void dontfork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_DONTFORK, 0, 0), NOFORK, 0);
}

void dofork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_DOFORK, 0, 0), 0, NOFORK);
}

/* Advice that neither populates nor empties a page. */
void hint(struct world *w, const struct step *s)
{
	static const int hints[] = {
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_SEQUENTIAL, MADV_RANDOM,
		MADV_NORMAL, MADV_WILLNEED, MADV_DONTDUMP, MADV_DODUMP,
	};

	const int advice = hints[s->value % (sizeof(hints) / sizeof(*hints))];
	const unsigned int n = advise(w, s, advice, 0, 0);

	if (advice == MADV_MERGEABLE)
		set_flag(w, s, n, MERGED, 0);
}

void hugepage(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_HUGEPAGE, 0, 0), HUGE | GROUPS, 0);
}

void nohugepage(struct world *w, const struct step *s)
{
	/* To the kernel a region looks as if it had been adaptive before. */
	set_flag(w, s, advise(w, s, MADV_NOHUGEPAGE, 0, 0), GROUPS, HUGE);
}

/* Collapsing populates what was empty, if it succeeds. */
void collapse(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);
	long ret = madvise(address(w, s->page), (n ?: 1) * PAGE, MADV_COLLAPSE);

	if (ret && errno != (n ? EINVAL : ENOMEM) && errno != EAGAIN && errno != EBUSY &&
	    errno != ENOMEM)
		fail(w, "MADV_COLLAPSE gives %s", strerrorname_np(errno));
	if (n < TABLE || s->page % TABLE)
		return;
	for (unsigned int i = s->page; i < s->page + TABLE; i++) {
		if (w->page[i].held == EMPTY)
			w->page[i].held = ret ? MAYBE : HELD;
		w->page[i].flags |= TOUCHED;
	}
}

static void advise_populate(struct world *w, const struct step *s, int advice, int prot)
{
	unsigned int n = uniform(w, s->page, s->n, true, 0);
	int error = !n ? ENOMEM : w->page[s->page].prot & prot ? 0 : EINVAL;

	expect(w, "madvise", madvise(address(w, s->page), (n ?: 1) * PAGE, advice), error);
	for (unsigned int i = s->page; !error && i < s->page + n; i++)
		model_touch(w, i, prot & PROT_WRITE, 0, NULL, 0);
}

void populate_read(struct world *w, const struct step *s)
{
	advise_populate(w, s, MADV_POPULATE_READ, PROT_READ);
}

void populate_write(struct world *w, const struct step *s)
{
	advise_populate(w, s, MADV_POPULATE_WRITE, PROT_WRITE);
}

void lock(struct world *w, const struct step *s)
{
	unsigned int n = uniform(w, s->page, s->n, true, 0);
	int error = n && w->page[s->page].prot ? 0 : ENOMEM;

	/* The mapping is cut for it, before it populates what is accessible. */
	for (unsigned int i = s->page; i < s->page + n; i++)
		if (surely_held(&w->page[i]) && may_vanish(w, i))
			w->page[i].held = MAYBE;
	expect(w, "mlock", mlock(address(w, s->page), (n ?: 1) * PAGE), error);
	set_flag(w, s, n, LOCKED, ONFAULT);
	populate(w, s->page, n);
}

void lock_onfault(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);

	expect(w, "mlock2", mlock2(address(w, s->page), (n ?: 1) * PAGE, MLOCK_ONFAULT),
	       n ? 0 : ENOMEM);
	set_flag(w, s, n, LOCKED | ONFAULT, 0);
}

void unlock(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);

	expect(w, "munlock", munlock(address(w, s->page), (n ?: 1) * PAGE),
	       n ? 0 : ENOMEM);
	set_flag(w, s, n, 0, LOCKED | ONFAULT);
}

void in_core(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);
	unsigned char vec[ARENA_PAGES];

	expect(w, "mincore", mincore(address(w, s->page), (n ?: 1) * PAGE, vec),
	       n ? 0 : ENOMEM);
	for (unsigned int i = 0; i < n; i++) {
		const struct page_model *page = &w->page[s->page + i];

		if (vec[i] & 1 && surely_empty(page))
			fail(w, "mincore says that page %u is resident, but it was not touched", s->page + i);
	}
}
