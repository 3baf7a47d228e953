// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "fill.h"
#include "ops.h"
#include "settings.h"
#include "tap.h"
#include "uapi.h"
#include "weather.h"

#define CHECK_ALL_EVERY	25
#define MARGIN		16U	/* pages around those that a step is about */
#define TRANSFER	(3 * PAGE)

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* A call must succeed (0), or fail with this errno. */
static void expect(const struct world *w, const char *call, long ret, int error)
{
	int got = ret == -1 ? errno : 0;

	if (got != error)
		fail(w, "%s gives %s, not %s", call, got ? strerrorname_np(got) : "success",
		     error ? strerrorname_np(error) : "success");
}

static unsigned int mapped_run(const struct world *w, const struct step *s)
{
	return uniform(w, s->page, s->n, false, 0);
}

/* What makes the kernel populate: a page that may not be accessed stays as it is. */
static void populate(struct world *w, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++)
		if (w->page[i].prot & PROT_READ)
			model_touch(w, i, w->page[i].prot & PROT_WRITE, 0, NULL, 0);
}

static bool populates(const struct page_model *page)
{
	return page->flags & LOCKED && !(page->flags & ONFAULT);
}

/* ---- mappings ---- */

static void region(struct world *w, const struct step *s)
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

/* Half of them start where a mapping ends. */
static void neighbour(struct world *w, const struct step *s)
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
	p = mmap(address(w, from), n * PAGE, RW, MAP_FIXED_NOREPLACE | MAP_PRIVATE |
		 MAP_ANONYMOUS | (s->value & 2 ? MAP_NORESERVE : 0), -1, 0);
	expect(w, "mmap", (long)p, error);
	for (unsigned int i = from; !error && i < from + n; i++)
		model_map(w, i, PLAIN);
	check(w, from, from + n);
}

static void unmap(struct world *w, const struct step *s)
{
	expect(w, "munmap", munmap(address(w, s->page), s->n * PAGE), 0);
	for (unsigned int i = s->page; i < s->page + s->n; i++)
		model_unmap(w, i);
}

/* New pages at the end of a mapping are like its last, but for what they hold. */
static void extend(struct world *w, unsigned int last, unsigned int from,
		   unsigned int n, unsigned int not_flags)
{
	for (unsigned int i = from; i < from + n; i++) {
		model_map(w, i, w->page[last].kind);
		w->page[i].prot = w->page[last].prot;
		w->page[i].flags = w->page[last].flags &
				   ~(FREED | ZERO | TRACKED | not_flags);
	}
	if (populates(&w->page[last]))
		populate(w, from, n);
}

