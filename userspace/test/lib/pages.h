/* SPDX-License-Identifier: GPL-2.0 */
/* Sizes: of pages, and in bytes. */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>

#define KIB (1UL << 10)
#define MIB (1UL << 20)
#define GIB (1UL << 30)

extern size_t page;		/* bytes in a page */
extern size_t huge;		/* bytes that one PMD maps */

/* Of adaptive memory, in pages; in brackets for those of 4 KiB. */
#define GROUP	(2 * MIB / page)	/* the largest group (512) */
#define WINDOW	(GROUP / 2)		/* what a walk beyond that fills at a time (256) */
#define TABLE	(huge / page)		/* what a page table maps (512) */

#endif /* PAGES_H */
