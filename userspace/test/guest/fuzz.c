// SPDX-License-Identifier: GPL-2.0
/*
 * Random hostile arguments, checked against an oracle: the result that the man page
 * promises for them.
 *
 *	fuzz [calls=N] [seed=N] [PATTERN]
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "entries.h"
#include "maps.h"
#include "mem.h"
#include "random.h"
#include "tap.h"
#include "uffd.h"

#define DEFAULT_CALLS	200000
#define CANARY		0xa5
#define FUZZERS		2	/* threads that call */
#define DISTURBERS	2	/* threads that map, protect and unmap meanwhile */

static unsigned long calls = DEFAULT_CALLS, seed;

/* An entry to the kernel. Its functions return 0 or -errno. */
struct entry {
	unsigned int word;		/* bytes in the caller's unsigned long */
	uint64_t mask;			/* the bits of an argument that the kernel sees */
	uint64_t fits, too_large;	/* lengths that always fit, that never do */
	long (*tamalloc)(uint64_t size, uint64_t addr);
	long (*mmap)(uint64_t len);	/* 0: there is room for @len */
};

static long result(long ret)
{
	return ret == -1 ? -errno : ret;
}

static long room(void *p, uint64_t len)
{
	if (p == MAP_FAILED)
		return -errno;
	CHECK(!munmap(p, len));
	return 0;
}

static long native_tamalloc(uint64_t size, uint64_t addr)
{
	return result(tamalloc_call(size, (void *)(uintptr_t)addr));
}

static long native_mmap(uint64_t len)
{
	return room(mmap(NULL, len, RW, ANON, -1, 0), len);
}

static struct entry native = {
	.word = sizeof(long), .mask = UINTPTR_MAX,
	.tamalloc = native_tamalloc, .mmap = native_mmap,
};

static void __attribute__((constructor)) measure_space(void)
{
	native.too_large = address_space_size();
	native.fits = native.too_large / 4;
}

#ifdef __x86_64__
static long i386_tamalloc(uint64_t size, uint64_t addr)
{
	return int80(SYS_tamalloc, size, addr);
}

/* i386's old mmap takes its arguments from memory. */
static long i386_mmap(uint64_t len)
{
	static uint32_t *args;
	uint32_t ret;

	if (!args)
		args = mmap(NULL, page, RW, ANON | MAP_32BIT, -1, 0);
	CHECK(args != MAP_FAILED);
	memcpy(args, (uint32_t []){ 0, len, RW, ANON, -1, 0 }, 6 * sizeof(*args));
	ret = int80(90, (uintptr_t)args, 0);
	if (ret > -4096U)
		return (int)ret;
	return room((void *)(uintptr_t)ret, len);
}

static long x32_tamalloc(uint64_t size, uint64_t addr)
{
	return result(syscall(X32_BIT | SYS_tamalloc, size, addr));
}

static long x32_mmap(uint64_t len)
{
	return room((void *)syscall(X32_BIT | SYS_mmap, 0, len, RW, ANON, -1, 0), len);
}

static const struct entry i386 = {
	.word = 4, .mask = UINT32_MAX, .fits = 1ULL << 28, .too_large = 0xffffe000,
	.tamalloc = i386_tamalloc, .mmap = i386_mmap,
};

static const struct entry x32 = {
	.word = 4, .mask = UINT64_MAX, .fits = 1ULL << 28, .too_large = 1ULL << 32,
	.tamalloc = x32_tamalloc, .mmap = x32_mmap,
};
#endif

/* Near powers of two, near whole pages, near 0 and the largest number. */
static uint64_t draw_size(uint64_t *state)
{
	const uint64_t power = 1ULL << draw(state) % 64;
	const uint64_t near = draw(state) % 5 - 2;
	const uint64_t pages = (draw(state) % 5 - 2) * page;

	switch (draw(state) % 6) {
	case 0: return power + near;
	case 1: return power + pages + near;
	case 2: return (draw(state) & (2 * power - 1) & -page) + near;
	case 3: return draw(state) & (2 * power - 1);
	case 4: return pages + near;
	default: return power;
	}
}

/* What happens to a result at an address. */
enum outcome {
	WRITTEN,	/* if it fits into the page */
	REFUSED,
	VACANT,		/* refused, unless the new region lies there */
};

