/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reference string: the pages that a program accesses, in order. Of several accesses to one
 * page with no other page between them one is kept; its kind is the strongest of theirs.
 *
 * On disk and in pipes, after one line that says "tamref 1" or "tamref 1 reduced K", there
 * are numbers in LEB128 (seven bits a byte, the lowest first, bit 7 set in all but the last):
 *
 *	INDEX << 2 | KIND	a reference; pages are numbered in the order of their first
 *	PAGE			follows the first reference of each page: its address / 4096
 *	3			the end; a trace without it was cut off
 *
 * Most references take one or two bytes. Text is read too: page numbers, with blanks or commas
 * between them.
 */
#ifndef LAB_TRACE_H
#define LAB_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_MAGIC	"tamref 1"
#define TRACE_END	3
#define TRACE_SHIFT	12	/* of the pages' addresses */

enum kind { FETCH, READ, WRITE };

struct trace {
	uint32_t *refs;		/* index of the page << 2 | kind */
	size_t length;
	uint64_t *pages;	/* the number of each page */
	uint32_t count;		/* of pages */
	unsigned int reduced;	/* faults are right from this many frames on; 0: the full string */
	size_t room, page_room;
};

static inline uint32_t page_of(uint32_t ref)
{
	return ref >> 2;
}

/* The message for people, then exit 125. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *allocate(size_t count, size_t size);

void trace_read(struct trace *trace, FILE *file, const char *name);
void trace_parse(struct trace *trace, const char *text, const char *name);
void trace_write(const struct trace *trace, FILE *file);
/* The same string in pages of 4096 << @shift bytes. */
void trace_coarsen(const struct trace *from, unsigned int shift, struct trace *to);
/* Only its data (reads and writes), or only its fetches. */
void trace_select(const struct trace *from, bool fetches, struct trace *to);
void trace_free(struct trace *trace);

#endif /* LAB_TRACE_H */
