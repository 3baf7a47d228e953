// SPDX-License-Identifier: GPL-2.0
/* Access other than by the owner's instructions. All of it touches pages. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define PAGES	64
#define SIZE	(PAGES * page)

static char *region(void)
{
	set(THP "enabled", "always");
	return tamalloc(SIZE);
}

/* As an unprivileged user, who sees his own memory as it is. */
static void by_mincore(void)
{
	unsigned char in[PAGES];
	char *p = region();

	CHECK(!setresuid(65534, 65534, 65534));
	for (size_t i = 0; i < PAGES; i += 3)
		poke(p + i * page, 1);
	CHECK(!mincore(p, SIZE, in));
	for (size_t i = 0; i < PAGES; i++)
		CHECK_EQ(in[i] & 1, i % 3 == 0);
}

static void by_proc_mem(void)
{
	char *p = region(), *buf = plain(page);
	int fd = open("/proc/self/mem", O_RDWR);

	CHECK(fd >= 0);
	memset(buf, 1, page);
	CHECK_EQ(pread(fd, buf, page, (uintptr_t)p), page);
	CHECK(all_zero(buf, page));
	CHECK_EQ(resident(p, SIZE), 1);
	CHECK_EQ(pwrite(fd, "x", 1, (uintptr_t)p + 5 * page), 1);
	CHECK_EQ(resident(p, SIZE), 2);
	CHECK_EQ(peek(p + 5 * page), 'x');
	check_strict(p + 6 * page, 10 * page);
}

static void by_process_vm(void)
{
	char *p = region(), buf[16] = "written";
	struct iovec local = { buf, sizeof(buf) }, remote = { p + 3 * page, sizeof(buf) };

	CHECK_EQ(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), sizeof(buf));
	CHECK_EQ(resident(p, SIZE), 1);
	CHECK(!strcmp(p + 3 * page, "written"));
	remote.iov_base = p + 7 * page;
	CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), sizeof(buf));
	CHECK(all_zero(buf, sizeof(buf)));
	CHECK_EQ(resident(p, SIZE), 2);
}

/* Stops for its parent, which touches two pages and changes one of them. */
static void stop(char *p)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	CHECK_EQ(resident(p, SIZE), 2);
	CHECK_EQ(peek(p + page), 'x');
	check_strict(p + 2 * page, 8 * page);
	_exit(EXIT_SUCCESS);
}

static void by_ptrace(void)
{
	char *p = region();
	pid_t pid = fork();
	int status;

	if (!pid)
		stop(p);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSTOPPED(status));
	errno = 0;
	CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, p, NULL), 0);
	CHECK_EQ(errno, 0);
	CHECK(!ptrace(PTRACE_POKEDATA, pid, p + page, (void *)'x'));
	CHECK(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(resident(p, SIZE), 0);
}

static void populated(int advice)
{
	char *p = region();
	long taken;

	CHECK(!madvise(p + 8 * page, 16 * page, advice));
	CHECK_EQ(resident(p, SIZE), 16);
	taken = faults();
	memset(p + 8 * page, 'x', 16 * page);
	CHECK_EQ(faults() - taken, 0);
	check_strict(p + 24 * page, 40 * page);
}

static void by_populate_read(void)
{
	populated(MADV_POPULATE_READ);
}

static void by_populate_write(void)
{
	populated(MADV_POPULATE_WRITE);
}

/* There is no swap, so the pages stay. */
static void by_pageout(void)
{
	char *p = region();

	for (size_t i = 0; i < PAGES; i += 2)
		poke(p + i * page, i + 1);
	CHECK(!madvise(p, SIZE, MADV_COLD));
	CHECK(!madvise(p, SIZE, MADV_PAGEOUT));
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	for (size_t i = 0; i < PAGES; i += 2)
		CHECK_EQ(peek(p + i * page), (char)(i + 1));
	for (size_t i = 1; i < PAGES; i += 2)
		check_strict(p + i * page, page);
}

static void by_free(void)
{
	char *p = region();

	memset(p, 'x', SIZE);
	CHECK(!madvise(p, SIZE, MADV_FREE));
	for (size_t i = 0; i < SIZE; i++)
		CHECK(p[i] == 'x' || !p[i]);
	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	check_strict(p, SIZE);
}

static const struct test tests[] = {
	TEST("mincore reports which pages were touched, to an unprivileged user too", by_mincore),
	TEST("/proc/PID/mem reads zeroes and writes, and touches each page it accesses", by_proc_mem),
	TEST("process_vm_readv and process_vm_writev touch the pages they copy", by_process_vm),
	TEST("ptrace touches the pages it peeks and pokes", by_ptrace),
	TEST("MADV_POPULATE_READ fills its range, ready to be written", by_populate_read),
	TEST("MADV_POPULATE_WRITE fills its range", by_populate_write),
	TEST("MADV_COLD and MADV_PAGEOUT keep contents and policy", by_pageout),
	TEST("pages after MADV_FREE hold what was written, or zeroes", by_free),
};

TAP_MAIN(tests, no_tamalloc)
