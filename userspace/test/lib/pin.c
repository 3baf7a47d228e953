// SPDX-License-Identifier: GPL-2.0
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pin.h"
#include "tap.h"

int pin(void *start, size_t bytes)
{
	struct io_uring_params params = {};
	struct iovec range = { start, bytes };
	int ring = syscall(SYS_io_uring_setup, 1, &params), error;

	CHECK(ring >= 0);
	if (!syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &range, 1))
		return ring;
	error = errno;
	close(ring);
	errno = error;
	return -1;
}
