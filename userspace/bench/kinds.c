// SPDX-License-Identifier: GPL-2.0
/* The kinds of memory to compare. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "tamalloc_syscall.h"

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

const struct kind kinds[KINDS] = {
	[ZEROING]   = { "zeroing", "zeroing", FLOOR, MAP_POPULATE, 0, 0 },
	[PLAIN]     = { "plain", "plain", MMAP, 0, 0, 0 },
	[MTHP16]    = { "mthp16", "mTHP 16K", MMAP, 0, MADV_HUGEPAGE, 16 },
	[MTHP64]    = { "mthp64", "mTHP 64K", MMAP, 0, MADV_HUGEPAGE, 64 },
	[MTHP1024]  = { "mthp1024", "mTHP 1M", MMAP, 0, MADV_HUGEPAGE, 1024 },
	[THP]       = { "thp", "THP 2M", MMAP, 0, MADV_HUGEPAGE, 2048 },
	[POPULATED] = { "populate", "POPULATE", MMAP, MAP_POPULATE, 0, 0 },
	[CALLOCED]  = { "calloc", "calloc", CALLOC, 0, 0, 0 },
	[STRICT]    = { "strict", "strict", TAMALLOC, 0, 0, 0 },
	[ADAPTIVE]  = { "adaptive", "adaptive", TAMALLOC, 0, MADV_HUGEPAGE, 0 },
};

/* The settings that change, with the values to restore. */
static struct setting {
	const char *path;
	char before[64];
} settings[] = {
	{ THP_DIR "enabled", "" },
	{ THP_DIR "hugepages-16kB/enabled", "" },
	{ THP_DIR "hugepages-64kB/enabled", "" },
	{ THP_DIR "hugepages-1024kB/enabled", "" },
	{ THP_DIR "hugepages-2048kB/enabled", "" },
	{ THP_DIR "khugepaged/scan_sleep_millisecs", "" },
	{ THP_DIR "khugepaged/pages_to_scan", "" },
};

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

/* "always [madvise] never": the value is the chosen word. */
static void chosen_word(char *text)
{
	char *start = strchr(text, '['), *end = strchr(text, ']');

	text[strcspn(text, "\n")] = '\0';
	if (start && end) {
		*end = '\0';
		memmove(text, start + 1, end - start);
	}
}

static bool has(const char *path)
{
	return !access(path, W_OK);
}

void save_settings(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (read_file(settings[i].path, settings[i].before, sizeof(settings[i].before)))
			chosen_word(settings[i].before);
	if (has(THP_DIR "enabled"))
		write_file(THP_DIR "enabled", "madvise");
	/* khugepaged's instructions would be charged to whichever case it interrupts. */
	if (has(THP_DIR "khugepaged/scan_sleep_millisecs"))
		write_file(THP_DIR "khugepaged/scan_sleep_millisecs", "86400000");
}

void restore_settings(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].before[0] && has(settings[i].path))
			write_file(settings[i].path, settings[i].before);
}

static void folio_file(int kb, char *path, size_t size)
{
	snprintf(path, size, THP_DIR "hugepages-%dkB/enabled", kb);
}

void apply_settings(const struct kind *kind)
{
	char path[128];

	/* A kind without a folio size of its own gets the system's settings. */
	for (size_t i = 1; i < 5; i++)
		if (settings[i].before[0] && has(settings[i].path))
			write_file(settings[i].path, kind->folio_kb ? "never" : settings[i].before);
	if (kind->folio_kb) {
		folio_file(kind->folio_kb, path, sizeof(path));
		write_file(path, "madvise");
	}
}

const char *kind_missing(const struct kind *kind)
{
	char path[128];

	if (kind->source == TAMALLOC && syscall(__NR_tamalloc, 0, NULL) && errno == ENOSYS)
		return "this kernel has no tamalloc (ENOSYS); `make bench` boots one that does";
	folio_file(kind->folio_kb, path, sizeof(path));
	if (kind->folio_kb && !has(path))
		return "this kernel has no folios of that size, or this does not run as root";
	return NULL;
}

/* The floor's memory is mapped before the clock starts. */
static char *mapped_before(size_t bytes)
{
	static char *start;
	static size_t size;

	if (size < bytes) {
		start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, ANON | MAP_POPULATE, -1, 0);
		if (start == MAP_FAILED)
			die("mmap");
		size = bytes;
	}
	return start;
}

struct area get_area(const struct kind *kind, size_t bytes)
{
	struct area area = { .bytes = bytes };

	switch (kind->source) {
	case FLOOR:
		area.start = mapped_before(bytes);
		return area;
	case CALLOC:
		/* A page more: calloc aligns to 16 bytes. */
		area.origin = calloc(1, bytes + page);
		if (!area.origin)
			die("calloc");
		area.start = (char *)(((uintptr_t)area.origin + page - 1) & -page);
		return area;
	case MMAP:
		area.start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, ANON | kind->flags, -1, 0);
		if (area.start == MAP_FAILED)
			die("mmap");
		break;
	case TAMALLOC:
		if (syscall(__NR_tamalloc, bytes, &area.start))
			die("tamalloc");
		break;
	}
	/* A kernel that refuses shows in the figures: it may know no adaptive regions. */
	if (kind->advice)
		madvise(area.start, bytes, kind->advice);
	return area;
}

void put_area(const struct kind *kind, const struct area *area)
{
	if (kind->source == CALLOC)
		free(area->origin);
	else if (kind->source != FLOOR)
		munmap(area->start, area->bytes);
}
