// SPDX-License-Identifier: GPL-2.0
/*
 * No process ever reads a byte that another has left. A giver fills nearly all free
 * memory with a pattern and frees it. A taker, which gets many of the same page frames
 * according to pagemap, must find no pattern in them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <sys/wait.h>

#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"
#include "uapi.h"

/*
 * So little is left free that a taker which fills its region gets a third of it from the
 * giver. It usually gets ENOUGH of those pages much earlier.
 */
#define FREE	(128 * MIB)
#define GIVEN	(64 * MIB)
#define TAKEN	(96 * MIB)
#define ENOUGH	(8 * MIB / page)
#define PATTERN	0x5ec2e7
#define FRAMES	(1UL << 26)

static unsigned char *given;		/* a bit for each frame, shared */
static size_t slice = 4 * MIB;		/* what a taker takes at a time */

/* Call @fn for each present page of the range, of some times 4 MiB. */
static void each_frame(const char *p, size_t bytes, void (*fn)(size_t frame))
{
	uint64_t entry[64];

	for (const char *end = p + bytes; p < end; p += 64 * page) {
		pagemap_read(p, entry, 64);
		for (size_t i = 0; i < 64; i++)
			if (entry[i] & PM_PRESENT)
				fn(entry[i] & PM_FRAME);
	}
}

static void note_given(size_t frame)
{
	CHECK(frame && frame < FRAMES);
	given[frame / 8] |= 1 << frame % 8;
}

static size_t reused, collapsed;

static void count_reused(size_t frame)
{
	CHECK(frame && frame < FRAMES);
	reused += given[frame / 8] >> frame % 8 & 1;
}

/* It starts with @byte; the rest is zero. */
static void check_page(const char *p, char byte)
{
	const unsigned long *word = (const void *)p;

	CHECK_EQ(p[0], byte);
	for (size_t i = 1; i < sizeof(*word); i++)
		CHECK_EQ(p[i], 0);
	for (size_t i = 1; i < page / sizeof(*word); i++)
		if (word[i])
			tap_fail(__FILE__, __LINE__, "%p + %zu holds %#lx", (void *)p,
				 i * sizeof(*word), word[i]);
}

static void check_pages(const char *p, size_t bytes, char byte)
{
	for (size_t i = 0; i < bytes; i += page)
		check_page(p + i, byte);
}

static void by_exit(char *p)
{
	(void)p;
}

static void by_munmap(char *p)
{
	CHECK(!munmap(p, GIVEN));
}

static void by_dontneed(char *p)
{
	CHECK(!madvise(p, GIVEN, MADV_DONTNEED));
}

/* Fill, free, report that, and wait for the parent. */
static void giver(void (*way)(char *), int done, int go)
{
	unsigned long *p = plain(GIVEN);
	char c;

	for (size_t i = 0; i < GIVEN / sizeof(*p); i++)
		p[i] = PATTERN;
	each_frame((char *)p, GIVEN, note_given);
	if (way == by_exit)
		_exit(EXIT_SUCCESS);
	way((char *)p);
	CHECK_EQ(write(done, "", 1), 1);
	CHECK_EQ(read(go, &c, 1), 0);
	_exit(EXIT_SUCCESS);
}

/*
 * A CPU's own free lists hold up to an eighth of a node. Those pages do not count as free
 * and other CPUs cannot allocate them. Each refresh gives back an eighth of them.
 */
static void drain_cpus(void)
{
	for (int i = 0; i < 64; i++)
		write_file("/proc/sys/vm/stat_refresh", "1");
}

/* Allocate everything but FREE bytes, for good. */
static void occupy(void)
{
	long size;
	char *p;

	drain_cpus();
	size = field("/proc/meminfo", "MemFree") * KIB - FREE;
	if (size <= 0)
		return;
	p = plain(size);
	madvise(p, size, MADV_HUGEPAGE);
	for (long i = 0; i < size; i += page)
		poke(p + i, 1);
}

struct taker {
	void (*before)(char *p);		/* the giver frees its memory; or NULL */
	void (*touch)(char *slice);		/* and check all of it */
	bool in_child;
};

static void collapse_slice(char *p);

static void take(void *arg)
{
	const struct taker *taker = ((void **)arg)[0];
	char *p = ((void **)arg)[1];

	drain_cpus();
	reused = 0;
	for (size_t i = 0; i < TAKEN && reused < ENOUGH; i += slice) {
		taker->touch(p + i);
		each_frame(p + i, slice, count_reused);
	}
	CHECK(collapsed || taker->touch != collapse_slice);
	if (reused < ENOUGH)
		tap_fail(__FILE__, __LINE__, "only %zu pages came from the giver", reused);
}

static void take_in_child(void *arg)
{
	CHECK_EQ(child(take, arg), 0);
}