static void move_pages_to(struct world *w, const struct step *s, int flags, bool grow)
{
	char *from = address(w, s->page), *to = address(w, s->to);
	unsigned int n = s->n, m;
	bool overlap;
	void *p;

	if (!w->page[s->page].kind) {
		p = mremap(from, n * PAGE, n * PAGE, flags, to);
		expect(w, "mremap of nothing", (long)p, EFAULT);
		return;
	}
	n = least(least(n, mapping_end(w, s->page) - s->page), ARENA_PAGES - s->to);
	m = grow && s->m > n ? s->m : n;
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

static void move(struct world *w, const struct step *s)
{
	move_pages_to(w, s, MREMAP_MAYMOVE | MREMAP_FIXED, false);
}

static void move_and_grow(struct world *w, const struct step *s)
{
	move_pages_to(w, s, MREMAP_MAYMOVE | MREMAP_FIXED, true);
}

static void move_dontunmap(struct world *w, const struct step *s)
{
	move_pages_to(w, s, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, false);
}

/* In place; half of them from where the mapping ends. */
static void grow(struct world *w, const struct step *s)
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

static void shrink(struct world *w, const struct step *s)
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

static void protect(struct world *w, const struct step *s, int prot)
{
	unsigned int n = mapped_run(w, s);
	long ret = mprotect(address(w, s->page), (n ?: 1) * PAGE, prot);

	expect(w, "mprotect", ret, n ? 0 : ENOMEM);
	for (unsigned int i = s->page; i < s->page + n; i++) {
		struct page_model *page = &w->page[i];
		bool now_writable = !(page->prot & PROT_WRITE) && prot & PROT_WRITE;

		page->prot = prot;
		if (now_writable && populates(page))
			populate(w, i, 1);
	}
}

static void protect_none(struct world *w, const struct step *s)
{
	protect(w, s, PROT_NONE);
}

static void protect_read(struct world *w, const struct step *s)
{
	protect(w, s, PROT_READ);
}

static void protect_write(struct world *w, const struct step *s)
{
	protect(w, s, RW);
}

/* ---- access ---- */

/* Bytes at an offset into the first page of a step, and the pages that they meet. */
struct extent {
	unsigned int page, offset, length, pages;
	char bytes[TRANSFER];
};

static struct extent extent(const struct step *s, unsigned int length)
{
	struct extent e = { .page = s->page };
	uint64_t value = s->value;

	e.offset = value % PAGE;
	if (value >> 12 & 1)
		e.offset = PAGE - 1 - value % 8;
	e.length = least(length, (ARENA_PAGES - e.page) * PAGE - e.offset);
	e.pages = (e.offset + e.length + PAGE - 1) / PAGE;
	for (unsigned int i = 0; i < e.length; i++)
		e.bytes[i] = (value >> i % 8 * 8) + i / 8;
	return e;
}

/*
 * How many bytes at the start lie in pages that are mapped, with this protection, and
 * do not wait for userfaultfd, if that will not do.
 */
static unsigned int reachable(const struct world *w, const struct extent *e, int prot,
			      bool may_wait)
{
	unsigned int i;

	for (i = 0; i < e->pages; i++) {
		const struct page_model *page = &w->page[e->page + i];

		if (!page->kind || (page->prot & prot) != prot)
			break;
		if (!may_wait && page->flags & MISSING && !surely_held(page))
			break;
	}
	return i ? least(e->length, i * PAGE - e->offset) : 0;
}

/* In the model, the first @length bytes were written, or read into e->bytes. */
static void transferred(struct world *w, struct extent *e, unsigned int length,
			bool write)
{
	for (unsigned int done = 0, n; done < length; done += n) {
		unsigned int at = e->offset + done, i = e->page + at / PAGE;

		n = least(length - done, PAGE - at % PAGE);
		model_touch(w, i, write, at % PAGE, e->bytes + done, write ? n : 0);
		if (!write && !(w->page[i].flags & FREED) &&
		    memcmp(e->bytes + done, expected(w, i) + at % PAGE, n))
			fail(w, "page %u: other bytes were read than it holds", i);
	}
}

/* An access of several pages was stopped: those that allow it may be touched now. */
static void perhaps_touched(struct world *w, const struct extent *e, int prot)
{
	for (unsigned int i = e->page; i < e->page + e->pages; i++) {
		struct page_model *page = &w->page[i];

		if (!page->kind || (page->prot & prot) != prot)
			continue;
		if (page->held == EMPTY)
			page->held = MAYBE;
		page->flags &= ~TRACKED;
	}
}

static void access_memory(struct world *w, const struct step *s, bool write)
{
	static const unsigned int widths[] = { 1, 2, 4, 8, 8, 3, 64, 4096 };
	struct extent e = extent(s, widths[s->value >> 16 & 7]);
	int prot = write ? PROT_WRITE : PROT_READ;
	bool allowed, done;

	/* What a memcpy() that is stopped has done is nobody's promise. */
	if (reachable(w, &e, prot, true) < e.length)
		e = extent(s, 8);
	allowed = reachable(w, &e, prot, true) == e.length;
	if (write)
		done = store(address(w, e.page) + e.offset, e.bytes, e.length);
	else
		done = load(e.bytes, address(w, e.page) + e.offset, e.length);
	if (done != allowed)
		fail(w, "page %u, %u bytes: %s %s", e.page, e.length,
		     write ? "a store" : "a load",
		     done ? "that must fault did not" : "got a signal");
	if (done)
		transferred(w, &e, e.length, write);
	else
		perhaps_touched(w, &e, prot);
}

static void read_access(struct world *w, const struct step *s)
{
	access_memory(w, s, false);
}

static void write_access(struct world *w, const struct step *s)
{
	access_memory(w, s, true);
}

/* A byte in each page of a range, as far as it can be accessed. */
static void sweep(struct world *w, const struct step *s, bool write)
{
	int prot = write ? PROT_WRITE : PROT_READ;
	char byte = s->value;

	for (unsigned int i = s->page; i < s->page + s->n; i++) {
		unsigned int offset = s->value / 256 % PAGE;

		if (!w->page[i].kind || !(w->page[i].prot & prot))
			return;
		if (write ? !store(address(w, i) + offset, &byte, 1) :
			    !load(&byte, address(w, i) + offset, 1))
			fail(w, "page %u: a %s got a signal", i, write ? "store" : "load");
		model_touch(w, i, write, offset, &byte, write);
		if (!write && !(w->page[i].flags & FREED) &&
		    byte != expected(w, i)[offset])
			fail(w, "page %u: other bytes were read than it holds", i);
	}
}

static void sweep_read(struct world *w, const struct step *s)
{
	sweep(w, s, false);
}

static void sweep_write(struct world *w, const struct step *s)
{
	sweep(w, s, true);
}

/*
 * The kernel's ways in: as many bytes as lie before the first page that forbids it.
 * That of force does not wait for userfaultfd.
 */
static void transfer(struct world *w, const struct step *s, bool write, bool force)
{
	struct extent e = extent(s, 1 + s->value / PAGE % TRANSFER);
	struct iovec local = { e.bytes, e.length };
	struct iovec remote = { address(w, e.page) + e.offset, e.length };
	off_t at = (uintptr_t)remote.iov_base;
	int prot = force ? 0 : write ? PROT_WRITE : PROT_READ;
	unsigned int want = reachable(w, &e, prot, !force);
	ssize_t got;

	for (unsigned int i = e.page; force && i < e.page + e.pages; i++)
		if (w->page[i].flags & MISSING && !surely_held(&w->page[i]) &&
		    !surely_empty(&w->page[i]))
			return;
	if (force)
		got = write ? pwrite(w->mem, e.bytes, e.length, at) :
			      pread(w->mem, e.bytes, e.length, at);
	else
		got = write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0) :
			      process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	if (got != (want ? (ssize_t)want : -1))
		fail(w, "%zd bytes of %u were transferred, not %u (%s)", got, e.length,
		     want, got < 0 ? strerrorname_np(errno) : "no error");
	transferred(w, &e, want, write);
}

