// SPDX-License-Identifier: GPL-2.0
/* What the call returns, writes and leaves behind, as tamalloc(2) says. */
#include <stdint.h>

#include "counters.h"
#include "entries.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "tap.h"

#define CANARY 0xa5

static void success(void)
{
	void *addr = NULL;

	CHECK_EQ(tamalloc_call(10 * page, &addr), 0);
	CHECK(addr);
	CHECK_EQ((uintptr_t)addr % page, 0);
	CHECK(is_region(addr));
}

static void permissions(void)
{
	struct vma vma;

	CHECK(find_vma(tamalloc(page), &vma));
	CHECK(!strcmp(vma.perms, "rw-p"));
}

static void rounding(void)
{
	const size_t sizes[][2] = {
		{ 1, 1 }, { page - 1, 1 }, { page, 1 }, { page + 1, 2 },
		{ 3 * page - 1, 3 }, { 10 * MIB, 10 * MIB / page },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		long before = vm_size();
		char *p = tamalloc(sizes[i][0]);

		CHECK_EQ((vm_size() - before) * 1024, sizes[i][1] * page);
		poke(p, 1);
		poke(p + sizes[i][1] * page - 1, 1);
	}
}

static void no_touch(void)
{
	long taken = faults();
	char *p = tamalloc(MIB);

	CHECK_EQ(faults() - taken, 0);
	CHECK_EQ(resident(p, MIB), 0);
}

static void release(void)
{
	long before = vm_size();
	int maps = map_count();
	char *p = tamalloc(MIB);

	poke(p, 1);
	CHECK(!munmap(p, MIB));
	CHECK_EQ(vm_size(), before);
	CHECK_EQ(map_count(), maps);
}

/* A refused call leaves the process and *addr as they were. */
static void refused(size_t size, int err)
{
	void *untouched = (void *)0x5a5a5a, *addr = untouched;
	long before = vm_size();
	int maps = map_count();

	CHECK_FAILS(tamalloc_call(size, &addr), err);
	CHECK(addr == untouched);
	CHECK_EQ(vm_size(), before);
	CHECK_EQ(map_count(), maps);
}

static void size_zero(void)
{
	refused(0, EINVAL);
	CHECK_FAILS(tamalloc_call(0, NULL), EINVAL);
}

static void overflow(void)
{
	refused(SIZE_MAX, ENOMEM);
	refused(SIZE_MAX - page + 2, ENOMEM);
}

static void too_large(void)
{
	refused(SIZE_MAX - page + 1, ENOMEM);
	refused(SIZE_MAX - 16 * page, ENOMEM);
}

static void faulty(void *addr)
{
	long before;
	int maps;

	before = vm_size();
	maps = map_count();
	for (int i = 0; i < 3; i++)
		CHECK_FAILS(tamalloc_call(MIB, addr), EFAULT);
	CHECK_EQ(vm_size(), before);
	CHECK_EQ(map_count(), maps);
}

static void fault_null(void)
{
	faulty(NULL);
}

static void fault_unmapped(void)
{
	/* Not a page just unmapped: the kernel may put the region there. */
	faulty((void *)(32 * page));
}

static void fault_read_only(void)
{
	char *p = plain(page);

	poke(p, 7);
	CHECK(!mprotect(p, page, PROT_READ));
	faulty(p);
	CHECK_EQ(peek(p), 7);
}

static void fault_straddling(void)
{
	char *p = plain(2 * page);

	CHECK(!munmap(p + page, page));
	faulty(p + page - 1);
	faulty(p + page - sizeof(long) / 2);
}

static void fault_kernel(void)
{
	faulty((void *)(-4 * page));
	faulty((void *)(SIZE_MAX / 2 + 1 + (sizeof(long) == 4 ? SIZE_MAX / 2 : 0)));
}

static void width(void)
{
	unsigned char buf[4 * sizeof(long)];
	unsigned char *word = buf + sizeof(long);
	void *addr;

	memset(buf, CANARY, sizeof(buf));
	CHECK(!tamalloc_call(page, word));
	memcpy(&addr, word, sizeof(addr));
	CHECK(is_region(addr));
	for (size_t i = 0; i < sizeof(buf); i++)
		if (buf + i < word || buf + i >= word + sizeof(long))
			CHECK_EQ(buf[i], CANARY);
}

