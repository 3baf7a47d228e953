/* SPDX-License-Identifier: GPL-2.0 */
/* A device to swap to: the disk that scripts/boot --disk gives, else zram. */
#ifndef SWAP_DEVICE_H
#define SWAP_DEVICE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/swap.h>
#include <unistd.h>

#include "mem.h"
#include "settings.h"
#include "tap.h"

#define SWAP_DISK	"/dev/vda"
#define SWAP_ZRAM	"/dev/zram0"
#define ZRAM_BYTES	(512 * MIB)

static inline bool has_swap_disk(void)
{
	return !access(SWAP_DISK, W_OK);
}

static inline const char *swap_device(void)
{
	return has_swap_disk() ? SWAP_DISK : SWAP_ZRAM;
}

static inline void stop_swap(void)
{
	swapoff(swap_device());
	if (!has_swap_disk())
		write_file("/sys/block/zram0/reset", "1");
}

/* What mkswap(8) writes: version, last page and a signature at the end. */
static inline void make_swap(const char *device)
{
	char *header = plain(page);
	uint32_t *info = (void *)(header + 1024);
	int fd = open(device, O_RDWR);
	off_t bytes = lseek(fd, 0, SEEK_END);

	CHECK(bytes > 0);
	info[0] = 1;
	info[1] = bytes / page - 1;
	memcpy(header + page - 10, "SWAPSPACE2", 10);
	CHECK_EQ(pwrite(fd, header, page, 0), page);
	CHECK(!fsync(fd));
	close(fd);
	munmap(header, page);
}

static inline void start_swap(void)
{
	const char *device = swap_device();
	char size[32];

	if (access(device, W_OK))
		tap_skip("there is neither " SWAP_DISK " nor " SWAP_ZRAM " to swap to");
	stop_swap();
	if (!has_swap_disk()) {
		snprintf(size, sizeof(size), "%lu", ZRAM_BYTES);
		write_file("/sys/block/zram0/disksize", size);
	}
	make_swap(device);
	CHECK(!swapon(device, 0));
}

#endif /* SWAP_DEVICE_H */