/* Take while the giver is alive or, if it frees by exiting, right after that. */
static void give_and_take(void *arg)
{
	const struct taker *taker = ((void **)arg)[0];
	void (*way)(char *) = ((void **)arg)[1];
	void (*take_it)(void *) = taker->in_child ? take_in_child : take;
	char *p = align(tamalloc(TAKEN), TAKEN), c;
	void *what[] = { (void *)taker, p };
	int done[2], go[2], status;
	pid_t pid;

	if (taker->before)
		taker->before(p);
	occupy();
	memset(given, 0, FRAMES / 8);
	CHECK(!pipe(done) && !pipe(go));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		close(go[1]);
		giver(way, done[1], go[0]);
	}
	close(done[1]);
	CHECK_EQ(read(done[0], &c, 1), way != by_exit);
	if (way != by_exit)
		take_it(what);
	close(go[1]);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	if (way == by_exit)
		take_it(what);
}

/* In a process of its own, whose exit frees all memory again. */
static void run(const struct taker *taker, void (*way)(char *))
{
	char text[1 << 14] = "";

	klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof(text) - 1);
	if (strstr(text, "heap alloc:on") || strstr(text, "heap free:on"))
		tap_note("the page allocator zeroes pages here: this proves little");
	set(THP "enabled", "madvise");
	/* Keep the emergency reserve small: a taker gets no page of it. */
	set("/proc/sys/vm/watermark_boost_factor", "0");
	set("/proc/sys/vm/min_free_kbytes", "4096");
	given = mmap(NULL, FRAMES / 8, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(given != MAP_FAILED);
	alarm(1800);
	CHECK_EQ(child(give_and_take, (void *[]){ (void *)taker, way }), 0);
}

static void read_slice(char *p)
{
	check_pages(p, slice, 0);
}

static const struct taker reader = { .touch = read_slice };

static void after_exit(void)
{
	run(&reader, by_exit);
}

static void after_munmap(void)
{
	run(&reader, by_munmap);
}

static void after_dontneed(void)
{
	run(&reader, by_dontneed);
}

static void poke_pages(char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += page)
		poke(p + i, 'w');
}

static void write_slice(char *p)
{
	poke_pages(p, slice);
	check_pages(p, slice, 'w');
}

static void by_write(void)
{
	run(&(struct taker){ .touch = write_slice }, by_exit);
}

/* The kernel writes one byte to each page. */
static void copy_slice(char *p)
{
	int fd = memfd_create("stale", 0);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "k", 1), 1);
	for (size_t i = 0; i < slice; i += page)
		CHECK_EQ(pread(fd, p + i, 1, 0), 1);
	check_pages(p, slice, 'k');
	close(fd);
}

static void by_kernel(void)
{
	run(&(struct taker){ .touch = copy_slice }, by_munmap);
}

static void lock_slice(char *p)
{
	CHECK(!mlock(p, slice));
	check_pages(p, slice, 0);
}

static void by_mlock(void)
{
	run(&(struct taker){ .touch = lock_slice }, by_dontneed);
}

/*
 * Touch one page of each block. The collapse adds the rest, or faults do where no huge
 * page is free. EAGAIN: the page was just being moved.
 */
static void collapse_slice(char *p)
{
	for (size_t i = 0; i < slice; i += huge) {
		int refused;

		poke(p + i + huge / 2, 'h');
		do
			refused = madvise(p + i, huge, MADV_COLLAPSE);
		while (refused && errno == EAGAIN);
		if (!refused)
			collapsed++;
		else
			CHECK_EQ(errno, ENOMEM);
	}
	for (size_t i = 0; i < slice; i += page)
		check_page(p + i, i % huge == huge / 2 ? 'h' : 0);
}

static void by_collapse(void)
{
	/* Of what little is free there has to be a huge page in one piece. */
	need_memory(8 * huge);
	slice = huge > slice ? huge : slice;
	run(&(struct taker){ .touch = collapse_slice }, by_exit);
}

static void poke_all(char *p)
{
	poke_pages(p, TAKEN);
}

/* A child's writes copy its parent's pages. */
static void rewrite_slice(char *p)
{
	check_pages(p, slice, 'w');
	for (size_t i = 0; i < slice; i += page)
		poke(p + i, 'c');
	check_pages(p, slice, 'c');
}

static void by_copy(void)
{
	run(&(struct taker){ poke_all, rewrite_slice, true }, by_munmap);
}

static void poke_and_swap_out(char *p)
{
	poke_all(p);
	page_out(p, TAKEN);
}

static void swap_in_slice(char *p)
{
	check_pages(p, slice, 'w');
}

static void by_swap_in(void)
{
	start_swap(ANY_SWAP);
	run(&(struct taker){ poke_and_swap_out, swap_in_slice, false }, by_dontneed);
	stop_swap();
}

static const struct test tests[] = {
	TEST("pages of a process that has exited read as zero", after_exit),
	TEST("pages that another process has unmapped read as zero", after_munmap),
	TEST("pages that another process has dropped read as zero", after_dontneed),
	TEST("a write leaves the rest of its page zero", by_write),
	TEST("a write by the kernel leaves the rest of its page zero", by_kernel),
	TEST("pages filled by mlock are zero", by_mlock),
	TEST("pages added by MADV_COLLAPSE are zero", by_collapse),
	TEST("a child's copy holds what its parent's page held, and nothing else", by_copy),
	TEST("a page swapped in holds what it held, and nothing else", by_swap_in),
};

TAP_MAIN(tests, no_tamalloc)