static void unaligned(void)
{
	char buf[sizeof(void *) + 1];
	void *addr;

	CHECK(!tamalloc_call(page, buf + 1));
	memcpy(&addr, buf + 1, sizeof(addr));
	CHECK(is_region(addr));
}

static void into_region(void)
{
	void **first = tamalloc(page);

	CHECK(!tamalloc_call(page, first));
	CHECK(is_region(*first));
	CHECK_EQ(resident(first, page), 1);
}

#ifdef __x86_64__
static void by_i386(void)
{
	unsigned char *low = mmap(NULL, page, RW, ANON | MAP_32BIT, -1, 0);
	uint32_t word;

	CHECK(low != MAP_FAILED);
	for (int i = 0; i < 16; i++) {
		memset(low, CANARY, 16);
		CHECK_EQ(int80(SYS_tamalloc, MIB, (uintptr_t)(low + 4)), 0);
		memcpy(&word, low + 4, sizeof(word));
		CHECK(is_region((void *)(uintptr_t)word));
		CHECK_EQ(low[3], CANARY);
		CHECK_EQ(low[8], CANARY);
		poke((char *)(uintptr_t)word + MIB - 1, 1);
	}
}

static void i386_errors(void)
{
	char *low = mmap(NULL, page, RW, ANON | MAP_32BIT, -1, 0);
	long before = vm_size();

	CHECK_EQ(int80(SYS_tamalloc, 0, (uintptr_t)low), -EINVAL);
	CHECK_EQ(int80(SYS_tamalloc, 0xffffffff, (uintptr_t)low), -ENOMEM);
	CHECK_EQ(int80(SYS_tamalloc, 0xfffff000, (uintptr_t)low), -ENOMEM);
	CHECK_EQ(int80(SYS_tamalloc, page, 0), -EFAULT);
	CHECK_EQ(vm_size(), before);
}

/* From 64-bit code, by a bit in the system call number. */
static void by_x32(void)
{
	unsigned char *low = mmap(NULL, page, RW, ANON | MAP_32BIT, -1, 0);
	uint32_t word;

	CHECK(low != MAP_FAILED);
	memset(low, CANARY, 16);
	if (syscall(X32_BIT | SYS_getpid) < 0)
		tap_skip("this kernel has no x32 (X86_X32_ABI)");
	CHECK(!syscall(X32_BIT | SYS_tamalloc, MIB, low + 4));
	memcpy(&word, low + 4, sizeof(word));
	CHECK(is_region((void *)(uintptr_t)word));
	CHECK_EQ(low[3], CANARY);
	CHECK_EQ(low[8], CANARY);
}
#endif

static const struct test tests[] = {
	TEST("success returns 0 and writes a page-aligned address", success),
	TEST("the region is readable, writable and private", permissions),
	TEST("a size is rounded up to whole pages", rounding),
	TEST("the call takes no fault and allocates no page", no_touch),
	TEST("munmap gives back the address space and the mapping", release),
	TEST("size 0 is EINVAL, whatever addr is", size_zero),
	TEST("a size that overflows when rounded up is ENOMEM", overflow),
	TEST("a size larger than the address space is ENOMEM", too_large),
	TEST("a null addr is EFAULT and leaves nothing mapped", fault_null),
	TEST("an unmapped addr is EFAULT and leaves nothing mapped", fault_unmapped),
	TEST("a read-only addr is EFAULT and leaves nothing mapped", fault_read_only),
	TEST("a half-mapped addr is EFAULT and leaves nothing mapped", fault_straddling),
	TEST("an addr in the kernel is EFAULT and leaves nothing mapped", fault_kernel),
	TEST("exactly one unsigned long is written", width),
	TEST("addr need not be aligned", unaligned),
	TEST("addr may lie in another region; writing it touches that page", into_region),
#ifdef __x86_64__
	TEST("the i386 entry writes 4 bytes and stays below 4 GiB", by_i386),
	TEST("the i386 entry returns the same errors", i386_errors),
	TEST("the x32 entry writes 4 bytes and stays below 4 GiB", by_x32),
#endif
};

TAP_MAIN(tests, no_tamalloc)
