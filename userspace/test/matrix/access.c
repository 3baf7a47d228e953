// SPDX-License-Identifier: GPL-2.0
/* Access other than by the owner's own instructions. */
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "matrix.h"

static void by_mincore(const struct cell *cell)
{
	unsigned char in[PAGES];
	char *p = get(cell, SIZE), line[PAGES + 1] = "";

	CHECK(!setresuid(65534, 65534, 65534));
	for (size_t i = 0; i < PAGES; i += 3)
		poke(p + i * page, 1);
	say_outcome(NULL, mincore(p, SIZE, in));
	for (size_t i = 0; i < PAGES; i++)
		line[i] = in[i] & 1 ? '1' : '0';
	say("%s", line);
}

static void mincore_read(const struct cell *cell)
{
	unsigned char in[PAGES];
	char *p = get(cell, SIZE);
	int count = 0;

	read_all(p, PAGES / 2);
	say_outcome(NULL, mincore(p, SIZE, in));
	for (size_t i = 0; i < PAGES; i++)
		count += in[i] & 1;
	say("%d in core", count);
}

static void proc_mem(const struct cell *cell)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char *p = get(cell, SIZE), buf[16];

	fill(p, 1);
	say_outcome("write", pwrite(fd, "0123456789abcdef", 16, (uintptr_t)p + page - 8));
	say_outcome("read", pread(fd, buf, 16, (uintptr_t)p + page - 8));
	say(memcmp(buf, "0123456789abcdef", 16) ? "WRONG" : "right");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void proc_mem_untouched(const struct cell *cell)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char *p = get(cell, SIZE), *buf = plain(SIZE);

	memset(buf, 1, SIZE);
	say_outcome("read", pread(fd, buf, SIZE, (uintptr_t)p));
	say(all_zero(buf, SIZE) ? "all zero" : "NOT zero");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

/* FOLL_FORCE: a debugger writes where the process itself may not. */
static void proc_mem_forced(const struct cell *cell)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char *p = get(cell, SIZE);

	fill(p, 1);
	CHECK(!mprotect(p, SIZE, PROT_READ));
	say_outcome("touched", pwrite(fd, "x", 1, (uintptr_t)p));
	say_outcome("untouched", pwrite(fd, "x", 1, (uintptr_t)p + page));
	say(*p == 'x' && p[page] == 'x' ? "both written" : "NOT written");
	say("%ld resident", usage(p, PAGES, "Rss"));
	say("own write %s", touch(p + page, 'w'));
}

