// SPDX-License-Identifier: GPL-2.0
/* Core files: how much of the memory they hold. */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "matrix.h"

#define DIR	"/tmp/matrix-core"
#define CORE	DIR "/core"
#define BYTES	(1024 * page)
#define TOUCHED	100
#define STRIDE	5		/* pages from one that is touched to the next */

struct dying {
	char *p;
	int advice;
	const char *filter;
};

static void die(void *arg)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct dying *dying = arg;

	CHECK(!setrlimit(RLIMIT_CORE, &none));
	if (dying->advice)
		CHECK(!madvise(dying->p, BYTES, dying->advice));
	if (dying->filter)
		write_file("/proc/self/coredump_filter", dying->filter);
	abort();
}

static Elf64_Phdr segment(int fd, const void *addr)
{
	Elf64_Phdr segment = {};
	Elf64_Ehdr elf;

	CHECK_EQ(pread(fd, &elf, sizeof(elf), 0), sizeof(elf));
	for (int i = 0; i < elf.e_phnum; i++) {
		CHECK_EQ(pread(fd, &segment, sizeof(segment), elf.e_phoff + i * sizeof(segment)),
			 sizeof(segment));
		if (segment.p_type == PT_LOAD && segment.p_vaddr == (uintptr_t)addr)
			return segment;
	}
	tap_fail(__FILE__, __LINE__, "the core file does not know the memory");
}

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

/* Each page that was touched holds its number or, only read, zero; all else is zero. */
static size_t right_pages(int fd, off_t start, bool written)
{
	const size_t stride = STRIDE * page;
	char *copy = plain(stride);
	size_t right = 0;

	for (size_t i = 0; i < TOUCHED; i++) {
		size_t number;

		CHECK_EQ(pread(fd, copy, stride, start + i * stride), stride);
		memcpy(&number, copy, sizeof(number));
		memset(copy, 0, sizeof(number));
		right += number == (written ? i + 1 : 0) && all_zero(copy, stride);
	}
	return right;
}

static void dump(const struct cell *cell, struct dying dying, bool write)
{
	Elf64_Phdr seg;
	struct stat st;
	int fd;

	mount_at(DIR, "tmpfs");
	set("/proc/sys/kernel/core_pattern", CORE);
	set("/proc/sys/kernel/core_uses_pid", "0");
	dying.p = get(cell, BYTES);
	for (size_t i = 0; i < TOUCHED; i++) {
		char *p = dying.p + i * STRIDE * page;

		if (write)
			*(size_t *)p = i + 1;
		else
			(void)peek(p);
	}
	say("SIG%s", sigabbrev_np(killed_by(die, &dying)));
	fd = open(CORE, O_RDONLY);
	CHECK(fd >= 0);
	seg = segment(fd, dying.p);
	say("%lu pages in the file", seg.p_filesz / page);
	say("%lu stored", stored(fd, seg.p_offset, seg.p_offset + seg.p_filesz) / page);
	if (seg.p_filesz)
		say("%zu right", right_pages(fd, seg.p_offset, write));
	CHECK(!fstat(fd, &st));
	say(st.st_blocks * 512 < (off_t)(TOUCHED * page + 2 * MIB) ? "a small file" : "a LARGE file");
	say("own: %ld resident", usage(dying.p, BYTES / page, "Rss"));
}

static void written(const struct cell *cell)
{
	dump(cell, (struct dying){ .advice = cell->arg }, true);
}

static void only_read(const struct cell *cell)
{
	dump(cell, (struct dying){}, false);
}

static void filtered(const struct cell *cell)
{
	dump(cell, (struct dying){ .filter = "0x30" }, true);
}

const struct row dump_rows[] = {
	{ "1024 pages, 100 of them written", written },
	{ "1024 pages, 100 of them only read", only_read, 0, READ_POPULATES },
	{ "MADV_DONTDUMP", written, MADV_DONTDUMP },
	{ "MADV_DODUMP", written, MADV_DODUMP },
	{ "MADV_WIPEONFORK", written, MADV_WIPEONFORK },
	{ "coredump_filter without anonymous memory", filtered },
	{}
};