static int memfd(size_t bytes)
{
	int fd = memfd_create("fuzz", 0);

	CHECK(fd >= 0);
	CHECK(!ftruncate(fd, bytes));
	return fd;
}

static void map_file(char *p, size_t bytes)
{
	int fd = memfd(bytes);

	CHECK(mmap(p, page, RW, MAP_SHARED | MAP_FIXED, fd, 0) == p);
	close(fd);
}

/* It does not handle the kernel's faults, so a missing page is refused. */
static int open_uffd(char *p, int mode)
{
	int uffd = uffd_open(O_NONBLOCK | UFFD_USER_MODE_ONLY, 0);

	CHECK(uffd >= 0);
	CHECK(!uffd_register(uffd, p, page, mode));
	return uffd;
}

static void make_written(char *p)
{
	memset(p, CANARY, page);
}

static void make_read_only(char *p)
{
	memset(p, CANARY, page);
	CHECK(!mprotect(p, page, PROT_READ));
}

static void make_no_access(char *p)
{
	CHECK(!mprotect(p, page, PROT_NONE));
}

static void make_region(char *p)
{
	move_to(tamalloc(page), page, p);
}

static void make_region_read_only(char *p)
{
	make_region(p);
	make_read_only(p);
}

static void make_file(char *p)
{
	map_file(p, page);
	memset(p, CANARY, page);
}

static void make_beyond_file(char *p)
{
	map_file(p, 0);
}

static void make_uffd_missing(char *p)
{
	open_uffd(p, UFFDIO_REGISTER_MODE_MISSING);
}

/* If the kernel can: else read-only. */
static void make_uffd_wp(char *p)
{
	memset(p, CANARY, page);
	if (uffd_can_protect())
		CHECK(!uffd_protect(open_uffd(p, UFFDIO_REGISTER_MODE_WP), p, page, true));
	else
		CHECK(!mprotect(p, page, PROT_READ));
}

/* Without protection keys in the CPU: read-only. */
static void make_pkey(char *p)
{
	int key = pkey_alloc(0, PKEY_DISABLE_WRITE);

	memset(p, CANARY, page);
	CHECK(!(key < 0 ? mprotect(p, page, PROT_READ) : pkey_mprotect(p, page, RW, key)));
}

static void untouch(char *p)
{
	CHECK(!madvise(p, page, MADV_DONTNEED));
}

static void unmap(char *p)
{
	CHECK(mmap(p, page, RW, ANON | MAP_FIXED, -1, 0) == p);
	poke(p, 1);
	CHECK(!munmap(p, 2 * page));
}

