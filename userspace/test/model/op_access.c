// SPDX-License-Identifier: GPL-2.0
/* Loads and stores, and calls by which the kernel reads and writes for a program. */
#include <fcntl.h>
#include <sys/uio.h>

#include "op.h"
#include "tap.h"

#define TRANSFER	(12 * KIB)	/* one call, at most */

/* Bytes at an offset into the first page of a step, and the pages they lie in. */
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
 * How many bytes from the start lie in pages that are mapped with this protection and,
 * unless @may_wait, do not wait for userfaultfd.
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

/* An observer reads zeroes where a region is empty, and leaves it so. */
static bool is_observed(const struct world *w, unsigned int i, const char *bytes, unsigned int length)
{
	const struct page_model *page = &w->page[i];

	if (page->kind == PLAIN || page->flags & UFFD || !surely_empty(page))
		return false;
	for (unsigned int at = 0; at < length; at++)
		if (bytes[at])
			fail(w, "page %u: an observer sees something in an empty page", i);
	return true;
}

/*
 * Tells the model that the first @length bytes were written, or read into e->bytes, by the
 * program or from @outside.
 */
static void transferred(struct world *w, struct extent *e, unsigned int length,
			bool write, bool outside)
{
	for (unsigned int done = 0, n; done < length; done += n) {
		unsigned int at = e->offset + done, i = e->page + at / PAGE;

		n = least(length - done, PAGE - at % PAGE);
		if (outside && !write) {
			uint8_t held = w->page[i].held;

			if (is_observed(w, i, e->bytes + done, n))
				continue;
			model_touch(w, i, false, at % PAGE, e->bytes + done, 0);
			/* The model itself has read it, if it may; behind a marker of userfaultfd it has come. */
			if (w->page[i].kind != PLAIN && !(w->page[i].prot & PROT_READ) &&
			    !(w->page[i].flags & MISSING))
				w->page[i].held = held == EMPTY ? MAYBE : held;
			else if (w->page[i].flags & WP && held == EMPTY)
				w->page[i].held = MAYBE;
		} else {
			model_touch(w, i, write, at % PAGE, e->bytes + done, write ? n : 0);
		}
		if (!write && !(w->page[i].flags & FREED) &&
		    memcmp(e->bytes + done, expected(w, i) + at % PAGE, n))
			fail(w, "page %u: a read returned other bytes than it holds", i);
	}
}

/* A signal stopped an access of several pages: those that allow it may be touched now. */
static void perhaps_touched(struct world *w, const struct extent *e, int prot)
{
	for (unsigned int i = e->page; i < e->page + e->pages; i++)
		if (w->page[i].kind && (w->page[i].prot & prot) == prot)
			model_perhaps_touch(w, i);
}

static void access_memory(struct world *w, const struct step *s, bool write)
{
	static const unsigned int widths[] = { 1, 2, 4, 8, 8, 3, 64, 4096 };
	struct extent e = extent(s, widths[s->value >> 16 & 7]);
	int prot = write ? PROT_WRITE : PROT_READ;
	bool allowed, done;

	/* What a memcpy() has done when a signal stops it is undefined. */
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
		     done ? "did not fault, but must" : "got a signal");
	if (done)
		transferred(w, &e, e.length, write, false);
	else
		perhaps_touched(w, &e, prot);
}

void read_access(struct world *w, const struct step *s)
{
	access_memory(w, s, false);
}

void write_access(struct world *w, const struct step *s)
{
	access_memory(w, s, true);
}

void sweep(struct world *w, const struct step *s, bool write)
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
			fail(w, "page %u: a read returned other bytes than it holds", i);
	}
}

void sweep_read(struct world *w, const struct step *s)
{
	sweep(w, s, false);
}

void sweep_write(struct world *w, const struct step *s)
{
	sweep(w, s, true);
}

/*
 * By the kernel: as many bytes as lie before the first page that forbids it. With
 * FOLL_FORCE it does not wait for userfaultfd.
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
		fail(w, "%zd of %u bytes were transferred, not %u (%s)", got, e.length,
		     want, got < 0 ? strerrorname_np(errno) : "no error");
	transferred(w, &e, want, write, true);
}

void vm_readv(struct world *w, const struct step *s)
{
	transfer(w, s, false, false);
}

void vm_writev(struct world *w, const struct step *s)
{
	transfer(w, s, true, false);
}

void mem_read(struct world *w, const struct step *s)
{
	transfer(w, s, false, true);
}

void mem_write(struct world *w, const struct step *s)
{
	transfer(w, s, true, true);
}

/* Into a pipe by reference, or out of one by copy. */
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
	transferred(w, &e, want, write, false);
	close(fd[0]);
	close(fd[1]);
}

void pipe_from(struct world *w, const struct step *s)
{
	through_pipe(w, s, false);
}

void pipe_to(struct world *w, const struct step *s)
{
	through_pipe(w, s, true);
}
