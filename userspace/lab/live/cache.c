// SPDX-License-Identifier: GPL-2.0
/* The page cache: a disk's blocks stay in memory; what is written goes to disk later. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define DISK	"/dev/vda"
#define SIZE	(1 << 20)

struct sectors { unsigned long read, written; };

static struct sectors so_far(void)
{
	struct sectors now;
	FILE *file = fopen("/sys/block/vda/stat", "re");

	if (!file || fscanf(file, "%*u %*u %lu %*u %*u %*u %lu", &now.read, &now.written) != 2)
		fail("/sys/block/vda/stat");
	fclose(file);
	return now;
}

/* What the disk has done since @before. */
static struct sectors show(const char *what, struct sectors before)
{
	struct sectors now = so_far();

	now.read -= before.read;
	now.written -= before.written;
	printf("%-*s %6lu %8lu\n", PADDED(24, what), now.read, now.written);
	return now;
}

void run_cache(void)
{
	char *buffer = malloc(SIZE);
	int fd = open(DISK, O_RDWR | O_CLOEXEC);
	struct sectors before, first, second, write_, sync;

	if (fd < 0)
		fail(DISK);
	/* Readahead goes on after a read has returned, and would count as the second's. */
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (errno)
		fail("posix_fadvise");
	write_file("/proc/sys/vm/drop_caches", "3");
	printf("%-24s %s\n", say("1 MB", "1 MB"), say("sectors read, written", "sectores leídos, escritos"));
	before = so_far();
	if (pread(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	first = show(say("first read", "primera lectura"), before);
	before = so_far();
	if (pread(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	second = show(say("second read", "segunda lectura"), before);
	memset(buffer, 1, SIZE);
	before = so_far();
	if (pwrite(fd, buffer, SIZE, 0) != SIZE)
		fail(DISK);
	write_ = show(say("write", "escritura"), before);
	before = so_far();
	if (fsync(fd))
		fail("fsync");
	sync = show("fsync", before);
	close(fd);
	expect(first.read == SIZE / 512, "the first read comes from the disk");
	expect(second.read == 0, "the second does not");
	expect(write_.written == 0, "a write stays in memory");
	expect(sync.written >= SIZE / 512, "fsync brings it to the disk");
}
