// SPDX-License-Identifier: GPL-2.0
/*
 * Access other than by the owner's instructions: a write from outside touches pages, and a
 * read does not.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"
#include "uapi.h"

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
	CHECK_EQ(resident(p, SIZE), 0);
	CHECK_EQ(pwrite(fd, "x", 1, (uintptr_t)p + 5 * page), 1);
	CHECK_EQ(resident(p, SIZE), 1);
	CHECK_EQ(peek(p + 5 * page), 'x');
	CHECK_EQ(pread(fd, buf, page, (uintptr_t)p + 5 * page), page);
	CHECK_EQ(*buf, 'x');
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
	CHECK_EQ(resident(p, SIZE), 1);
	remote.iov_base = p + 3 * page;
	CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), sizeof(buf));
	CHECK(!strcmp(buf, "written"));
}

/* Seen from a child: neither pages nor page tables come. */
static void look_at_much(char *p, size_t size)
{
	static char buf[4 * MIB];

	for (size_t i = 0; i < size; i += sizeof(buf)) {
		struct iovec local = { buf, sizeof(buf) }, remote = { p + i, sizeof(buf) };

		CHECK_EQ(process_vm_readv(getppid(), &local, 1, &remote, 1, 0), sizeof(buf));
		if (i == size / 2) {
			CHECK_EQ(buf[5 * page], 'x');
			buf[5 * page] = 0;
		}
		CHECK(all_zero(buf, sizeof(buf)));
	}
}

static void observe(char *p, size_t size)
{
	long tables;
	int status;

	poke(p + size / 2 + 5 * page, 'x');
	/* Dropped again, it is zero and stays so. */
	poke(p + 9 * page, 'y');
	CHECK(!madvise(p, 16 * page, MADV_DONTNEED));
	tables = field("/proc/self/status", "VmPTE");
	fflush(stdout);
	if (!fork()) {
		look_at_much(p, size);
		_exit(0);
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(smaps_kb(p, size, "Rss"), page / KIB);
	CHECK_EQ(field("/proc/self/status", "VmPTE"), tables);
}

static void by_observer(void)
{
	const size_t size = 256 * MIB;
	char *p = tamalloc(size);

	observe(p, size);
	check_strict(p + size / 4, 16 * page);
	CHECK(!munmap(p, size));
	observe(adaptive(size), size);
}

/* What came ahead of a touch, was swapped out or is shared with a child is seen as it is. */
static void observed_as_it_is(void)
{
	char *p = region(), buf[PAGES];

	start_swap(ANY_SWAP);
	for (size_t i = 0; i < PAGES; i += 2)
		poke(p + i * page, i + 1);
	page_out(p, SIZE / 2);
	CHECK(in_swap(p, SIZE) > 0);
	for (size_t i = 0; i < PAGES; i++) {
		struct iovec local = { buf + i, 1 }, remote = { p + i * page, 1 };

		CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 1);
		CHECK_EQ(buf[i], i % 2 ? 0 : (char)(i + 1));
	}
	CHECK_EQ(resident(p, SIZE), PAGES / 2);
	stop_swap();
}

static char *migrating;
static volatile bool arrived;

/*
 * Where CPUs take turns, the observer meets few of the moves, if any of a hundred. Detectors make
 * each one slow.
 */
static void *migrate(void *arg)
{
	const int least = huge > 8 * MIB ? 20 : 100, most = huge > 8 * MIB ? 20 : 500;
	const time_t enough = time(NULL) + 10;
	void *start = migrating;
	int rounds, moved = 0;

	(void)arg;
	/* A page that is being read may stay. */
	for (rounds = 0; rounds < least || (rounds < most && time(NULL) < enough); rounds++) {
		int node = rounds % 2, status;

		CHECK(syscall(SYS_move_pages, 0, 1, &start, &node, &status, MPOL_MF_MOVE) >= 0);
		moved += status == node;
	}
	CHECK(moved > rounds / 10);
	arrived = true;
	return NULL;
}

/* Its entry is neither present nor empty then. */
static void observed_as_it_migrates(void)
{
	pthread_t thread;

	set(THP "enabled", "always");
	migrating = adaptive(huge);
	memset(migrating, 'x', huge);
	CHECK(!madvise(migrating, huge, MADV_COLLAPSE));
	CHECK(!pthread_create(&thread, NULL, migrate, NULL));
	for (size_t i = 0; !arrived; i++) {
		char c;
		struct iovec local = { &c, 1 }, remote = { migrating + i % huge, 1 };

		CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 1);
		CHECK_EQ(c, 'x');
	}
	CHECK(!pthread_join(thread, NULL));
	CHECK_EQ(smaps_kb(migrating, huge, "AnonHugePages"), huge / KIB);
}

/* Stops for its parent, which looks at a page and changes another. */
static void stop(char *p)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	CHECK_EQ(resident(p, SIZE), 1);
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
	TEST("/proc/PID/mem reads zeroes, and touches each page that it writes", by_proc_mem),
	TEST("process_vm_writev touches the pages that it writes, process_vm_readv none", by_process_vm),
	TEST("ptrace touches the page that it pokes, and not the one that it peeks", by_ptrace),
	TEST("an observer of 256 MB leaves them as they were, without a page table more", by_observer),
	TEST("it sees what is there, in memory or in swap", observed_as_it_is),
	TEST("it sees a huge page while that migrates", observed_as_it_migrates),
	TEST("MADV_POPULATE_READ fills its range, ready to be written", by_populate_read),
	TEST("MADV_POPULATE_WRITE fills its range", by_populate_write),
	TEST("MADV_COLD and MADV_PAGEOUT keep contents and policy", by_pageout),
	TEST("pages after MADV_FREE hold what was written, or zeroes", by_free),
};

TAP_MAIN(tests, no_tamalloc)
