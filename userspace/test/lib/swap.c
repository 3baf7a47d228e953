// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <sys/swap.h>
#include <unistd.h>

#include "mem.h"
#include "pages.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"

#define DISK_PATH	"/dev/vda"
#define ZRAM_PATH	"/dev/zram0"
#define ZRAM_DIR	"/sys/block/zram0/"
#define ZRAM_SIZE	"512M"
#define ZSWAP_ENABLED	"/sys/module/zswap/parameters/enabled"

bool has_swap_disk(void)
{
	return !access(DISK_PATH, W_OK);
}

static bool is_zram(enum swap_device device)
{
	return device == ZRAM || (device == ANY_SWAP && !has_swap_disk());
}

/* What mkswap(8) writes: version, last page and a signature at the end. */
static bool write_header(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t bytes = lseek(fd, 0, SEEK_END);
	char *header = plain(page);
	uint32_t *info = (void *)(header + 1024);
	bool ok;

	info[0] = 1;
	info[1] = bytes / page - 1;
	memcpy(header + page - 10, "SWAPSPACE2", 10);
	ok = bytes > 0 && pwrite(fd, header, page, 0) == (ssize_t)page && !fsync(fd);
	close(fd);
	munmap(header, page);
	return ok;
}

/* A test that ended early may have left a device on. */
static void stop_all(void)
{
	swapoff(DISK_PATH);
	swapoff(ZRAM_PATH);
	if (!access(ZRAM_DIR "reset", W_OK))
		write_file(ZRAM_DIR "reset", "1");
}

bool try_swap(enum swap_device device)
{
	const char *path = is_zram(device) ? ZRAM_PATH : DISK_PATH;

	stop_all();
	if (access(path, W_OK))
		return false;
	if (is_zram(device))
		write_file(ZRAM_DIR "disksize", ZRAM_SIZE);
	return write_header(path) && !swapon(path, 0);
}

void start_swap(enum swap_device device)
{
	if (device == ANY_SWAP && !has_swap_disk() && access(ZRAM_PATH, W_OK))
		tap_skip("there is neither " DISK_PATH " nor " ZRAM_PATH " to swap to");
	if (device != ANY_SWAP)
		set(ZSWAP_ENABLED, device == ZSWAP ? "1" : "0");
	if (!try_swap(device))
		tap_fail(__FILE__, __LINE__, "cannot swap to %s: %s",
			 is_zram(device) ? ZRAM_PATH : DISK_PATH, strerror(errno));
}

void stop_swap(void)
{
	CHECK(!swapoff(DISK_PATH) || !swapoff(ZRAM_PATH));
	stop_all();
}

void page_out(void *start, size_t size)
{
	/* Makes all CPUs put them there. */
	write_file("/proc/sys/vm/drop_caches", "1");
	CHECK(!madvise(start, size, MADV_PAGEOUT));
}

bool swaps_folios(void)
{
	return page == 4 * KIB;
}
