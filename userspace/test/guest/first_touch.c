// SPDX-License-Identifier: GPL-2.0
/* One page and one fault for each first touch, in any order, read or written. */
#include <fcntl.h>

#include "counters.h"
#include "mem.h"
#include "pagemap.h"
#include "random.h"
#include "settings.h"
#include "tap.h"

#define PAGES 640		/* more than one PMD */

typedef size_t (*order_fn)(size_t step);

static size_t forwards(size_t step)
{
	return step;
}

static size_t backwards(size_t step)
{
	return PAGES - 1 - step;
}

/* 7 and 640 are coprime, so each page comes once. */
static size_t strided(size_t step)
{
	return step * 7 % PAGES;
}

/* Always the same shuffle. */
static size_t scattered(size_t step)
{
	static size_t order[PAGES];
	uint64_t state = 1;

	for (size_t i = 0; !step && i < PAGES; i++) {
		size_t j = draw_below(&state, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	return order[step];
}

static void touch_all(order_fn order, bool write)
{
	char *p;

	need_memory(2 * huge);
	p = align(tamalloc(2 * huge), 2 * huge);
	for (size_t step = 0; step < PAGES; step++) {
		char *byte = p + order(step) * page + step * 31 % page;
		long taken = faults();

		if (write)
			poke(byte, 'x');
		else
			CHECK_EQ(peek(byte), 0);
		CHECK_EQ(faults() - taken, 1);
		CHECK_EQ(resident(byte - (uintptr_t)byte % page, page), 1);
		if (step % 50 == 0)
			CHECK_EQ(resident(p, 2 * huge), step + 1);
	}
	CHECK_EQ(resident(p, 2 * huge), PAGES);
}

/* With THP never and with THP always. */
static void both_ways(order_fn order)
{
	set(THP "enabled", "never");
	touch_all(order, true);
	touch_all(order, false);
	set(THP "enabled", "always");
	touch_all(order, true);
	touch_all(order, false);
}

static void sequential(void)
{
	both_ways(forwards);
}

static void reverse(void)
{
	both_ways(backwards);
}

static void stride(void)
{
	both_ways(strided);
}

static void random_order(void)
{
	both_ways(scattered);
}

/* Half of these accesses write, half read. */
static void straddling(void)
{
	char *p;

	set(THP "enabled", "always");
	p = align(tamalloc(2 * huge), 2 * huge);
	for (size_t i = 2; i < 64; i += 4) {
		char *border = p + i * page;
		long taken = faults();

		if (i % 8 == 2)
			*(volatile uint32_t *)(border - 2) = 1;
		else
			CHECK_EQ(*(volatile uint32_t *)(border - 2), 0);
		CHECK_EQ(faults() - taken, 2);
		CHECK_EQ(resident(border - page, 2 * page), 2);
		CHECK_EQ(resident(p, 2 * huge), (i / 4 + 1) * 2);
	}
}

static void short_of_border(void)
{
	long taken;
	char *p;

	set(THP "enabled", "always");
	p = align(tamalloc(huge), huge);
	taken = faults();
	*(volatile uint32_t *)(p + 2 * page - 4) = 1;
	CHECK_EQ(faults() - taken, 1);
	CHECK_EQ(resident(p, huge), 1);
}

static void again(void)
{
	char *p = tamalloc(64 * page);
	long taken;

	for (size_t i = 0; i < 64; i++)
		(void)peek(p + i * page);
	taken = faults();
	for (size_t i = 0; i < 64 * page; i += 64) {
		(void)peek(p + i);
		poke(p + i, 'x');
	}
	CHECK_EQ(faults() - taken, 0);
	CHECK_EQ(resident(p, 64 * page), 64);
}

/* What the kernel accesses for a system call is touched as well. */
static void by_kernel(void)
{
	char *p = align(tamalloc(huge), huge);
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
	int pipes[2];

	set(THP "enabled", "always");
	CHECK(zero >= 0 && null >= 0 && !pipe(pipes));
	CHECK_EQ(read(zero, p, 3 * page), 3 * page);
	CHECK_EQ(resident(p, 64 * page), 3);
	CHECK_EQ(write(pipes[1], p + 10 * page, 2 * page), 2 * page);
	CHECK_EQ(resident(p, 64 * page), 5);
	CHECK_EQ(write(null, p + 20 * page, page), page);	/* reads nothing */
	CHECK_EQ(resident(p, 64 * page), 5);
}

static void sparse(void)
{
	size_t bytes = 64 * MIB;
	long taken;
	char *p;

	set(THP "enabled", "always");
	p = align(tamalloc(bytes), bytes);
	taken = faults();
	for (size_t i = 0; i < bytes; i += 64 * page)
		poke(p + i, 'x');
	CHECK_EQ(faults() - taken, bytes / (64 * page));
	CHECK_EQ(resident(p, bytes), bytes / (64 * page));
}

/* mlock(2) asks for pages by name; what it leaves out stays strict, locked or not. */
static void locked(void)
{
	const size_t bytes = 64 * page;
	char *p = tamalloc(bytes);

	CHECK(!mlock2(p, bytes, MLOCK_ONFAULT));
	check_strict(p, bytes);

	p = tamalloc(bytes);
	CHECK(!mlock(p, bytes / 2));
	CHECK(!munlock(p, bytes / 2));
	CHECK_EQ(resident(p, bytes), 32);
	check_strict(p + bytes / 2, bytes / 2);

	CHECK(!mlockall(MCL_FUTURE | MCL_ONFAULT));
	check_strict(tamalloc(bytes), bytes);
}

#ifdef MAY_NOT_MARK
static void without_hardware(void)
{
	const size_t size = PAGES * page;

	if (!no_adaptive())
		tap_skip("the CPU marks accessed pages");
	set(THP "enabled", "madvise");
	check_strict(with_advice(size), size);
}
#endif

static const struct test tests[] = {
#ifdef MAY_NOT_MARK
	TEST("MADV_HUGEPAGE leaves a region strict if the CPU does not mark accessed pages", without_hardware),
#endif
	TEST("sequential: one page and one fault each", sequential),
	TEST("backwards: one page and one fault each", reverse),
	TEST("strided: one page and one fault each", stride),
	TEST("scattered: one page and one fault each", random_order),
	TEST("an access across a page boundary touches two pages", straddling),
	TEST("an access just below a page boundary touches one page", short_of_border),
	TEST("a touched page takes no further fault", again),
	TEST("system calls touch just the pages they copy", by_kernel),
	TEST("a locked region takes one page and one fault for each that mlock did not fill", locked),
	TEST("touching one page in 64 makes one page in 64 resident", sparse),
};

TAP_MAIN(tests, no_tamalloc)