static void vm_readv(struct world *w, const struct step *s)
{
	transfer(w, s, false, false);
}

static void vm_writev(struct world *w, const struct step *s)
{
	transfer(w, s, true, false);
}

static void mem_read(struct world *w, const struct step *s)
{
	transfer(w, s, false, true);
}

static void mem_write(struct world *w, const struct step *s)
{
	transfer(w, s, true, true);
}

/* Into a pipe by reference, or out of it by copy. */
static void through_pipe(struct world *w, const struct step *s, bool write)
{
	struct extent e = extent(s, 1 + s->value / PAGE % TRANSFER);
	int prot = write ? PROT_WRITE : PROT_READ, fd[2];
	unsigned int want = reachable(w, &e, prot, true);
	struct iovec memory = { address(w, e.page) + e.offset, want ?: 1 };
	ssize_t got;

	CHECK(!pipe(fd));
	if (write) {
		CHECK_EQ(vmsplice(fd[1], &(struct iovec){ e.bytes, e.length }, 1, 0),
			 e.length);
		got = read(fd[0], memory.iov_base, memory.iov_len);
	} else {
		got = vmsplice(fd[1], &memory, 1, 0);
		if (got > 0)
			CHECK_EQ(read(fd[0], e.bytes, got), got);
	}
	if (got != (want ? (ssize_t)want : -1))
		fail(w, "%zd bytes went through a pipe, not %u (%s)", got, want,
		     got < 0 ? strerrorname_np(errno) : "no error");
	transferred(w, &e, want, write);
	close(fd[0]);
	close(fd[1]);
}

static void pipe_from(struct world *w, const struct step *s)
{
	through_pipe(w, s, false);
}

static void pipe_to(struct world *w, const struct step *s)
{
	through_pipe(w, s, true);
}

/* ---- advice and locks ---- */

/* The advice on a run of pages that agree in these flags; returns how many. */
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

static void dontneed(struct world *w, const struct step *s)
{
	drop(w, s, advise(w, s, MADV_DONTNEED, LOCKED, LOCKED));
}

