// SPDX-License-Identifier: GPL-2.0
/* Core files: what of the memory they hold. */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "matrix.h"

#define DIR	"/tmp/matrix-core"
#define CORE	DIR "/core"
#define BYTES	(4 * MIB)
#define TOUCHED	100

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

static void dump(const struct cell *cell, struct dying dying, bool write)
{
	Elf64_Phdr seg;
	size_t right = 0;
	char word[8];
	int fd;

	mount_at(DIR, "tmpfs");
	set("/proc/sys/kernel/core_pattern", CORE);
	set("/proc/sys/kernel/core_uses_pid", "0");
	dying.p = get(cell, BYTES);
	for (size_t i = 0; i < TOUCHED; i++) {
		if (write)
			memcpy(dying.p + i * 5 * page, "written", 8);
		else
			read_all(dying.p + i * 5 * page, 1);
	}
	say("SIG%s", sigabbrev_np(killed_by(die, &dying)));
	fd = open(CORE, O_RDONLY);
	CHECK(fd >= 0);
	seg = segment(fd, dying.p);
	say("%lu pages in the file", seg.p_filesz / page);
	say("%lu stored", stored(fd, seg.p_offset, seg.p_offset + seg.p_filesz) / page);
	for (size_t i = 0; i < TOUCHED && seg.p_filesz; i++)
		right += pread(fd, word, 8, seg.p_offset + i * 5 * page) == 8 &&
			!memcmp(word, write ? "written" : "\0\0\0\0\0\0\0", 8);
	if (seg.p_filesz)
		say("%zu right", right);
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
	{ "4 MiB with 100 pages written", written },
	{ "4 MiB with 100 pages only read", only_read, 0, READ_ALLOCATES },
	{ "MADV_DONTDUMP", written, MADV_DONTDUMP },
	{ "MADV_DODUMP", written, MADV_DODUMP },
	{ "MADV_WIPEONFORK", written, MADV_WIPEONFORK },
	{ "coredump_filter without anonymous memory", filtered },
	{}
};
