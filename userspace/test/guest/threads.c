// SPDX-License-Identifier: GPL-2.0
/* Threads that touch one region at once. */
#include <pthread.h>

#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define THREADS	8
#define PAGES	512
#define ROUNDS	4
#define WINDOWS	250

static char *region;
static pthread_barrier_t together;

static void run(void *(*fn)(void *))
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&together, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, fn, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

/* Each in a range of its own. */
static void *own_pages(void *arg)
{
	char *p = region + (long)arg * PAGES * page;
	long taken;

	pthread_barrier_wait(&together);
	taken = thread_faults();
	for (size_t i = 0; i < PAGES; i++)
		poke(p + i * page, (long)arg);
	CHECK_EQ(thread_faults() - taken, PAGES);
	return NULL;
}

static void apart(void)
{
	region = tamalloc(THREADS * PAGES * page);
	run(own_pages);
	CHECK_EQ(resident(region, THREADS * PAGES * page), THREADS * PAGES);
}

/* Each owns every eighth page, so all share page tables. */
static void *interleaved_pages(void *arg)
{
	char *p = region + (long)arg * page;
	long taken;

	pthread_barrier_wait(&together);
	taken = thread_faults();
	for (size_t i = 0; i < PAGES; i++, p += THREADS * page) {
		CHECK_EQ(peek(p), 0);
		poke(p, (long)arg);
	}
	CHECK_EQ(thread_faults() - taken, PAGES);
	return NULL;
}

static void interleaved(void)
{
	set(THP "enabled", "always");
	region = tamalloc(THREADS * PAGES * page);
	run(interleaved_pages);
	CHECK_EQ(resident(region, THREADS * PAGES * page), THREADS * PAGES);
	for (size_t i = 0; i < THREADS * PAGES; i++)
		CHECK_EQ(peek(region + i * page), i % THREADS);
}

/* All at the same page. Mapping a second page there would lose an increment. */
static void *same_pages(void *arg)
{
	for (size_t i = 0; i < PAGES; i++) {
		char *p = region + i * page;

		if (i % 16 == 0)
			pthread_barrier_wait(&together);
		if (((long)arg + i) % 3 == 0)
			(void)peek(p + 8);
		__atomic_add_fetch((int *)p, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void same(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		region = tamalloc(PAGES * page);
		run(same_pages);
		CHECK_EQ(resident(region, PAGES * page), PAGES);
		for (size_t i = 0; i < PAGES; i++)
			CHECK_EQ(*(int *)(region + i * page), THREADS);
		CHECK(!munmap(region, PAGES * page));
	}
}

/*
 * One touches the page that fills a window, the others touch pages of that window while it
 * is being zeroed. Mapping the window over their pages would lose their writes.
 */
static void *same_window(void *arg)
{
	char *window = region + WINDOW * page;
	const size_t share = (WINDOW - 1) / THREADS;
	size_t id = (long)arg;

	for (size_t round = 0; round < WINDOWS; round++) {
		char *own = window + (id ? share * id + round % share : 0) * page;

		if (!id)
			for (char *p = region; p < window; p += page)
				poke(p, 'e');
		pthread_barrier_wait(&together);
		poke(own, 'a' + id);
		pthread_barrier_wait(&together);
		CHECK_EQ(peek(own), 'a' + id);
		pthread_barrier_wait(&together);
		if (!id)
			CHECK(!madvise(region, 2 * WINDOW * page, MADV_DONTNEED));
	}
	return NULL;
}

static void window(void)
{
	long filled = vmstat("tamalloc_fault") + vmstat("tamalloc_ahead");

	set(THP "enabled", "madvise");
	region = adaptive(2 * WINDOW * page);
	run(same_window);
	filled = vmstat("tamalloc_fault") + vmstat("tamalloc_ahead") - filled;
	tap_note("%ld pages filled", filled);
	/* More than the evidence and a page for each thread, so windows were filled. */
	CHECK(filled > WINDOWS * (long)(WINDOW + THREADS));
}

/* Half of the threads drop pages that the others touch. */
static void *touch_or_drop(void *arg)
{
	for (size_t i = 0; i < PAGES; i++) {
		char *p = region + i * page;

		if ((long)arg % 2)
			CHECK(!madvise(p, page, MADV_DONTNEED));
		else
			poke(p, 'x');
		CHECK(peek(p) == 0 || peek(p) == 'x');
	}
	return NULL;
}

static void dropping(void)
{
	region = tamalloc(PAGES * page);
	run(touch_or_drop);
	CHECK(!madvise(region, PAGES * page, MADV_DONTNEED));
	CHECK(all_zero(region, PAGES * page));
}

static void *allocate(void *arg)
{
	for (int i = 0; i < 200; i++) {
		char *p = tamalloc(8 * page);

		poke(p + i % 8 * page, (long)arg);
		CHECK_EQ(peek(p + i % 8 * page), (long)arg);
		CHECK_EQ(resident(p, 8 * page), 1);
		CHECK(!munmap(p, 8 * page));
	}
	return NULL;
}

static void allocating(void)
{
	run(allocate);
}

static long lock_stat(const char *name)
{
	long value = vmstat(name);

	if (value < 0)
		tap_skip("the kernel counts no VMA locks (PER_VMA_LOCK_STATS)");
	return value;
}

/* With an anon_vma in place no fault needs mmap_lock. */
static void vma_lock(void)
{
	long success, others;

	region = tamalloc(THREADS * PAGES * page + page);
	poke(region, 1);
	region += page;
	success = lock_stat("vma_lock_success");
	others = lock_stat("vma_lock_retry") + lock_stat("vma_lock_miss");
	run(own_pages);
	CHECK(lock_stat("vma_lock_success") - success >= THREADS * PAGES);
	others = lock_stat("vma_lock_retry") + lock_stat("vma_lock_miss") - others;
	if (others > THREADS * PAGES / 16)
		tap_fail(__FILE__, __LINE__, "%ld faults fell back to mmap_lock", others);
}

static const struct test tests[] = {
	TEST("threads in ranges of their own take a page and a fault a touch", apart),
	TEST("threads at interleaved pages take a page and a fault a touch", interleaved),
	TEST("threads at the same page get one page and lose no write", same),
	TEST("threads in a window that one of them fills lose no write", window),
	TEST("touching a page while others drop it reads zero or what was written", dropping),
	TEST("threads reserve and unmap regions at once", allocating),
	TEST("faults are handled under the VMA's own lock", vma_lock),
};

TAP_MAIN(tests, no_tamalloc)
