// SPDX-License-Identifier: GPL-2.0
/*
 * Would tamalloc help a process that does not use it? What can be seen from outside: which
 * pages of its huge pages hold only zeroes, and what it has read and not written. Nothing is
 * populated for it: contents are read where pagemap says that a page is present.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "printable.h"
#include "tamstat.h"

#define ROOT_ONLY "; root can read it"

struct look {
	struct advice *advice;
	const struct region *region;
	int mem;
	unsigned long page, huge;	/* bytes */
	bool old;			/* pagemap does not tell which pages are huge */
	unsigned long *blocks;		/* of this region, by how many of their pages are zero */
	unsigned long present;		/* pages of this region */
	int error;			/* the first */
};

static void set(struct advice *advice, int figure, unsigned long kilobytes, const char *how)
{
	struct figure *f = &advice->figures[figure];

	f->kilobytes = kilobytes;
	f->known = true;
	snprintf(f->how, sizeof(f->how), "%s", how);
}

static void __attribute__((format(printf, 3, 4)))
not_known(struct advice *advice, int figure, const char *format, ...)
{
	struct figure *f = &advice->figures[figure];
	va_list args;

	f->known = false;
	va_start(args, format);
	vsnprintf(f->how, sizeof(f->how), format, args);
	va_end(args);
}

static void add(struct advice *advice, int figure, unsigned long kilobytes)
{
	advice->figures[figure].kilobytes += kilobytes;
}

/* How many pages there hold only zeroes. What has gone meanwhile does not count. */
static unsigned long zero_pages(struct look *look, unsigned long start, unsigned long end)
{
	static char buffer[256 << 10];
	unsigned long zeroes = 0;

	while (start < end) {
		size_t size = end - start < sizeof(buffer) ? end - start : sizeof(buffer);
		ssize_t got = pread(look->mem, buffer, size, start);

		if (got < (ssize_t)look->page) {
			if (got < 0 && errno != EIO && !look->error)
				look->error = errno;
			break;
		}
		got -= got % look->page;
		for (char *p = buffer; p < buffer + got; p += look->page)
			zeroes += !*p && !memcmp(p, p + 1, look->page - 1);
		start += got;
	}
	return zeroes;
}

/* Of @pages that came at once, strict memory would hold those that are not zero. */
static void count_savings(struct look *look, unsigned long pages, unsigned long zeroes)
{
	unsigned long kb = look->page >> 10, twice = 2 * (pages - zeroes);

	add(look->advice, FIG_ZEROES, zeroes * kb);
	add(look->advice, FIG_STRICT, zeroes * kb);
	add(look->advice, FIG_ADAPTIVE, twice < pages ? (pages - twice) * kb : 0);
}

static void see(const struct run *run, void *arg)
{
	struct look *look = arg;
	unsigned long pages = (run->end - run->start) / look->page;
	bool in_folio = run->state & LARGE && !(run->state & HUGE);

	if (run->state & SWAPPED)
		return;
	look->present += pages;
	if (run->state & ZERO)
		add(look->advice, FIG_READ_ONLY, pages * look->page >> 10);
	if (in_folio)
		add(look->advice, FIG_FOLIOS, pages * look->page >> 10);
	if (run->state & ZERO || look->mem < 0 || look->region->userfaultfd)
		return;
	if (in_folio) {
		count_savings(look, pages, zero_pages(look, run->start, run->end));
	} else if (run->state & HUGE || (look->old && look->region->huge)) {
		unsigned long start = (run->start + look->huge - 1) & -look->huge;

		for (; start + look->huge <= run->end; start += look->huge)
			look->blocks[zero_pages(look, start, start + look->huge)]++;
	}
}

/*
 * An old kernel tells how much of a region is in huge pages, and not which pages these are:
 * then they are taken to be those with most zeroes.
 */
static void count_blocks(struct look *look)
{
	unsigned long pages = look->huge / look->page, left = look->region->huge / (look->huge >> 10);

	for (long zeroes = pages; zeroes >= 0; zeroes--) {
		for (; left && look->blocks[zeroes]; left--, look->blocks[zeroes]--)
			count_savings(look, pages, zeroes);
		look->blocks[zeroes] = 0;
	}
}