static void dontneed_locked(struct world *w, const struct step *s)
{
	drop(w, s, advise(w, s, MADV_DONTNEED_LOCKED, 0, 0));
}

static void advise_free(struct world *w, const struct step *s)
{
	unsigned int n = advise(w, s, MADV_FREE, LOCKED, LOCKED);

	for (unsigned int i = s->page; i < s->page + n; i++) {
		w->page[i].flags &= ~TRACKED;
		if (w->page[i].held != EMPTY)
			w->page[i].flags |= FREED;
	}
}

static void pageout(struct world *w, const struct step *s)
{
	advise(w, s, MADV_PAGEOUT, LOCKED, LOCKED);
}

static void cold(struct world *w, const struct step *s)
{
	advise(w, s, MADV_COLD, LOCKED, LOCKED);
}

static void set_flag(struct world *w, const struct step *s, unsigned int n,
		     unsigned int set, unsigned int clear)
{
	for (unsigned int i = s->page; i < s->page + n; i++)
		w->page[i].flags = (w->page[i].flags & ~clear) | set;
}

static void wipeonfork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_WIPEONFORK, 0, 0), WIPE, 0);
}

static void keeponfork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_KEEPONFORK, 0, 0), 0, WIPE);
}

static void dontfork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_DONTFORK, 0, 0), NOFORK, 0);
}

static void dofork(struct world *w, const struct step *s)
{
	set_flag(w, s, advise(w, s, MADV_DOFORK, 0, 0), 0, NOFORK);
}

/* Those that neither populate nor empty a page. */
static void hint(struct world *w, const struct step *s)
{
	static const int hints[] = {
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_SEQUENTIAL, MADV_RANDOM,
		MADV_NORMAL, MADV_WILLNEED, MADV_DONTDUMP, MADV_DODUMP,
	};

	advise(w, s, hints[s->value % (sizeof(hints) / sizeof(*hints))], 0, 0);
}

static void hugepage(struct world *w, const struct step *s)
{
	advise(w, s, MADV_HUGEPAGE, 0, 0);
}

static void nohugepage(struct world *w, const struct step *s)
{
	advise(w, s, MADV_NOHUGEPAGE, 0, 0);
}

/* A huge page was asked for by name: what it adds is populated, if there was one. */
static void collapse(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);
	long ret = madvise(address(w, s->page), (n ?: 1) * PAGE, MADV_COLLAPSE);

	if (ret && errno != (n ? EINVAL : ENOMEM) && errno != EAGAIN && errno != EBUSY &&
	    errno != ENOMEM)
		fail(w, "MADV_COLLAPSE gives %s", strerrorname_np(errno));
	if (n < PMD_PAGES || s->page % PMD_PAGES)
		return;
	for (unsigned int i = s->page; i < s->page + PMD_PAGES; i++)
		if (w->page[i].held == EMPTY)
			w->page[i].held = ret ? MAYBE : HELD;
}

static void advise_populate(struct world *w, const struct step *s, int advice, int prot)
{
	unsigned int n = uniform(w, s->page, s->n, true, 0);
	int error = !n ? ENOMEM : w->page[s->page].prot & prot ? 0 : EINVAL;

	expect(w, "madvise", madvise(address(w, s->page), (n ?: 1) * PAGE, advice), error);
	for (unsigned int i = s->page; !error && i < s->page + n; i++)
		model_touch(w, i, prot & PROT_WRITE, 0, NULL, 0);
}

static void populate_read(struct world *w, const struct step *s)
{
	advise_populate(w, s, MADV_POPULATE_READ, PROT_READ);
}

static void populate_write(struct world *w, const struct step *s)
{
	advise_populate(w, s, MADV_POPULATE_WRITE, PROT_WRITE);
}

static void lock(struct world *w, const struct step *s)
{
	unsigned int n = uniform(w, s->page, s->n, true, 0);
	int error = n && w->page[s->page].prot ? 0 : ENOMEM;

	expect(w, "mlock", mlock(address(w, s->page), (n ?: 1) * PAGE), error);
	set_flag(w, s, n, LOCKED, ONFAULT);
	populate(w, s->page, n);
}

