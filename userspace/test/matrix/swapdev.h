/* SPDX-License-Identifier: GPL-2.0 */
/* Swap devices of the guest: zram, and the disk with or without zswap in front. */
#ifndef SWAPDEV_H
#define SWAPDEV_H

enum swap_device { ZRAM, DISK, ZSWAP };

void start_swap(enum swap_device device);
void stop_swap(enum swap_device device);

#endif /* SWAPDEV_H */