static int look_at_pages(struct look *look)
{
	struct advice *advice = look->advice;
	const struct region *region = look->region;
	int error = ENOTTY;

	look->present = 0;
	if (!look->old)
		error = scan_pages(advice->process.pid, region, see, look);
	if (error == ENOTTY) {
		look->old = true;
		error = read_pages(advice->process.pid, region, see, look);
		/* smaps counts what is resident, and pagemap the page of zeroes too. */
		if (look->present * look->page >> 10 > region->resident)
			add(advice, FIG_READ_ONLY, (look->present * look->page >> 10) - region->resident);
	}
	if (look->mem < 0 || region->userfaultfd || error)
		advice->unread += region->huge;
	else
		count_blocks(look);
	return error;
}

static void say_how(struct look *look, int pages_error, int mem_error)
{
	struct advice *advice = look->advice;
	const char *why = pages_error ? "pagemap" : "mem";
	int error = pages_error ? pages_error : mem_error;

	set(advice, FIG_READ_ONLY, advice->figures[FIG_READ_ONLY].kilobytes,
	    look->old ? "pagemap: present, less Rss" : "pagemap: PFNZERO");
	if (pages_error)
		not_known(advice, FIG_READ_ONLY, "pagemap: %s", strerror(pages_error));
	set(advice, FIG_FOLIOS, advice->figures[FIG_FOLIOS].kilobytes, "kpageflags: compound");
	if (pages_error)
		not_known(advice, FIG_FOLIOS, "pagemap: %s", strerror(pages_error));
	else if (look->old)
		not_known(advice, FIG_FOLIOS, "not looked for before Linux 6.7");
	else if (folios_error())
		not_known(advice, FIG_FOLIOS, "kpageflags: %s", folios_error() == EACCES ?
			  "only root can read it" : strerror(folios_error()));
	set(advice, FIG_ZEROES, advice->figures[FIG_ZEROES].kilobytes, "mem, where pagemap says present");
	if (error)
		not_known(advice, FIG_ZEROES, "%s: %s%s", why, strerror(error),
			  error == EACCES || error == EPERM ? ROOT_ONLY : "");
	else if (advice->unread)
		not_known(advice, FIG_ZEROES, "userfaultfd: reading could wait for it");
	set(advice, FIG_STRICT, advice->figures[FIG_STRICT].kilobytes + advice->unread,
	    advice->unread ? "all, as the zero ones are not known" : "the zero ones, if never touched");
	set(advice, FIG_ADAPTIVE, advice->figures[FIG_ADAPTIVE].kilobytes + advice->unread,
	    advice->unread ? "all, as the zero ones are not known" : "keeping twice what is not zero");
}

static void look_at_regions(struct look *look)
{
	struct advice *advice = look->advice;
	const struct process *process = &advice->process;
	int mem_error, pages_error = 0;

	look->mem = open_memory(procfs, process->pid, "mem");
	mem_error = look->mem < 0 ? errno : 0;
	for (size_t i = 0; i < process->count; i++) {
		const struct region *region = &process->regions[i];
		int error;

		if (region->tamalloc) {
			add(advice, FIG_TAMALLOC, region->resident + region->swapped);
			continue;
		}
		add(advice, FIG_RESERVED, kilobytes(region));
		add(advice, FIG_RESIDENT, region->resident);
		add(advice, FIG_SWAPPED, region->swapped);
		add(advice, FIG_HUGE, region->huge);
		look->region = region;
		error = look_at_pages(look);
		if (error && !pages_error)
			pages_error = error;
	}
	if (look->mem >= 0)
		close(look->mem);
	say_how(look, pages_error, mem_error ? mem_error : look->error);
}

static void append(char **text, const char *more, size_t length)
{
	char *longer;

	if (asprintf(&longer, "%s%.*s", *text, (int)length, more) < 0)
		abort();
	free(*text);
	*text = longer;
}

