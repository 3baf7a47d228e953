/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A window of which more than half was touched, which is what made it, but not all. Whatever a row
 * does to it, the pages that nobody has touched must not count as evidence: the touch behind the
 * window then fills one page. The helpers that touch ranges spare these pages.
 */
#ifndef HALF_H
#define HALF_H

#include <stdbool.h>
#include <stddef.h>

/* Touch memory at @p so that its first half is such a window, if it is the first of SIZE bytes. */
char *half_touched(char *p, size_t size);
/* Whether the page is one of the window's that nobody has touched, or behind it. */
bool spared(const char *p);
/* Pages of the window that have been touched, if it is strict memory. */
size_t half_resident(void);
/* How many pages the touch behind the window fills, or 0 if the row has left nothing to touch. */
size_t half_filled_behind(void);

#endif /* HALF_H */
