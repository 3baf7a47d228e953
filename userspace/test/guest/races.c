// SPDX-License-Identifier: GPL-2.0
/*
 * Threads touch, unmap, move, fork, advise, protect, lock and inspect one range at once.
 * Each word belongs to one thread and always holds zero or that thread's stamp. On a
 * kernel with KCSAN, plain memory shows which races are the kernel's own.
 *
 *	races [operations=N] [PATTERN]
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "random.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"
#include "uapi.h"

#define THREADS		6
#define RANGE		(2 * huge)
#define PAGES		(RANGE / page)
#define MAX_PART	32	/* pages; most operations act on fewer than all */

struct thread {
	pthread_t id;
	uint32_t word;		/* its own in each page */
	uint64_t random;
	long touched, refused;
};

static void *(*reserve)(size_t size);
static char *range;
static unsigned long operations = 200;	/* of each thread */

/* Where a touch resumes after hitting a hole or read-only memory. */
static __thread sigjmp_buf missed;
static __thread volatile sig_atomic_t touching;

static void on_segv(int sig)
{
	if (touching)
		siglongjmp(missed, 1);
	signal(sig, SIG_DFL);
}

static uint32_t next(struct thread *t, uint32_t limit)
{
	return draw_below(&t->random, limit);
}

static uint32_t *word_of(size_t in_page, uint32_t word)
{
	return (uint32_t *)(range + in_page * page) + word;
}

static uint32_t stamp(size_t in_page, uint32_t word)
{
	return 0x5a000000 | word << 16 | in_page;
}

static void check_word(size_t in_page, uint32_t word)
{
	uint32_t got = *(volatile uint32_t *)word_of(in_page, word);

	touching = 0;
	if (got && got != stamp(in_page, word))
		tap_fail(__FILE__, __LINE__, "word %u of page %zu is %#x", word, in_page, got);
}

static void touch(struct thread *t, size_t at)
{
	if (sigsetjmp(missed, 1)) {
		touching = 0;
		t->refused++;
		return;
	}
	touching = 1;
	if (next(t, 2))
		*(volatile uint32_t *)word_of(at, t->word) = stamp(at, t->word);
	check_word(at, next(t, THREADS));
	t->touched++;
}

static void touch_by_call(struct thread *t, size_t at)
{
	uint32_t mine = stamp(at, t->word);
	const struct iovec local = { &mine, sizeof(mine) };
	const struct iovec remote = { word_of(at, t->word), sizeof(mine) };

	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) < 0)
		CHECK_EQ(errno, EFAULT);
}

/* Moving a new mapping there unmaps the old one. */
static void replace(char *part, size_t bytes)
{
	move_to(reserve(bytes), bytes, part);
}

static void punch(char *part, size_t bytes)
{
	CHECK(!munmap(part, bytes));
	replace(part, bytes);
}

/* Fails if another thread has split the mapping. */
static void move_away_and_back(char *part, size_t bytes)
{
	char *away = mremap(part, bytes, bytes, MREMAP_MAYMOVE);
	void *spare = reserve(bytes);

	if (away != MAP_FAILED && away == part)
		away = mremap(part, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, spare);
	else
		munmap(spare, bytes);
	if (away != MAP_FAILED)
		mremap(away, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, part);
	else
		CHECK_EQ(errno, EFAULT);
}

static void protect(struct thread *t, char *part, size_t bytes)
{
	if (mprotect(part, bytes, next(t, 2) ? RW : PROT_READ))
		CHECK_EQ(errno, ENOMEM);
	if (mprotect(part, bytes, RW))
		CHECK_EQ(errno, ENOMEM);
}

static void lock(char *part, size_t bytes)
{
	if (mlock(part, bytes))
		CHECK(errno == ENOMEM || errno == EAGAIN);
	if (munlock(part, bytes))
		CHECK_EQ(errno, ENOMEM);
}

static void advise(struct thread *t, char *part, size_t bytes)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ,
		MADV_POPULATE_WRITE, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_DONTFORK,
		MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_NOHUGEPAGE,
		MADV_HUGEPAGE, MADV_SEQUENTIAL, MADV_NORMAL,
	};

	/* May be refused: there may be a hole, a locked page, read-only memory. */
	madvise(part, bytes, advice[next(t, sizeof(advice) / sizeof(*advice))]);
}

