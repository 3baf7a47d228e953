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

#endif /* PAGES_H */