/* A page that the fuzzer makes; the one behind it is not accessible. */
static const struct kind {
	const char *name;
	enum outcome outcome;
	void (*make)(char *p);
	void (*renew)(char *p);		/* before each call */
	int background;			/* the value of every byte; -1: cannot be read */
} kinds[] = {
	{ "written",		WRITTEN, make_written,		make_written,	CANARY },
	{ "untouched",		WRITTEN, untouch,		untouch,	0 },
	{ "a region",		WRITTEN, make_region,		untouch,	0 },
	{ "a file",		WRITTEN, make_file,		make_written,	CANARY },
	{ "read-only",		REFUSED, make_read_only,	NULL,		CANARY },
	{ "a region, read-only", REFUSED, make_region_read_only, NULL,		CANARY },
	{ "write-disabled key",	REFUSED, make_pkey,		NULL,		CANARY },
	{ "uffd-wp",		REFUSED, make_uffd_wp,		NULL,		CANARY },
	{ "uffd missing",	REFUSED, make_uffd_missing,	NULL,		-1 },
	{ "no access",		REFUSED, make_no_access,	NULL,		-1 },
	{ "beyond a file",	REFUSED, make_beyond_file,	NULL,		-1 },
	{ "just unmapped",	VACANT,	 unmap,			unmap,		-1 },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* Addresses that have the same meaning in every process; the first two stand for others. */
#define END_OF_USER	1
#define BEYOND_USER	2
static const struct {
	uint64_t addr;
	enum outcome outcome;
} fixed[] = {
	{ 0,			REFUSED },
	{ 0x1000,		VACANT },
	{ 0xf000,		VACANT },
	{ END_OF_USER,		REFUSED },
	{ BEYOND_USER,		REFUSED },	/* on x86 not canonical, from here ... */
	{ 0xdead000000000100,	REFUSED },
	{ 0xffff7ffffffff000,	REFUSED },	/* ... to here */
	{ 0xffff888000000000,	REFUSED },	/* the kernel's memory, text, vsyscall */
	{ 0xffffffff81000000,	REFUSED },
	{ 0xffffffffff600000,	REFUSED },
	{ 0xfffffffffffff000,	REFUSED },
};

#define FIXED (sizeof(fixed) / sizeof(*fixed))

struct fuzzer {
	const struct entry *entry;
	bool alone;			/* no other thread maps memory */
	unsigned long calls;
	uint64_t state;
	char *pages[KINDS];
};

struct target {
	const char *name;
	enum outcome outcome;
	uint64_t addr;
	const struct kind *kind;	/* NULL: not one of the fuzzer's pages */
	char *page;
};

/* Below 2 GiB, so that all entries can use them; elsewhere than on x86 there is but one. */
#ifndef MAP_32BIT
# define MAP_32BIT 0
#endif
static void make_pages(struct fuzzer *f)
{
	for (size_t i = 0; i < KINDS; i++) {
		char *p = mmap(NULL, 2 * page, RW, ANON | MAP_32BIT, -1, 0);

		CHECK(p != MAP_FAILED);
		CHECK(!mprotect(p + page, page, PROT_NONE));
		kinds[i].make(p);
		f->pages[i] = p;
	}
}

static struct target draw_target(struct fuzzer *f)
{
	const unsigned int word = f->entry->word;
	size_t i = draw(&f->state) % (KINDS + FIXED + 2);
	/* A quarter lie at the end of the page, where a word may not fit. */
	size_t offset = draw(&f->state) % 4 ? draw(&f->state) % (page - word + 1) :
		page - draw(&f->state) % (2 * word);
	struct target t = { .outcome = REFUSED, .addr = offset };

	if (i < KINDS) {
		t.kind = &kinds[i];
		t.name = t.kind->name;
		t.page = f->pages[i];
		t.addr += (uintptr_t)t.page;
		t.outcome = t.kind->outcome == WRITTEN && offset > page - word ?
			REFUSED : t.kind->outcome;
	} else if (i < KINDS + FIXED) {
		t.name = "fixed";
		t.addr = fixed[i - KINDS].addr;
		t.outcome = fixed[i - KINDS].outcome;
		/* Both sides of the end of user space and of the address space. */
		if (t.addr == END_OF_USER)
			t.addr = native.too_large - page - draw(&f->state) % word;
		else if (t.addr == BEYOND_USER)
			t.addr = native.too_large + offset % page;
		else if (t.addr)
			t.addr += offset % page;
	} else if (i == KINDS + FIXED) {
		t.name = "vdso";
		t.addr = getauxval(AT_SYSINFO_EHDR) + offset % (page - word);
	} else {
		t.name = "text";
		t.addr = ((uintptr_t)draw_target & -page) + offset % (page - word);
	}
	return t;
}

/* Arguments this entry cannot take, or whose result is not known. */
static bool unsuitable(const struct fuzzer *f, const struct target *t, uint64_t len)
{
	if (t->addr & ~f->entry->mask)
		return true;
	/* Other threads might map memory there. */
	return !f->alone && (t->outcome == VACANT ||
			     (len > f->entry->fits / 16 && len < f->entry->too_large));
}

/* The oracle: what the call must return, except for VACANT. */
static long expected(const struct fuzzer *f, uint64_t size, uint64_t len, enum outcome outcome)
{
	if (!size)
		return -EINVAL;
	if (!len || len >= f->entry->too_large)
		return -ENOMEM;
	if (len > f->entry->fits && f->entry->mmap(len))
		return -ENOMEM;
	return outcome == WRITTEN ? 0 : -EFAULT;
}

/* Linux 7.3 on riscv64 stores what is not aligned byte by byte, until one faults. */
#ifdef __riscv
# define STORES_IN_PARTS	true
#else
# define STORES_IN_PARTS	false
#endif

/* The start that was written, on success. The rest of the page must be unchanged. */
static uint64_t check_page(const struct fuzzer *f, const struct target *t, bool written)
{
	size_t at = t->addr - (uintptr_t)t->page;
	size_t from = at < 16 ? 0 : at - 16, to = at + 32 < page ? at + 32 : page;
	bool may_differ = written || (STORES_IN_PARTS && at % f->entry->word);
	uint64_t start = 0;

	for (size_t i = from; i < to; i++)
		if (!may_differ || i < at || i >= at + f->entry->word)
			CHECK_EQ((unsigned char)t->page[i], t->kind->background);
	if (written)
		memcpy(&start, t->page + at, f->entry->word);
	return start;
}

static void check_region(struct fuzzer *f, uint64_t start, uint64_t len, bool sample)
{
	char *p = (char *)(uintptr_t)start;
	size_t inside = draw(&f->state) % (len / page) * page;

	CHECK(start && start % page == 0);
	CHECK(start + len <= (f->entry->word == 4 ? 1ULL << 32 : f->entry->too_large));
	if (sample && !(draw(&f->state) % 16)) {
		CHECK(all_zero(p, page));
		CHECK(all_zero(p + inside, page));
		CHECK(all_zero(p + len - page, page));
	}
	CHECK(!munmap(p, len));
}

/* Pages of address space: VmSize, but faster to read. */
static long total_pages(int statm)
{
	char text[64] = "";

	CHECK(pread(statm, text, sizeof(text) - 1, 0) > 0);
	return atol(text);
}

static void call_once(struct fuzzer *f, unsigned long number)
{
	const struct entry *entry = f->entry;
	const uint64_t junk = draw(&f->state) & ~entry->mask;
	struct target t;
	uint64_t size, len;
	long ret, want;

	do {
		t = draw_target(f);
		size = draw_size(&f->state) & entry->mask;
		len = (size + page - 1) & -page & entry->mask;
	} while (unsuitable(f, &t, len));

	want = expected(f, size, len, t.outcome);
	if (t.kind && t.kind->renew)
		t.kind->renew(t.page);
	ret = entry->tamalloc(size | junk, t.addr | junk);

	if (!ret && want == -EFAULT && t.outcome == VACANT) {
		uint64_t start = 0;

		memcpy(&start, (void *)(uintptr_t)t.addr, entry->word);
		CHECK(start <= t.addr && t.addr + entry->word <= start + len);
		check_region(f, start, len, false);
		return;
	}
	if (ret != want)
		tap_fail(__FILE__, __LINE__,
			 "call %lu, size %#llx, addr %#llx (%s): %ld, not %ld", number,
			 (unsigned long long)size, (unsigned long long)t.addr, t.name,
			 ret, want);
	if (t.kind && t.kind->background >= 0) {
		uint64_t start = check_page(f, &t, !ret);

		if (!ret)
			check_region(f, start, len, true);
	}
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	int statm = open("/proc/self/statm", O_RDONLY);
	long total;
	int maps;

	CHECK(statm >= 0);
	CHECK(!f->entry->mmap(page));
	make_pages(f);
	total = total_pages(statm);
	maps = map_count();
	for (unsigned long i = 0; i < f->calls; i++) {
		call_once(f, i);
		if (f->alone && total_pages(statm) != total)
			tap_fail(__FILE__, __LINE__, "call %lu leaves %ld pages", i,
				 total_pages(statm) - total);
	}
	if (f->alone)
		CHECK_EQ(map_count(), maps);
	close(statm);
	return NULL;
}

/* There is no time limit for a run longer than the default. */
static void begin(void)
{
	alarm(calls > DEFAULT_CALLS ? 0 : 1800);
	tap_note("to repeat it: fuzz calls=%lu seed=%lu", calls, seed);
}

static void fuzz_alone(const struct entry *entry, unsigned long share)
{
	struct fuzzer f = {
		.entry = entry, .alone = true, .calls = calls / share, .state = seed,
	};

	begin();
	fuzz(&f);
}

static void by_native(void)
{
	fuzz_alone(&native, 2);
}

#ifdef __x86_64__
static void by_i386(void)
{
	fuzz_alone(&i386, 8);
}

static void by_x32(void)
{
	if (syscall(X32_BIT | SYS_getpid) < 0)
		tap_skip("this kernel has no x32 (X86_X32_ABI)");
	fuzz_alone(&x32, 8);
}
#endif

/* How many pages of this process lie in regions. */
static size_t region_pages(void)
{
	size_t pages = 0;

	for (struct maps m = maps_open("maps"); maps_next(&m);)
		if (!strcmp(m.name, REGION_NAME))
			pages += (m.end - m.start) / page;
	return pages;
}

static volatile bool over;

/* Map, touch, protect and unmap small mappings of its own. */
static void *disturb(void *arg)
{
	const size_t size = 16 * page;
	uint64_t state = *(uint64_t *)arg;

	while (!over) {
		char *p = draw(&state) % 2 ? tamalloc(size) : plain(size);
		char *some = p + draw(&state) % 16 * page;

		poke(some, 1);
		CHECK(!mprotect(some, page, PROT_READ));
		CHECK(!munmap(p, some - p + page));
		if (some + page < p + size)
			CHECK(!munmap(some + page, p + size - some - page));
	}
	return NULL;
}

static void among_threads(void)
{
	struct fuzzer f[FUZZERS];
	uint64_t states[DISTURBERS];
	pthread_t threads[FUZZERS], disturbers[DISTURBERS];
	/* Each fuzzer makes two regions for itself. */
	const size_t own = 2 * FUZZERS;

	begin();
	for (int i = 0; i < DISTURBERS; i++) {
		states[i] = seed + i + 1;
		CHECK(!pthread_create(&disturbers[i], NULL, disturb, &states[i]));
	}
	for (int i = 0; i < FUZZERS; i++) {
		f[i] = (struct fuzzer){
			.entry = &native, .calls = calls / 8 / FUZZERS, .state = seed - i,
		};
		CHECK(!pthread_create(&threads[i], NULL, fuzz, &f[i]));
	}
	for (int i = 0; i < FUZZERS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	over = true;
	for (int i = 0; i < DISTURBERS; i++)
		CHECK(!pthread_join(disturbers[i], NULL));
	CHECK_EQ(region_pages(), own);
}

/* Map, protect, drop and unmap the page that the result goes to. */
static void *pull_away(void *target)
{
	while (!over) {
		CHECK(!munmap(target, page));
		CHECK(mmap(target, page, RW, ANON | MAP_FIXED, -1, 0) == target);
		CHECK(!mprotect(target, page, PROT_READ));
		CHECK(!mprotect(target, page, RW));
		CHECK(!madvise(target, page, MADV_DONTNEED));
		CHECK(mmap(target, page, PROT_NONE, ANON | MAP_FIXED, -1, 0) == target);
	}
	return NULL;
}

/* A region whose address got lost still shows in /proc. */
static void addr_pulled_away(void)
{
	const unsigned long tries = calls / 8;
	unsigned long given = 0, done;
	pthread_t thread;
	char *target = (char *)(16 * MIB);

	begin();
	/* Below all other mappings, where the kernel puts no region; but the heap may lie there. */
	while (mmap(target, page, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) != target) {
		CHECK_EQ(errno, EEXIST);
		target += MIB;
	}
	CHECK(!pthread_create(&thread, NULL, pull_away, target));
	/* Where the threads take turns on one CPU, it takes a while until both have happened. */
	for (done = 0; done < tries || (done < 1000 * tries && (!given || given == done)); done++) {
		long ret = native_tamalloc(page, (uintptr_t)target);

		CHECK(!ret || ret == -EFAULT);
		given += !ret;
	}
	over = true;
	CHECK(!pthread_join(thread, NULL));
	CHECK_EQ(region_pages(), given);
	CHECK(given && given < done);
}

static const struct test tests[] = {
	TEST("the native entry does what the man page says", by_native),
#ifdef __x86_64__
	TEST("the i386 entry does what the man page says", by_i386),
	TEST("the x32 entry does what the man page says", by_x32),
#endif
	TEST("the native entry does so while other threads map and unmap", among_threads),
	TEST("with addr unmapped by another thread the call succeeds or leaves nothing", addr_pulled_away),
};

static const struct parameter parameters[] = {
	{ "calls", &calls, 1000 },
	{ "seed", &seed, 0 },
	{ }
};

int main(int argc, char **argv)
{
	/* Debug kernels check all of a process's mappings whenever one changes. */
	if (has_detectors())
		calls /= 50;
	getrandom(&seed, sizeof(seed), 0);
	argc = tap_parameters(argc, argv, parameters);
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), no_tamalloc);
}
