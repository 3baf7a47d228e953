// SPDX-License-Identifier: GPL-2.0
/* A core file holds of a region what was touched; the rest is a hole in it. */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#define DIR	"/tmp/tamalloc-core"
#define CORE	DIR "/core"
#define SIZE	(16 * MIB)
#define TOUCHED	200

struct dump {
	char *p;
	int advice;		/* for madvise(), or -1 */
	const char *filter;	/* for coredump_filter, or NULL */
};

static void die(void *arg)
{
	const struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };
	struct dump *dump = arg;
	int fd;

	CHECK(!setrlimit(RLIMIT_CORE, &no_limit));
	if (dump->advice >= 0)
		CHECK(!madvise(dump->p, SIZE, dump->advice));
	if (dump->filter) {
		fd = open("/proc/self/coredump_filter", O_WRONLY);
		CHECK(fd >= 0);
		CHECK(write(fd, dump->filter, strlen(dump->filter)) > 0);
	}
	abort();
}

/* A region with touches 5 pages apart, written and read; its process's core. */
static int core_of(struct dump *dump)
{
	int fd;

	mount_at(DIR, "tmpfs");
	set("/proc/sys/kernel/core_pattern", CORE);
	set("/proc/sys/kernel/core_uses_pid", "0");
	dump->p = tamalloc(SIZE);
	for (int i = 0; i < TOUCHED; i++) {
		if (i % 2)
			(void)peek(dump->p + i * 5 * page);
		else
			poke(dump->p + i * 5 * page, i + 1);
	}
	CHECK_EQ(killed_by(die, dump), SIGABRT);
	fd = open(CORE, O_RDONLY);
	CHECK(fd >= 0);
	return fd;
}

/* The program header for @addr: where its bytes are in the file. */
static Elf64_Phdr segment(int fd, const void *addr)
{
	Elf64_Ehdr elf;
	Elf64_Phdr segment;

	CHECK_EQ(pread(fd, &elf, sizeof(elf), 0), sizeof(elf));
	for (int i = 0; i < elf.e_phnum; i++) {
		CHECK_EQ(pread(fd, &segment, sizeof(segment),
			       elf.e_phoff + i * sizeof(segment)), sizeof(segment));
		if (segment.p_type == PT_LOAD && segment.p_vaddr <= (uintptr_t)addr &&
		    (uintptr_t)addr < segment.p_vaddr + segment.p_memsz)
			return segment;
	}
	tap_fail(__FILE__, __LINE__, "the core file does not know the region");
}

/* Bytes of the range that the file really stores. */
static off_t stored(int fd, off_t start, off_t end)
{
	off_t sum = 0, data, gap;

	while ((data = lseek(fd, start, SEEK_DATA)) >= 0 && data < end) {
		gap = lseek(fd, data, SEEK_HOLE);
		sum += (gap < end ? gap : end) - data;
		start = gap;
	}
	return sum;
}

static void follows_rss(void)
{
	struct dump dump = { .advice = -1 };
	int fd = core_of(&dump);
	Elf64_Phdr seg = segment(fd, dump.p);
	struct stat st;

	CHECK_EQ(seg.p_filesz, SIZE);
	CHECK_EQ(stored(fd, seg.p_offset, seg.p_offset + SIZE), TOUCHED * page);
	CHECK(!fstat(fd, &st));
	CHECK(st.st_blocks * 512 < (off_t)(TOUCHED * page + 2 * MIB));
	CHECK_EQ(resident(dump.p, SIZE), TOUCHED);
}

static void contents(void)
{
	struct dump dump = { .advice = -1 };
	int fd = core_of(&dump);
	off_t start = segment(fd, dump.p).p_offset;
	char *copy = plain(5 * page);

	for (int i = 0; i < TOUCHED; i++) {
		CHECK_EQ(pread(fd, copy, 5 * page, start + i * 5 * page), 5 * page);
		CHECK_EQ(copy[0], i % 2 ? 0 : (char)(i + 1));
		copy[0] = 0;
		CHECK(all_zero(copy, 5 * page));
	}
}

static void dontdump(void)
{
	struct dump dump = { .advice = MADV_DONTDUMP };
	int fd = core_of(&dump);

	CHECK_EQ(segment(fd, dump.p).p_filesz, 0);
}

static void filter(void)
{
	struct dump dump = { .advice = -1, .filter = "0x30" };
	int fd = core_of(&dump);

	CHECK_EQ(segment(fd, dump.p).p_filesz, 0);
}

static const struct test tests[] = {
	TEST("a core file stores the touched pages, and the holes as holes", follows_rss),
	TEST("a core file holds what the region held", contents),
	TEST("MADV_DONTDUMP keeps a region out of the core file", dontdump),
	TEST("coredump_filter without anonymous memory leaves a region out", filter),
};

TAP_MAIN(tests, no_tamalloc)
