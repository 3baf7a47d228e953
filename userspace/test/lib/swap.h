/* SPDX-License-Identifier: GPL-2.0 */
/* Devices to swap to: zram, and the disk of scripts/boot --disk, with or without zswap. */
#ifndef SWAP_H
#define SWAP_H

#include <stdbool.h>
#include <stddef.h>

/* ANY_SWAP: the disk if there is one, else zram; zswap stays as it is. */
enum swap_device { ANY_SWAP, ZRAM, DISK, ZSWAP };

bool has_swap_disk(void);
/* The test fails, or is skipped if it would take ANY_SWAP and there is none. */
void start_swap(enum swap_device device);
/* swapoff(2), which brings back what was swapped out. */
void stop_swap(void);

/*
 * MADV_PAGEOUT. By itself it passes over pages that another CPU has not put on the LRU lists yet,
 * as it is with some of the last if the task has moved since it touched them.
 */
void page_out(void *start, size_t size);

/* For a program that does without where it has to; errno says why. Leaves zswap alone. */
bool try_swap(enum swap_device device);

/*
 * Whether folios are swapped as a whole. Where not (arm64's larger pages), they are split first,
 * and nothing is kept of a page that is all zeroes.
 */
bool swaps_folios(void);

#endif /* SWAP_H */
