// SPDX-License-Identifier: GPL-2.0
/* Safely Allowed Drop. */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/*
 * A reference to a page goes if, between the last one to it that stays and the next one, fewer
 * than @frames other pages are referenced: every memory of that size holds the page throughout.
 */
void reduce(const struct trace *from, unsigned int frames, struct trace *to)
{
	struct page {
		size_t kept, last;	/* its last reference that stays, its last one; from 1 */
		uint32_t newer, older;	/* in the order of last references; page + 1 */
	} *pages = allocate(from->count, sizeof(*pages));
	char *dropped = allocate(from->length, 1);
	uint32_t newest = 0;

	for (size_t t = 1; t <= from->length; t++) {
		uint32_t page = page_of(from->refs[t - 1]);
		struct page *this = &pages[page];

		if (this->kept && this->kept != this->last) {
			unsigned int others = 0;

			for (uint32_t i = newest; i && others < frames; i = pages[i - 1].older) {
				if (pages[i - 1].last <= this->kept)
					break;
				others += i - 1 != page;
			}
			if (others < frames)
				dropped[this->last - 1] = 1;
			else
				this->kept = this->last;
		}
		if (!this->kept)
			this->kept = t;
		this->last = t;
		if (newest == page + 1)
			continue;
		if (this->newer)
			pages[this->newer - 1].older = this->older;
		if (this->older)
			pages[this->older - 1].newer = this->newer;
		if (newest)
			pages[newest - 1].newer = page + 1;
		this->older = newest;
		this->newer = 0;
		newest = page + 1;
	}

	memset(to, 0, sizeof(*to));
	to->reduced = frames > from->reduced ? frames : from->reduced;
	to->count = from->count;
	to->pages = allocate(from->count, sizeof(*to->pages));
	memcpy(to->pages, from->pages, from->count * sizeof(*to->pages));
	for (size_t t = 0; t < from->length; t++)
		to->length += !dropped[t];
	to->refs = allocate(to->length, sizeof(*to->refs));
	to->length = 0;
	for (size_t t = 0; t < from->length; t++) {
		if (!dropped[t])
			to->refs[to->length++] = from->refs[t];
	}
	free(dropped);
	free(pages);
}