static void lock_onfault(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);

	expect(w, "mlock2", mlock2(address(w, s->page), (n ?: 1) * PAGE, MLOCK_ONFAULT),
	       n ? 0 : ENOMEM);
	set_flag(w, s, n, LOCKED | ONFAULT, 0);
}

static void unlock(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);

	expect(w, "munlock", munlock(address(w, s->page), (n ?: 1) * PAGE),
	       n ? 0 : ENOMEM);
	set_flag(w, s, n, 0, LOCKED | ONFAULT);
}

static void in_core(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);
	unsigned char vec[ARENA_PAGES];

	expect(w, "mincore", mincore(address(w, s->page), (n ?: 1) * PAGE, vec),
	       n ? 0 : ENOMEM);
	for (unsigned int i = 0; i < n; i++) {
		const struct page_model *page = &w->page[s->page + i];

		if (vec[i] & 1 && surely_empty(page))
			fail(w, "mincore finds page %u, which was not touched", s->page + i);
	}
}

/* ---- nodes ---- */

static bool two_nodes(void)
{
	return !access("/sys/devices/system/node/node1", F_OK);
}

static void bind_node(struct world *w, const struct step *s)
{
	unsigned long mask = 1UL << (s->value & 1);
	unsigned int n = mapped_run(w, s);

	if (!two_nodes() || !n)
		return;
	expect(w, "mbind", syscall(SYS_mbind, address(w, s->page), n * PAGE, MPOL_BIND,
				   &mask, 64, MPOL_MF_MOVE), 0);
}

static void migrate(struct world *w, const struct step *s)
{
	unsigned int n = least(mapped_run(w, s), 8);
	int node[8], status[8];
	void *pages[8];

	if (!two_nodes() || !n)
		return;
	for (unsigned int i = 0; i < n; i++) {
		pages[i] = address(w, s->page + i);
		node[i] = s->value >> i & 1;
	}
	if (syscall(SYS_move_pages, 0, n, pages, node, status, MPOL_MF_MOVE) < 0)
		fail(w, "move_pages gives %s", strerrorname_np(errno));
	for (unsigned int i = 0; i < n; i++) {
		const struct page_model *page = &w->page[s->page + i];

		if (surely_empty(page) && status[i] != -ENOENT)
			fail(w, "move_pages: page %u has status %d, not ENOENT",
			     s->page + i, status[i]);
	}
}

/* ---- userfaultfd, which forked children do not have ---- */

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
	struct uffdio_register range = {
		.range = { (uintptr_t)address(w, s->page), n * PAGE },
		.mode = mode,
	};

	if (!n || w->page[s->page].flags & UFFD & ~flag || !has_fill(w))
		return;
	expect(w, "UFFDIO_REGISTER", ioctl(w->uffd, UFFDIO_REGISTER, &range), 0);
	set_flag(w, s, n, flag, 0);
}

static void fill_missing(struct world *w, const struct step *s)
{
	enlist(w, s, MISSING, UFFDIO_REGISTER_MODE_MISSING);
}

static void track_writes(struct world *w, const struct step *s)
{
	enlist(w, s, WP, UFFDIO_REGISTER_MODE_WP);
}

static void dismiss(struct world *w, const struct step *s)
{
	unsigned int n = mapped_run(w, s);

	if (!n || !has_fill(w))
		return;
	expect(w, "UFFDIO_UNREGISTER", range_ioctl(w, UFFDIO_UNREGISTER, s, n), 0);
	set_flag(w, s, n, 0, UFFD | TRACKED);
}

/* Fill one page by hand. */
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
	if (error && (error != EEXIST || surely_empty(page)))
		fail(w, "filling a page gives %s", strerrorname_np(error));
	if (!error && surely_held(page))
		fail(w, "page %u was filled, and was not empty", s->page);
	if (error)
		return;
	memcpy(expected(w, s->page), bytes, PAGE);
	page->held = zero && !page->kind->exact ? MAYBE : HELD;
	page->flags &= ~(FREED | ZERO | TRACKED);
	page->flags |= zero ? ZERO : 0;
}

static void fill_copy(struct world *w, const struct step *s)
{
	fill_page(w, s, false);
}

static void fill_zero(struct world *w, const struct step *s)
{
	fill_page(w, s, true);
}

