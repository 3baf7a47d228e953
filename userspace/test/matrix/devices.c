// SPDX-License-Identifier: GPL-2.0
/* Pages that a device reads and writes: O_DIRECT and fixed buffers of io_uring. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/uio.h>

#include "matrix.h"

#define DISK "/dev/vda"

static int open_disk(void)
{
	int fd = open(DISK, O_RDWR | O_DIRECT);

	if (fd < 0)
		tap_fail(__FILE__, __LINE__, "no " DISK ": boot with --disk (%s)", strerror(errno));
	return fd;
}

/* Writes what fill() writes, or zeroes, to the disk. */
static void prepare_disk(int fd, bool filled)
{
	char *p = plain(SIZE);

	memset(p, 0, SIZE);
	if (filled)
		fill(p, PAGES);
	CHECK_EQ(pwrite(fd, p, SIZE, 0), SIZE);
}

static bool disk_holds(int fd, const char *p)
{
	char *copy = plain(SIZE);

	CHECK_EQ(pread(fd, copy, SIZE, 0), SIZE);
	return !memcmp(p, copy, SIZE);
}

static void direct_read(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int fd = open_disk();

	prepare_disk(fd, true);
	if (cell->arg)
		read_all(p, PAGES);
	say_outcome(NULL, pread(fd, p, SIZE, 0));
	say_pages(p, PAGES);
}

static void direct_write(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int fd = open_disk();

	prepare_disk(fd, !cell->arg);
	if (cell->arg)
		fill(p, PAGES);
	say_outcome(NULL, pwrite(fd, p, SIZE, 0));
	say("%ld resident", usage(p, PAGES, "Rss"));
	say(disk_holds(fd, p) ? "on disk" : "NOT on disk");
}

/* A ring of one entry: all that one transfer needs. */
struct ring {
	int fd;
	unsigned int *tail, *head, *array;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;
	unsigned int *cq_head;
};

static struct ring make_ring(void *buffer)
{
	struct io_uring_params params = {};
	struct iovec range = { buffer, SIZE };
	struct ring ring = { .fd = syscall(SYS_io_uring_setup, 1, &params) };
	char *sq, *cq;

	CHECK(ring.fd >= 0);
	sq = mmap(NULL, params.sq_off.array + 4096, RW, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + 4096, RW, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.entry = mmap(NULL, 4096, RW, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && cq != MAP_FAILED && ring.entry != MAP_FAILED);
	ring.tail = (void *)(sq + params.sq_off.tail);
	ring.array = (void *)(sq + params.sq_off.array);
	ring.done = (void *)(cq + params.cq_off.cqes);
	ring.head = (void *)(cq + params.cq_off.tail);
	ring.cq_head = (void *)(cq + params.cq_off.head);
	if (!say_outcome("register", syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &range, 1)))
		tap_fail(__FILE__, __LINE__, "no fixed buffer: %s", strerror(errno));
	return ring;
}

static long transfer(struct ring *ring, int op, int fd, void *buffer)
{
	unsigned int tail = *ring->tail;

	*ring->entry = (struct io_uring_sqe) {
		.opcode = op, .fd = fd, .addr = (uintptr_t)buffer, .len = SIZE, .buf_index = 0,
	};
	ring->array[0] = 0;
	__atomic_store_n(ring->tail, tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), 1);
	errno = -ring->done[*ring->cq_head & 1].res;
	return ring->done[(*ring->cq_head)++ & 1].res;
}

static void fixed_read(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct ring ring = make_ring(p);
	int fd = open_disk();

	say("%ld resident", usage(p, PAGES, "Rss"));
	prepare_disk(fd, true);
	say_outcome("read", transfer(&ring, IORING_OP_READ_FIXED, fd, p));
	say_pages(p, PAGES);
}

static void fixed_write(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct ring ring = make_ring(p);
	int fd = open_disk();

	prepare_disk(fd, false);
	fill(p, PAGES);
	say_outcome("write", transfer(&ring, IORING_OP_WRITE_FIXED, fd, p));
	say(disk_holds(fd, p) ? "on disk" : "NOT on disk");
}

static void look(void *p)
{
	say("child: %s", contents(p, PAGES));
	write_all(p, PAGES);
}

/* fork copies pinned pages for the child; the parent keeps them. */
static void pinned_fork(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct ring ring;
	long taken;
	int fd = open_disk();

	prepare_disk(fd, true);
	fill(p, PAGES);
	ring = make_ring(p);
	CHECK(!child(look, p));
	taken = faults();
	memset(p, 0, SIZE);
	say("%ld faults to write", faults() - taken);
	say_outcome("read", transfer(&ring, IORING_OP_READ_FIXED, fd, p));
	say_pages(p, PAGES);
}

/* The device keeps what is pinned, whatever happens to the mapping. */
static void pinned_dropped(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct ring ring = make_ring(p);
	int fd = open_disk();

	prepare_disk(fd, true);
	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	say("%ld resident", usage(p, PAGES, "Rss"));
	say_outcome("read", transfer(&ring, IORING_OP_READ_FIXED, fd, p));
	write_all(p, PAGES);
	say("%ld resident, rest %s", usage(p, PAGES, "Rss"), all_zero(p + 8, page - 8) ? "zero" : "NOT zero");
}

static void pinned_pageout(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct ring ring = make_ring(p);
	int fd = open_disk();

	prepare_disk(fd, true);
	CHECK(!madvise(p, SIZE, MADV_PAGEOUT));
	say_outcome("read", transfer(&ring, IORING_OP_READ_FIXED, fd, p));
	say_pages(p, PAGES);
}

const struct row device_rows[] = {
	{ "O_DIRECT read into untouched pages", direct_read, 0 },
	{ "O_DIRECT read into pages only read", direct_read, 1 },
	{ "O_DIRECT write of written pages", direct_write, 1 },
	{ "O_DIRECT write of untouched pages", direct_write, 0, READ_POPULATES },
	{ "io_uring fixed buffer, untouched, read into", fixed_read },
	{ "io_uring fixed buffer, untouched, filled and written", fixed_write },
	{ "io_uring fixed buffer, then fork, then read into", pinned_fork },
	{ "io_uring fixed buffer, then MADV_DONTNEED, then read into", pinned_dropped },
	{ "io_uring fixed buffer, then MADV_PAGEOUT, then read into", pinned_pageout },
	{}
};
