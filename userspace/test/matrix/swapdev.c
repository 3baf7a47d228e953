// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/swap.h>

#include "matrix.h"
#include "swapdev.h"

#define BYTES		(192 * MIB)
#define ZRAM_DIR	"/sys/block/zram0/"
#define ZSWAP_ENABLED	"/sys/module/zswap/parameters/enabled"

static const char *path(enum swap_device device)
{
	return device == ZRAM ? "/dev/zram0" : "/dev/vda";
}

/* What mkswap(8) writes: version, last page and a signature at the end. */
static void write_header(enum swap_device device)
{
	char *header = plain(page);
	uint32_t *info = (void *)(header + 1024);
	int fd = open(path(device), O_WRONLY);

	if (fd < 0)
		tap_fail(__FILE__, __LINE__, "no %s to swap to: %s", path(device), strerror(errno));
	info[0] = 1;
	info[1] = BYTES / page - 1;
	memcpy(header + page - 10, "SWAPSPACE2", 10);
	CHECK_EQ(pwrite(fd, header, page, 0), page);
	CHECK(!fsync(fd));
	close(fd);
	CHECK(!munmap(header, page));
}

/* A cell that ended early may have left it on. */
void start_swap(enum swap_device device)
{
	char bytes[32];

	for (enum swap_device d = ZRAM; d <= DISK; d++)
		swapoff(path(d));
	if (device == ZRAM) {
		snprintf(bytes, sizeof(bytes), "%lu", BYTES);
		write_file(ZRAM_DIR "reset", "1");
		write_file(ZRAM_DIR "disksize", bytes);
	}
	set(ZSWAP_ENABLED, device == ZSWAP ? "1" : "0");
	write_header(device);
	CHECK(!swapon(path(device), 0));
}

void stop_swap(enum swap_device device)
{
	CHECK(!swapoff(path(device)));
	if (device == ZRAM)
		write_file(ZRAM_DIR "reset", "1");
}