/* Of which it is sure what is there, and that it is not tracked. */
static bool movable(const struct world *w, unsigned int i)
{
	const struct page_model *page = &w->page[i];

	return page->kind && page->kind->exact && page->prot == RW && page->held != MAYBE &&
	       !(page->flags & (FREED | WP));
}

static void fill_move(struct world *w, const struct step *s)
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
		to->flags |= from->flags & ZERO;
		memcpy(expected(w, s->to + i), expected(w, s->page + i), PAGE);
		model_drop(w, s->page + i);
	}
}

static void writeprotect(struct world *w, const struct step *s)
{
	unsigned int n = uniform(w, s->page, s->n, false, WP);
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)address(w, s->page), n * PAGE },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (!n || !(w->page[s->page].flags & WP) || !has_fill(w))
		return;
	expect(w, "UFFDIO_WRITEPROTECT", ioctl(w->uffd, UFFDIO_WRITEPROTECT, &wp), 0);
	for (unsigned int i = s->page; i < s->page + n; i++) {
		w->page[i].flags &= ~TRACKED;
		if (w->page[i].held != MAYBE && !(w->page[i].flags & FREED))
			w->page[i].flags |= CLEAN;
	}
}

/* Which pages were written, by PAGEMAP_SCAN, which starts anew with all it tells. */
static void scan(struct world *w, const struct step *s)
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
	ret = ioctl(w->pagemap, PAGEMAP_SCAN, &arg);
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
		if (page->flags & CLEAN && written)
			fail(w, "PAGEMAP_SCAN tells that page %u was written", i);
		page->flags &= ~TRACKED;
		if (surely_held(page))
			page->flags |= CLEAN;
	}
}

static void clear_soft_dirty(struct world *, const struct step *)
{
	write_file("/proc/self/clear_refs", "4");
}

/* ---- processes ---- */

static void await(struct world *w, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			fail(w, "waitpid: %s", strerror(errno));
	if (status)
		fail(w, "a child ended with status %#x", status);
}

static void await_children(struct world *w)
{
	for (unsigned int i = 0; i < MAX_CHILDREN; i++) {
		if (w->child[i])
			await(w, w->child[i]);
		w->child[i] = 0;
	}
}

static void reap(struct world *w, const struct step *)
{
	await_children(w);
}

static void run_steps(struct world *w, unsigned int first);

/* The rest of a program, or of a fork's part of it. */
static void finish(struct world *w, unsigned int first)
{
	run_steps(w, first);
	await_children(w);
	check(w, 0, ARENA_PAGES);
	if (!w->depth)
		check_flags(w);
}

static void fork_child(struct world *w, const struct step *)
{
	pid_t *slot = NULL, pid;

	for (unsigned int i = 0; i < MAX_CHILDREN && !slot; i++)
		if (!w->child[i])
			slot = &w->child[i];
	if (!slot) {
		await_children(w);
		slot = w->child;
	}
	pid = fork();
	if (pid < 0)
		fail(w, "fork: %s", strerror(errno));
	*slot = pid;
	if (pid)
		return;
	memset(w->child, 0, sizeof(w->child));
	w->depth++;
	fill_close(w);
	world_close_proc(w);
	world_open_proc(w);
	model_fork(w);
	check(w, 0, ARENA_PAGES);
	finish(w, w->step + 1);
	_exit(EXIT_SUCCESS);
}

static int write_and_exit(void *arg)
{
	struct world *w = arg;

	sweep(w, &w->program->step[w->step], true);
	return EXIT_SUCCESS;
}

/* A child that shares the memory writes to it while its parent waits. */
static void vm_child(struct world *w, const struct step *)
{
	pid_t pid = clone(write_and_exit, w->stack + 64 * KIB,
			  CLONE_VM | CLONE_VFORK | SIGCHLD, w);

	if (pid < 0)
		fail(w, "clone: %s", strerror(errno));
	await(w, pid);
}

static void weather(struct world *, const struct step *s)
{
	weather_change(s->value);
}

#define OP(op_name, op_run, op_weight, ...)	\
	{ .name = op_name, .run = op_run, .weight = op_weight, __VA_ARGS__ }