static void process_vm(const struct cell *cell)
{
	char *p = get(cell, SIZE), buf[16] = "x";
	struct iovec local = { buf, 16 }, remote = { p + 3 * page - 8, 16 };

	say_outcome("write", process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	say("%ld resident", usage(p, PAGES, "Rss"));
	say_outcome("read", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	say(*buf == 'x' ? "right" : "WRONG");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void process_vm_untouched(const struct cell *cell)
{
	char *p = get(cell, SIZE), buf[16] = "x";
	struct iovec local = { buf, 16 }, remote = { p + 3 * page - 8, 16 };

	say_outcome("read", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	say(all_zero(buf, 16) ? "zero" : "NOT zero");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void stop(char *p)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	/* Before it reads by itself. */
	say("child: %ld resident", usage(p, PAGES, "Rss"));
	say(*(long *)p == 'x' ? "poked" : "as it was");
	_exit(EXIT_SUCCESS);
}

/* The argument: 'r' to peek, 'w' to poke, 'f' to poke where it is read-only. */
static void by_ptrace(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int status;
	pid_t pid;

	if (cell->arg == 'f')
		CHECK(!mprotect(p, SIZE, PROT_READ));
	fflush(stdout);
	pid = fork();
	if (!pid)
		stop(p);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	errno = 0;
	if (cell->arg == 'r')
		say("peek: %ld", ptrace(PTRACE_PEEKDATA, pid, p, NULL));
	else
		say_outcome("poke", ptrace(PTRACE_POKEDATA, pid, p, (void *)'x'));
	CHECK(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	say("own: %ld resident", usage(p, PAGES, "Rss"));
}

static void splice_out(const struct cell *cell)
{
	char *p = get(cell, SIZE), *buf = plain(SIZE);
	struct iovec range = { p, SIZE };
	int pipes[2];

	CHECK(!pipe(pipes));
	fill(p, PAGES);
	say_outcome(NULL, vmsplice(pipes[1], &range, 1, cell->arg));
	CHECK_EQ(read(pipes[0], buf, SIZE), SIZE);
	say(memcmp(p, buf, SIZE) ? "WRONG" : "right");
	write_all(p, PAGES);
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void splice_untouched(const struct cell *cell)
{
	char *p = get(cell, SIZE), *buf = plain(SIZE);
	struct iovec range = { p, SIZE };
	int pipes[2];

	CHECK(!pipe(pipes));
	memset(buf, 1, SIZE);
	say_outcome(NULL, vmsplice(pipes[1], &range, 1, cell->arg));
	write_all(p, PAGES);
	CHECK_EQ(read(pipes[0], buf, SIZE), SIZE);
	say(all_zero(buf, SIZE) ? "zero" : buf[0] == 'x' ? "what was written since" : "WRONG");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void splice_in(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	struct iovec range = { p + page - 8, 16 };
	int pipes[2];

	CHECK(!pipe(pipes));
	CHECK(write(pipes[1], "0123456789abcdef", 16) == 16);
	say_outcome(NULL, vmsplice(pipes[0], &range, 1, 0));
	say(memcmp(p + page - 8, "0123456789abcdef", 16) ? "WRONG" : "right");
	say("%ld resident", usage(p, PAGES, "Rss"));
}

static void sync_call(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	fill(p, PAGES / 2);
	say_outcome(NULL, msync(p, SIZE, cell->arg));
	say_pages(p, PAGES);
}

static void sync_locked(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!mlock(p, SIZE));
	say_outcome(NULL, msync(p, SIZE, MS_SYNC | MS_INVALIDATE));
}

static void sync_hole(const struct cell *cell)
{
	char *p = get(cell, SIZE);

	CHECK(!munmap(p + page, page));
	say_outcome(NULL, msync(p, SIZE, MS_SYNC));
}

static void futex(const struct cell *cell)
{
	const struct timespec none = { 0, 0 };
	char *p = get(cell, SIZE);

	say_outcome(NULL, syscall(SYS_futex, p, FUTEX_WAKE | cell->arg, 1, NULL, NULL, 0));
	say("wake: %ld resident", usage(p, PAGES, "Rss"));
	say_outcome("wait", syscall(SYS_futex, p, FUTEX_WAIT | cell->arg, 0, &none, NULL, 0));
	say_outcome("wait for another value", syscall(SYS_futex, p, FUTEX_WAIT | cell->arg, 1, &none, NULL, 0));
}

static void bad_range(const struct cell *cell)
{
	char *p = get(cell, SIZE);
	int pipes[2];

	CHECK(!pipe(pipes));
	CHECK(!mprotect(p, SIZE, cell->arg));
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	say_outcome("read(2)", read(pipes[0], p, 1));
	say_outcome("write(2)", write(pipes[1], p, 1));
}

const struct row access_rows[] = {
	{ "mincore, unprivileged, every third page written", by_mincore },
	{ "mincore, half only read", mincore_read },
	{ "/proc/PID/mem written, then read", proc_mem },
	{ "/proc/PID/mem read, untouched", proc_mem_untouched },
	{ "/proc/PID/mem written while read-only", proc_mem_forced },
	{ "process_vm_writev, then readv", process_vm },
	{ "process_vm_readv, untouched", process_vm_untouched },
	{ "ptrace peek of a child, untouched", by_ptrace, 'r' },
	{ "ptrace poke into a child, untouched", by_ptrace, 'w' },
	{ "ptrace poke into a child, read-only", by_ptrace, 'f' },
	{ "vmsplice to a pipe", splice_out, 0 },
	{ "vmsplice to a pipe (GIFT)", splice_out, SPLICE_F_GIFT },
	{ "vmsplice to a pipe, untouched, then written", splice_untouched, 0,
	  "the pipe refers to the page itself; in plain memory it refers to the zero page" },
	{ "vmsplice from a pipe, untouched", splice_in },
	{ "msync SYNC", sync_call, MS_SYNC },
	{ "msync ASYNC", sync_call, MS_ASYNC },
	{ "msync SYNC and INVALIDATE", sync_call, MS_SYNC | MS_INVALIDATE },
	{ "msync SYNC and ASYNC", sync_call, MS_SYNC | MS_ASYNC, .refused = "EINVAL" },
	{ "msync INVALIDATE, locked", sync_locked, .refused = "EBUSY" },
	{ "msync over a hole", sync_hole, .refused = "ENOMEM" },
	{ "private futex, untouched", futex, FUTEX_PRIVATE_FLAG },
	{ "shared futex, untouched", futex, 0 },
	{ "read(2) and write(2), PROT_NONE", bad_range, PROT_NONE },
	{}
};
