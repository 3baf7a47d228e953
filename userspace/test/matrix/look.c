// SPDX-License-Identifier: GPL-2.0
/* Filling memory, touching it, and what the kernel says of it. */
#include <setjmp.h>
#include <signal.h>

#include "half.h"
#include "matrix.h"

#define BATCH 512
#define PATIENCE 12000	/* times 10 ms: a debug kernel is slow */

/* Once it is where it stays. */
static char *ready(const struct cell *cell, char *p, size_t size)
{
	return cell->kind->half ? half_touched(p, size) : p;
}

char *get(const struct cell *cell, size_t size)
{
	return ready(cell, align(cell->kind->map(size), size), size);
}

char *in_the_middle(const struct cell *cell)
{
	return ready(cell, move_to(cell->kind->map(SIZE), SIZE, (char *)hole(3 * SIZE) + SIZE), SIZE);
}

static size_t *last_word(const char *p)
{
	return (size_t *)(p + page - sizeof(size_t));
}

void fill(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++, p += page)
		if (!spared(p))
			*(size_t *)p = *last_word(p) = i + 1;
}

size_t swapped(const char *p, size_t pages)
{
	return in_swap(p, pages * page);
}

const char *contents(const char *p, size_t pages)
{
	static char text[80];
	size_t kept = 0, zero = 0, wrong = 0;
	uint64_t entry[BATCH];

	for (size_t i = 0; i < pages; i++, p += page) {
		if (i % BATCH == 0)
			pagemap_read(p, entry, pages - i < BATCH ? pages - i : BATCH);
		if (!(entry[i % BATCH] & PM_POPULATED) || spared(p))
			continue;
		if (*(size_t *)p == i + 1 && *last_word(p) == i + 1)
			kept++;
		else if (all_zero(p, page))
			zero++;
		else
			wrong++;
	}
	if (!wrong && !zero && !kept)
		return "nothing there";
	if (!wrong && !zero)
		return "contents kept";
	if (!wrong && !kept)
		return "all zero";
	snprintf(text, sizeof(text), "%zu kept, %zu zero, %zu WRONG", kept, zero, wrong);
	if (!wrong)
		*strstr(text, ", 0 WRONG") = '\0';
	return text;
}

static sigjmp_buf before;
static siginfo_t told;

static void note_signal(int number, siginfo_t *info, void *unused)
{
	(void)unused;
	told = *info;
	siglongjmp(before, number);
}

static const char *signal_code(void)
{
	if (told.si_signo == SIGSEGV)
		return told.si_code == SEGV_MAPERR ? "MAPERR" : told.si_code == SEGV_ACCERR ?
			"ACCERR" : told.si_code == SEGV_PKUERR ? "PKUERR" : "code?";
	return told.si_code == BUS_MCEERR_AR ? "MCEERR_AR" : told.si_code == BUS_ADRERR ?
		"ADRERR" : "code?";
}

const char *touch(char *p, char how)
{
	const struct sigaction action = { .sa_sigaction = note_signal, .sa_flags = SA_SIGINFO };
	static char text[40];
	struct sigaction segv, bus;
	int number;

	sigaction(SIGSEGV, &action, &segv);
	sigaction(SIGBUS, &action, &bus);
	number = sigsetjmp(before, 1);
	strcpy(text, "ok");
	if (number)
		snprintf(text, sizeof(text), "SIG%s %s", sigabbrev_np(number), signal_code());
	else if (how == 'w')
		poke(p, 'x');
	else
		(void)peek(p);
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return text;
}

void read_all(const char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++, p += page)
		if (!spared(p))
			(void)peek(p);
}

void write_all(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++, p += page)
		if (!spared(p))
			poke(p, 'x');
}

long smaps(const char *p, size_t pages, const char *name)
{
	return smaps_kb(p, pages * page, name);
}

long usage(const char *p, size_t pages, const char *name)
{
	return smaps(p, pages, name) / (long)(page / KIB);
}

static void leave_out(char *flags, const char *flag)
{
	char *own = strstr(flags, flag);

	if (own)
		memmove(own, own + strlen(flag), strlen(own + strlen(flag)) + 1);
}

const char *flags_of(const struct cell *cell, const char *p)
{
	static struct vma vma;

	CHECK(find_vma(p, &vma));
	leave_out(vma.flags, " " REGION_FLAG);
	if (cell->kind->advised)
		leave_out(vma.flags, " hg");
	vma.flags[strcspn(vma.flags, "\n")] = '\0';
	for (char *end = vma.flags + strlen(vma.flags); end > vma.flags && end[-1] == ' ';)
		*--end = '\0';
	return vma.flags + 1;
}

void wait_for_growth(const char *path, long more)
{
	long start = number(path);

	for (int i = 0; i < PATIENCE; i++) {
		if (number(path) >= start + more)
			return;
		usleep(10000);
	}
	tap_fail(__FILE__, __LINE__, "%s stays at %ld", path, number(path));
}

/* MADV_COLD drains them on its CPU before it looks for pages, of which there is none here. */
void drain_lru(void)
{
	char *p = plain(page);

	CHECK(!madvise(p, page, MADV_COLD));
	munmap(p, page);
}
