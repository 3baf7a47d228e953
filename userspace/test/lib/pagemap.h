/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/self/pagemap: what is at each page of this process. */
#ifndef PAGEMAP_H
#define PAGEMAP_H

#include <stddef.h>
#include <stdint.h>

#define PM_PRESENT	(1ULL << 63)
#define PM_SWAPPED	(1ULL << 62)	/* so are userfaultfd's markers */
#define PM_FILE		(1ULL << 61)
#define PM_UFFD_WP	(1ULL << 57)
#define PM_EXCLUSIVE	(1ULL << 56)
#define PM_SOFT_DIRTY	(1ULL << 55)
#define PM_FRAME	(PM_SOFT_DIRTY - 1)	/* if present */
#define PM_SWAP_TYPE	31ULL			/* if swapped */
#define PM_POPULATED	(PM_PRESENT | PM_SWAPPED)

/* The file, which each thread opens once; also of a child by fork(). */
int pagemap_fd(void);
/* One entry, and those of @pages pages. */
uint64_t pagemap(const void *addr);
void pagemap_read(const void *start, uint64_t *entry, size_t pages);

/* Pages of the range that are present or swapped out; that are swapped out. */
size_t resident(const void *start, size_t bytes);
size_t in_swap(const void *start, size_t bytes);

/* Pages of the folio that the page is of; the folio has to be mapped as a whole, in order. */
size_t folio_pages(const char *addr);

#endif /* PAGEMAP_H */