static void fork_and_look(struct thread *t, size_t at)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		for (size_t i = at; i < at + MAX_PART && i < PAGES; i++)
			touch(t, i);
		_exit(EXIT_SUCCESS);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void inspect(struct thread *t)
{
	static const char *const files[] = {
		"/proc/self/smaps", "/proc/self/maps", "/proc/self/numa_maps", "/proc/self/smaps_rollup",
	};
	int fd = open(files[next(t, sizeof(files) / sizeof(*files))], O_RDONLY);
	char text[4096];

	while (fd >= 0 && read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
	resident(range, RANGE);
}

static void one_operation(struct thread *t)
{
	size_t at = next(t, PAGES - MAX_PART), pages = 1 + next(t, MAX_PART);
	char *part = range + at * page;
	size_t bytes = pages * page;

	/* Mostly first touches: the races to find are those with a fault. */
	switch (next(t, 48)) {
	case 0: replace(part, bytes); break;
	case 1: punch(part, bytes); break;
	case 2: move_away_and_back(part, bytes); break;
	case 3: protect(t, part, bytes); break;
	case 4: lock(part, bytes); break;
	case 5: fork_and_look(t, at); break;
	case 6: inspect(t); break;
	case 7: madvise(range + next(t, 2) * huge, huge, MADV_COLLAPSE); break;
	case 8: touch_by_call(t, at); break;
	case 9 ... 13: advise(t, part, bytes); break;
	default:
		if (next(t, 2))
			madvise(part, bytes, MADV_DONTNEED);
		for (size_t i = at; i < at + pages; i++)
			touch(t, i);
	}
}

static void *operate(void *arg)
{
	for (unsigned long i = 0; i < operations; i++)
		one_operation(arg);
	return NULL;
}

/* On the console, among the kernel's reports. */
static void announce(const char *kind)
{
	char text[64];

	snprintf(text, sizeof(text), "races: on %s memory", kind);
	write_file("/dev/kmsg", text);
}

static void race(const char *kind, void *(*how)(size_t))
{
	struct thread thread[THREADS];
	long touched = 0, refused = 0;

	start_swap(ANY_SWAP);
	announce(kind);
	signal(SIGSEGV, on_segv);
	reserve = how;
	range = align(reserve(RANGE), RANGE);
	for (uint32_t i = 0; i < THREADS; i++) {
		thread[i] = (struct thread){ .word = i, .random = i + 1 };
		CHECK(!pthread_create(&thread[i].id, NULL, operate, &thread[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(thread[i].id, NULL));
		touched += thread[i].touched;
		refused += thread[i].refused;
	}
	tap_note("%ld touches, %ld others hit a hole or read-only memory", touched, refused);
	CHECK(touched > 10 * refused);
	for (size_t i = 0; i < PAGES; i++)
		for (uint32_t word = 0; word < THREADS; word++)
			check_word(i, word);
	announce("no");
	CHECK(!munmap(range, RANGE));
	stop_swap();
}

static void on_plain(void)
{
	race("plain", plain);
}

static void on_strict(void)
{
	race("strict", tamalloc);
}

static void on_adaptive(void)
{
	long ahead = vmstat("tamalloc_ahead"), taken = vmstat("tamalloc_fault");

	set(THP "enabled", "madvise");
	race("adaptive", adaptive);
	ahead = vmstat("tamalloc_ahead") - ahead;
	taken = vmstat("tamalloc_fault") - taken;
	tap_note("%ld faults, %ld pages came ahead", taken, ahead);
	CHECK(ahead > 0);
}

static const struct test tests[] = {
	TEST("plain memory: each word is zero or its owner's stamp", on_plain),
	TEST("strict memory: each word is zero or its owner's stamp", on_strict),
	TEST("adaptive memory: each word is zero or its owner's stamp", on_adaptive),
};

static const struct parameter parameters[] = {
	{ "operations", &operations, 1 },
	{ }
};

int main(int argc, char **argv)
{
	argc = tap_parameters(argc, argv, parameters);
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), no_tamalloc);
}