const struct op ops[] = {
	OP("tamalloc", region, 40, .span = LONG),
	OP("mmap", neighbour, 30),
	OP("munmap", unmap, 25, .span = LONG),
	OP("mremap move", move, 20, .span = LONG, .has_target = true),
	OP("mremap move and grow", move_and_grow, 10, .has_target = true),
	OP("mremap dontunmap", move_dontunmap, 15, .span = LONG, .has_target = true),
	OP("mremap grow", grow, 15),
	OP("mremap shrink", shrink, 8),
	OP("mprotect none", protect_none, 6, .span = LONG),
	OP("mprotect read", protect_read, 8, .span = LONG),
	OP("mprotect write", protect_write, 40, .span = LONG),
	OP("read", read_access, 60),
	OP("write", write_access, 100),
	OP("read each", sweep_read, 40),
	OP("write each", sweep_write, 50),
	OP("process_vm_readv", vm_readv, 15),
	OP("process_vm_writev", vm_writev, 15),
	OP("/proc/self/mem read", mem_read, 12),
	OP("/proc/self/mem write", mem_write, 12),
	OP("vmsplice", pipe_from, 10),
	OP("read from pipe", pipe_to, 10),
	OP("madvise dontneed", dontneed, 25, .span = LONG),
	OP("madvise dontneed_locked", dontneed_locked, 6),
	OP("madvise free", advise_free, 15),
	OP("madvise pageout", pageout, 30, .span = LONG),
	OP("madvise cold", cold, 8, .span = LONG),
	OP("madvise wipeonfork", wipeonfork, 10),
	OP("madvise keeponfork", keeponfork, 8, .span = LONG),
	OP("madvise dontfork", dontfork, 5),
	OP("madvise dofork", dofork, 8, .span = LONG),
	OP("madvise hint", hint, 16, .span = LONG),
	OP("madvise hugepage", hugepage, 12, .span = LONG),
	OP("madvise nohugepage", nohugepage, 4, .span = LONG),
	OP("madvise collapse", collapse, 3, .span = HUGE_ALIGNED),
	OP("madvise populate_read", populate_read, 12),
	OP("madvise populate_write", populate_write, 12),
	OP("mlock", lock, 12),
	OP("mlock2 onfault", lock_onfault, 10, .span = LONG),
	OP("munlock", unlock, 25, .span = LONG),
	OP("mincore", in_core, 8, .span = LONG),
	OP("mbind", bind_node, 6, .span = LONG),
	OP("move_pages", migrate, 8),
	OP("userfaultfd missing", fill_missing, 16),
	OP("userfaultfd wp_async", track_writes, 16),
	OP("userfaultfd unregister", dismiss, 10, .span = LONG),
	OP("UFFDIO_COPY", fill_copy, 8),
	OP("UFFDIO_ZEROPAGE", fill_zero, 8),
	OP("UFFDIO_MOVE", fill_move, 15, .has_target = true),
	OP("UFFDIO_WRITEPROTECT", writeprotect, 12, .span = LONG),
	OP("PAGEMAP_SCAN", scan, 20, .span = LONG),
	OP("clear soft-dirty", clear_soft_dirty, 4),
	OP("fork", fork_child, 12, .forks = true),
	OP("wait", reap, 6),
	OP("vfork and write each", vm_child, 8),
	OP("weather", weather, 12),
};

const unsigned int op_count = sizeof(ops) / sizeof(*ops);

static void check_around(struct world *w, unsigned int from, unsigned int n)
{
	unsigned int end = from + n + MARGIN;

	check(w, from > MARGIN ? from - MARGIN : 0, least(end, ARENA_PAGES));
}

static void run_steps(struct world *w, unsigned int first)
{
	for (unsigned int i = first; i < STEPS; i++) {
		const struct step *s = &w->program->step[i];

		if (s->depth < w->depth)
			break;
		if (s->depth > w->depth || (w->keep && !w->keep[i]))
			continue;
		w->step = i;
		if (w->trace)
			print_step(stderr, w->program, i);
		ops[s->op].run(w, s);
		if (w->thorough || i % CHECK_ALL_EVERY == 0) {
			check(w, 0, ARENA_PAGES);
			continue;
		}
		check_around(w, s->page, s->n);
		if (ops[s->op].has_target)
			check_around(w, s->to, s->m);
	}
}

void run_program(struct world *w, const struct program *program, const bool *keep)
{
	w->program = program;
	w->keep = keep;
	finish(w, 0);
	world_clear(w);
}