/* An argument as a shell takes it. */
static void append_quoted(char **text, const char *argument)
{
	static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		"%+,-./:=@_";

	if (**text)
		append(text, " ", 1);
	if (*argument && !argument[strspn(argument, harmless)]) {
		append(text, argument, strlen(argument));
		return;
	}
	append(text, "'", 1);
	for (; *argument; argument++)
		append(text, *argument == '\'' ? "'\\''" : argument, *argument == '\'' ? 4 : 1);
	append(text, "'", 1);
}

static char *read_command_line(int pid)
{
	int fd = open_memory(procfs, pid, "cmdline");
	char arguments[4096], *text = strdup("");
	ssize_t length = fd < 0 ? 0 : read(fd, arguments, sizeof(arguments) - 1);

	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < length; i += strlen(arguments + i) + 1) {
		arguments[length] = 0;
		append_quoted(&text, arguments + i);
	}
	/* A longer one would run as something else. */
	if (length == sizeof(arguments) - 1)
		append(&text, " ...", 4);
	make_printable(text);
	return text;
}

int read_advice(int pid, struct advice *advice)
{
	struct look look = { .advice = advice, .page = sysconf(_SC_PAGESIZE) };
	unsigned long taken;
	int error;

	memset(advice, 0, sizeof(*advice));
	error = read_anonymous(pid, &advice->process);
	if (error)
		return error;
	advice->command_line = read_command_line(pid);
	advice->call_error = tamalloc_error();
	advice->setting = huge_pages_setting();
	/* What a table of page table entries maps, each of 8 bytes. */
	look.huge = look.page / 8 * look.page;
	look.blocks = calloc(look.huge / look.page + 1, sizeof(*look.blocks));
	if (!look.blocks)
		abort();
	look_at_regions(&look);
	free(look.blocks);

	set(advice, FIG_RESERVED, advice->figures[FIG_RESERVED].kilobytes, "smaps: Size, private and anonymous");
	set(advice, FIG_RESIDENT, advice->figures[FIG_RESIDENT].kilobytes, "smaps: Rss of that");
	set(advice, FIG_SWAPPED, advice->figures[FIG_SWAPPED].kilobytes, "smaps: Swap");
	set(advice, FIG_HUGE, advice->figures[FIG_HUGE].kilobytes, "smaps: AnonHugePages");
	if (!advice->process.tells_huge)
		not_known(advice, FIG_HUGE, "smaps: has no AnonHugePages");
	set(advice, FIG_TAMALLOC, advice->figures[FIG_TAMALLOC].kilobytes, "smaps: tm; not counted above");
	taken = advice->figures[FIG_RESIDENT].kilobytes + advice->figures[FIG_SWAPPED].kilobytes;
	set(advice, FIG_UNTOUCHED, advice->figures[FIG_RESERVED].kilobytes - taken, "takes no memory as it is");
	return 0;
}

void free_advice(struct advice *advice)
{
	free_process(&advice->process);
	free(advice->command_line);
}

const char *figure_name(int figure)
{
	static const char *const names[FIGURES] = {
		[FIG_RESERVED] = "reserved",
		[FIG_UNTOUCHED] = "untouched",
		[FIG_RESIDENT] = "resident",
		[FIG_SWAPPED] = "swapped",
		[FIG_HUGE] = "in huge pages",
		[FIG_FOLIOS] = "in smaller folios",
		[FIG_ZEROES] = "zero pages in these",
		[FIG_READ_ONLY] = "read, not written",
		[FIG_STRICT] = "strict saves up to",
		[FIG_ADAPTIVE] = "adaptive saves up to",
		[FIG_TAMALLOC] = "tamalloc already",
	};

	return names[figure];
}

bool matters(const struct advice *advice, int figure)
{
	unsigned long kilobytes = advice->figures[figure].kilobytes;

	return kilobytes >= 1024 && kilobytes >= advice->figures[FIG_RESIDENT].kilobytes / 100;
}
