// SPDX-License-Identifier: GPL-2.0
/*
 * prctl(PR_SET_TAMALLOC): what a process maps from then on by mmap() and brk() carries the
 * policy, and nothing else changes.
 *
 * Run as "prctl --report MODE" it is the program that a test executes.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"

#ifndef MAP_DROPPABLE
# define MAP_DROPPABLE	0x08
#endif
#define PRIVATE		(MAP_PRIVATE | MAP_ANONYMOUS)
#define SIZE		(4 * huge)
#define USER		1000

/* Whole pages of it come from no file: the kernel maps them as it maps what brk() adds. */
static char bss[64 << 12];

static int mode(void)
{
	return prctl(PR_GET_TAMALLOC, 0, 0, 0, 0);
}

static void set_mode(int mode)
{
	CHECK(!prctl(PR_SET_TAMALLOC, mode, 0, 0, 0));
}

static char *map(size_t size, int flags)
{
	char *p = mmap(NULL, size, RW, flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static bool has_flag(const void *p, const char *flag)
{
	char word[8];
	struct vma vma;

	snprintf(word, sizeof(word), " %s", flag);
	return find_vma(p, &vma) && strstr(vma.flags, word);
}

#define STRICT		1
#define ADAPTIVE	2
#define PLAIN		0
static int kind_of(const void *p)
{
	return !is_region(p) ? PLAIN : has_flag(p, "hg") ? ADAPTIVE : STRICT;
}

static void set_and_get(void)
{
	CHECK_EQ(mode(), 0);
	for (int i = 2; i >= 0; i--) {
		set_mode(i);
		CHECK_EQ(mode(), i);
	}
	set_mode(1);
	CHECK_FAILS(prctl(PR_SET_TAMALLOC, 3, 0, 0, 0), EINVAL);
	CHECK_FAILS(prctl(PR_SET_TAMALLOC, -1, 0, 0, 0), EINVAL);
	CHECK_FAILS(prctl(PR_SET_TAMALLOC, 2, 1, 0, 0), EINVAL);
	CHECK_FAILS(prctl(PR_SET_TAMALLOC, 2, 0, 1, 0), EINVAL);
	CHECK_FAILS(prctl(PR_SET_TAMALLOC, 2, 0, 0, 1), EINVAL);
	CHECK_FAILS(prctl(PR_GET_TAMALLOC, 1, 0, 0, 0), EINVAL);
	CHECK_FAILS(prctl(PR_GET_TAMALLOC, 0, 0, 0, 1), EINVAL);
	CHECK_EQ(mode(), 1);
}

static void no_privilege(void)
{
	CHECK(!setgid(USER) && !setuid(USER));
	set_mode(2);
	CHECK_EQ(kind_of(map(page, PRIVATE)), ADAPTIVE);
}

/* A place of that size, so that alignment is not what keeps huge pages away. */
static char *map_aligned(size_t size)
{
	char *place = hole(size);

	CHECK(mmap(place, size, RW, PRIVATE | MAP_FIXED, -1, 0) == place);
	return place;
}

static void by_mmap(void)
{
	char *p, *control;

	need_memory(SIZE);
	set(THP "enabled", "always");
	control = map_aligned(SIZE);
	set_mode(1);
	p = map_aligned(SIZE);
	CHECK_EQ(kind_of(control), PLAIN);
	CHECK_EQ(kind_of(p), STRICT);
	poke(control, 1);
	CHECK_EQ(resident(control, SIZE), huge / page);
	check_strict(p, huge);
	CHECK(all_zero(p + huge, page));
}

/* In the modes that reserve, too: what is not writable yet, what replaces, what is near. */
static void every_mmap(void)
{
	static const int flags[] = {
		PRIVATE, ANON, PRIVATE | MAP_POPULATE, PRIVATE | MAP_LOCKED,
#ifdef MAP_32BIT
		PRIVATE | MAP_32BIT,
#endif
	};
	char *p;

	for (int kind = 1; kind <= 2; kind++) {
		set_mode(kind);
		for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
			p = map(16 * page, flags[i]);
			CHECK_EQ(kind_of(p), kind);
			CHECK_EQ(has_flag(p, "nr"), !!(flags[i] & MAP_NORESERVE));
			CHECK_EQ(resident(p, 16 * page),
				 flags[i] & (MAP_POPULATE | MAP_LOCKED) ? 16 : 0);
			CHECK(all_zero(p, 16 * page));
			CHECK(!munmap(p, 16 * page));
		}
		p = mmap(NULL, 64 * page, PROT_NONE, ANON, -1, 0);
		CHECK_EQ(kind_of(p), kind);
		CHECK(!mprotect(p, 32 * page, RW));
		CHECK_EQ(kind_of(p), kind);
		poke(p, 1);
		CHECK(mmap(p, 32 * page, RW, PRIVATE | MAP_FIXED, -1, 0) == p);
		CHECK_EQ(kind_of(p), kind);
		CHECK_EQ(resident(p, 32 * page), 0);
		CHECK_EQ(peek(p), 0);
		p = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, PRIVATE, -1, 0);
		CHECK_EQ(kind_of(p), kind);
	}
}

static void by_brk(void)
{
	char *p = sbrk(0), *end;

	need_memory(SIZE);
	set(THP "enabled", "always");
	set_mode(1);
	CHECK(sbrk(-(uintptr_t)p % page + SIZE) == p);
	p += -(uintptr_t)p % page;
	CHECK_EQ(kind_of(p), STRICT);
	CHECK(!has_flag(p, "nr"));
	check_strict(p, SIZE);
	/* More of it, which is one mapping with the first. */
	end = sbrk(SIZE);
	CHECK(end == p + SIZE);
	CHECK_EQ(mappings(p, 2 * SIZE), 1);
	check_strict(end, page);
	CHECK(sbrk(-SIZE) == end + SIZE && sbrk(SIZE) == end);
	CHECK_EQ(peek(end), 0);
	set_mode(2);
	p = sbrk(SIZE);
	CHECK_EQ(kind_of(p), ADAPTIVE);
	set_mode(0);
	p = sbrk(SIZE);
	CHECK_EQ(kind_of(p), PLAIN);
}

static void fills_ahead(void)
{
	char *p;
	long taken;

	need_adaptive();
	need_memory(SIZE);
	set(THP "enabled", "madvise");
	set_mode(2);
	p = map_aligned(SIZE);
	CHECK_EQ(kind_of(p), ADAPTIVE);
	taken = faults();
	for (size_t i = 0; i < GROUP; i++)
		poke(p + i * page, 1);
	taken = faults() - taken;
	CHECK(taken > 0 && taken < 32);
	CHECK(resident(p, SIZE) < 2 * GROUP);
	/* One page in 64. */
	for (size_t i = 2 * huge; i < SIZE; i += 64 * page)
		poke(p + i, 1);
	CHECK_EQ(resident(p + 2 * huge, 2 * huge), 2 * huge / page / 64);
}

static void advice(void)
{
	char *p;

	need_memory(SIZE);
	set_mode(2);
	p = map_aligned(SIZE);
	CHECK(!madvise(p, huge, MADV_NOHUGEPAGE));
	CHECK_EQ(kind_of(p), STRICT);
	CHECK_EQ(kind_of(p + huge), ADAPTIVE);
	check_strict(p, huge);
	set_mode(1);
	p = map_aligned(SIZE);
	CHECK(!madvise(p, huge, MADV_HUGEPAGE));
	CHECK_EQ(kind_of(p), ADAPTIVE);
	CHECK_EQ(kind_of(p + huge), STRICT);
}

static void others(void)
{
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC), memfd = memfd_create("x", MFD_CLOEXEC);
	char *before, *p;

	need_memory(SIZE);
	before = map(SIZE, PRIVATE);
	CHECK(zero >= 0 && memfd >= 0 && !ftruncate(memfd, SIZE));
	for (int kind = 1; kind <= 2; kind++) {
		set_mode(kind);
		CHECK_EQ(kind_of(before), PLAIN);
		CHECK_EQ(kind_of(map(SIZE, MAP_SHARED | MAP_ANONYMOUS)), PLAIN);
		p = map(16 * page, PRIVATE | MAP_GROWSDOWN);
		CHECK(has_flag(p, "gd"));
		CHECK_EQ(kind_of(p), PLAIN);
		p = mmap(NULL, SIZE, RW, MAP_ANONYMOUS | MAP_DROPPABLE, -1, 0);
		CHECK(p != MAP_FAILED && has_flag(p, "dp"));
		CHECK_EQ(kind_of(p), PLAIN);
		p = mmap(NULL, SIZE, RW, MAP_PRIVATE, zero, 0);
		CHECK(p != MAP_FAILED);
		CHECK_EQ(kind_of(p), PLAIN);
		for (int shared = 0; shared < 2; shared++) {
			p = mmap(NULL, SIZE, RW, shared ? MAP_SHARED : MAP_PRIVATE, memfd, 0);
			CHECK(p != MAP_FAILED);
			CHECK_EQ(kind_of(p), PLAIN);
			poke(p, 1);
			CHECK_EQ(kind_of(p), PLAIN);
		}
		/* The stack, which grows meanwhile. */
		p = alloca(MIB);
		poke(p, 1);
		CHECK_EQ(kind_of(p), PLAIN);
	}
}

static void huge_tlb(void)
{
	char *p;

	set("/proc/sys/vm/nr_hugepages", "2");
	set_mode(2);
	p = map(huge, PRIVATE | MAP_HUGETLB);
	CHECK_EQ(kind_of(p), PLAIN);
	CHECK(has_flag(p, "ht"));
	poke(p, 1);
	CHECK(!munmap(p, huge));
}

/* No mapping of this process but those that a test made. */
static void special(void)
{
	set_mode(2);
	for (struct maps m = maps_open("smaps"); maps_next(&m);)
		if (maps_flag(&m, REGION_FLAG))
			tap_fail(__FILE__, __LINE__, "%s is tamalloc memory", m.name);
}

static void grown(void)
{
	char *p, *q;

	need_memory(SIZE);
	p = map_aligned(SIZE);
	set_mode(1);
	q = mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK_EQ(kind_of(q), PLAIN);
	CHECK_EQ(kind_of(q + 2 * SIZE - page), PLAIN);
	p = map_aligned(SIZE);
	set_mode(0);
	q = mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK_EQ(kind_of(q + 2 * SIZE - page), STRICT);
}

/* Its memory is strict until advised, and not accounted. */
static void the_call(void)
{
	char *p;

	need_memory(SIZE);
	set(THP "enabled", "always");
	for (int i = 0; i <= 2; i++) {
		set_mode(i);
		p = tamalloc(SIZE);
		CHECK_EQ(kind_of(p), STRICT);
		CHECK(has_flag(p, "nr"));
		check_strict(p, huge);
	}
}

static void in_child(void *arg)
{
	CHECK_EQ(mode(), *(int *)arg);
	CHECK_EQ(kind_of(map(page, PRIVATE)), *(int *)arg);
	set_mode(0);
}

static void after_fork(void *p)
{
	CHECK_EQ(kind_of(p), STRICT);
	CHECK_EQ(peek(p), 'a');
	check_strict((char *)p + page, 64 * page);
}

static void by_fork(void)
{
	char *p;

	for (int i = 2; i >= 0; i--) {
		set_mode(i);
		CHECK_EQ(child(in_child, &i), 0);
		/* The child's own. */
		CHECK_EQ(mode(), i);
	}
	set_mode(1);
	p = map(SIZE, PRIVATE);
	poke(p, 'a');
	CHECK_EQ(child(after_fork, p), 0);
}

/* The program that execve() runs says what it found as a number; 0 is what it should be. */
static int report(int want)
{
	void *heap = sbrk(2 * page), *mapped = mmap(NULL, page, RW, PRIVATE, -1, 0);
	int local, got[] = { mode(), kind_of(bss + sizeof(bss) / 2), kind_of((char *)heap + page), kind_of(mapped) };

	if (kind_of(&local) != PLAIN)
		return 1;
	for (int i = 0; i < 4; i++) {
		if (got[i] != want) {
			tap_note("%s: %d, not %d", (const char *[]){ "mode", ".bss", "heap", "mmap" }[i], got[i], want);
			return 2 + i;
		}
	}
	/* Run set-user-ID, or as who runs it. */
	return geteuid() ? 6 : 0;
}

static int run_report(const char *path, int as_user, int mode)
{
	char text[2] = { '0' + mode };
	int status;
	pid_t pid;

	set_mode(mode);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (as_user && (setgid(USER) || setuid(USER)))
			_exit(7);
		execl(path, path, "--report", text, NULL);
		_exit(8);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

static void by_exec(void)
{
	for (int i = 2; i >= 0; i--)
		CHECK_EQ(run_report("/proc/self/exe", 0, i), 0);
}

static void copy_self(const char *to, mode_t mode)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), out = creat(to, mode);
	char buffer[1 << 16];
	ssize_t got;

	CHECK(in >= 0 && out >= 0);
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		CHECK_EQ(write(out, buffer, got), got);
	CHECK(!fchmod(out, mode));
	close(in);
	close(out);
}

static void by_set_user_id(void)
{
	CHECK(!mkdir("/tmp/suid", 0755) || errno == EEXIST);
	mount_at("/tmp/suid", "tmpfs");
	CHECK(!chmod("/tmp/suid", 0755));
	copy_self("/tmp/suid/prctl", 04755);
	/* Without the bit it would not be root. */
	CHECK_EQ(run_report("/tmp/suid/prctl", 1, 2), 0);
	CHECK(!chmod("/tmp/suid/prctl", 0755));
	CHECK_EQ(run_report("/tmp/suid/prctl", 1, 2), 6 << 8);
}

static void *in_thread(void *arg)
{
	char local, *p;

	(void)arg;
	CHECK_EQ(mode(), 2);
	/* Its stack, and what it maps. */
	CHECK_EQ(kind_of(&local), STRICT);
	CHECK(has_flag(&local, "nh"));
	p = map(page, PRIVATE);
	CHECK_EQ(kind_of(p), ADAPTIVE);
	set_mode(1);
	return NULL;
}

static void in_threads(void)
{
	pthread_t thread;
	char *p;

	for (int i = 0; i < 4; i++) {
		set_mode(2);
		CHECK(!pthread_create(&thread, NULL, in_thread, NULL));
		CHECK(!pthread_join(thread, NULL));
		CHECK_EQ(mode(), 1);
	}
	set(THP "enabled", "always");
	set_mode(2);
	p = map(SIZE, PRIVATE | MAP_STACK);
	CHECK_EQ(kind_of(p), STRICT);
	check_strict(p, 64 * page);
}

/* Others set the mode and fork all the time: no child sees one that nobody has set. */
static void *set_all_the_time(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		prctl(PR_SET_TAMALLOC, 2, 0, 0, 0);
		prctl(PR_SET_TAMALLOC, 1, 0, 0, 0);
	}
	return NULL;
}

static void race(void)
{
	pthread_t thread;
	int stop = 0, status;

	set_mode(1);
	CHECK(!pthread_create(&thread, NULL, set_all_the_time, &stop));
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(mode() != 1 && mode() != 2);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	CHECK(!pthread_join(thread, NULL));
}

static int errno_of(size_t size, int flags)
{
	void *p = mmap(NULL, size, RW, flags, -1, 0);

	return p == MAP_FAILED ? errno : munmap(p, size);
}

/* What is refused without the mode is refused with it, and nothing else. */
static void same_refusals(void)
{
	size_t ram = field("/proc/meminfo", "MemTotal") * KIB;
	const size_t sizes[] = { page, ram / 4, ram, 2 * ram, GIB, (size_t)1 << (sizeof(long) == 8 ? 40 : 31) };
	int refused = 0;

	for (char overcommit = '0'; overcommit <= '2'; overcommit++) {
		set("/proc/sys/vm/overcommit_memory", (char[]){ overcommit, 0 });
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			for (int norserve = 0; norserve < 2; norserve++) {
				int flags = norserve ? ANON : PRIVATE, error;

				set_mode(0);
				error = errno_of(sizes[i], flags);
				refused += error != 0;
				for (int kind = 1; kind <= 2; kind++) {
					set_mode(kind);
					CHECK_EQ(errno_of(sizes[i], flags), error);
				}
			}
		}
	}
	CHECK(refused > 3);
}

static long committed(int flags)
{
	long before = field("/proc/meminfo", "Committed_AS"), after;
	char *p = map(32 * MIB, flags);

	after = field("/proc/meminfo", "Committed_AS");
	CHECK(!munmap(p, 32 * MIB));
	CHECK(labs(field("/proc/meminfo", "Committed_AS") - before) < 512);
	return (after - before + 512) / 1024;
}

static void accounted(void)
{
	long before;

	set("/proc/sys/vm/overcommit_memory", "0");
	for (int i = 0; i <= 2; i++) {
		set_mode(i);
		CHECK_EQ(committed(PRIVATE), 32);
		CHECK_EQ(committed(ANON), 0);
	}
	before = field("/proc/meminfo", "Committed_AS");
	CHECK(sbrk(32 * MIB) != (void *)-1);
	CHECK_EQ((field("/proc/meminfo", "Committed_AS") - before + 512) / 1024, 32);
}

/* Nobody accounts for it, so it may take no memory. */
static void only_read(void)
{
	set("/proc/sys/vm/overcommit_memory", "0");
	for (int i = 0; i <= 2; i++) {
		long before = field("/proc/meminfo", "Committed_AS");
		char *p;

		set_mode(i);
		p = mmap(NULL, 32 * MIB, PROT_READ, PRIVATE, -1, 0);
		CHECK(p != MAP_FAILED);
		CHECK(all_zero(p, 64 * page));
		CHECK_EQ(smaps_kb(p, 64 * page, "Rss"), 0);
		CHECK(field("/proc/meminfo", "Committed_AS") - before < 1024);
		/* What can be written is accounted for, and populated by first touch again. */
		CHECK(!mprotect(p, 64 * page, RW));
		for (int j = 0; j < 32; j++)
			poke(p + j * page, 'x');
		CHECK_EQ(smaps_kb(p, 64 * page, "Rss"), 32 * page / KIB);
		CHECK(!mprotect(p, 64 * page, PROT_READ));
		CHECK(!madvise(p, 64 * page, MADV_DONTNEED));
		CHECK(all_zero(p, 64 * page));
		CHECK_EQ(smaps_kb(p, 64 * page, "Rss"), i ? 64 * page / KIB : 0);
		CHECK(!munmap(p, 32 * MIB));
	}
}

static void limits(void)
{
	struct rlimit limit = { 64 * MIB, 64 * MIB };

	for (int resource = 0; resource < 2; resource++) {
		for (int i = 0; i <= 2; i++) {
			set_mode(i);
			if (!fork()) {
				CHECK(!setrlimit(resource ? RLIMIT_AS : RLIMIT_DATA, &limit));
				CHECK_EQ(errno_of(64 * MIB, PRIVATE), ENOMEM);
				CHECK_EQ(errno_of(8 * MIB, PRIVATE), 0);
				_exit(0);
			}
			int status;

			CHECK(wait(&status) > 0);
			CHECK_EQ(status, 0);
		}
	}
}

/* As a program does: blocks side by side, a guard page, what is read-only after a while. */
static int count_mappings(int kind)
{
	char *place = hole(64 * page), *heap = sbrk(0);
	int count;

	set_mode(kind);
	for (int i = 0; i < 64; i += 2)
		CHECK(mmap(place + i * page, 2 * page, i % 16 ? RW : PROT_NONE, PRIVATE | MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK(!mprotect(place + 3 * page, page, PROT_READ) && !mprotect(place + 16 * page, 2 * page, RW));
	poke(place + 4 * page, 1);
	CHECK(!mprotect(place + 3 * page, page, RW));
	for (int i = 0; i < 4; i++)
		CHECK(sbrk(64 * page) != (void *)-1);
	/* The heap's part that was there before has another policy. */
	count = mappings(place, 64 * page) + mappings(heap + page, 256 * page);
	CHECK(!munmap(place, 64 * page));
	CHECK(sbrk(-256 * (long)page) != (void *)-1);
	return count;
}

static void merges(void)
{
	int count = count_mappings(0);

	tap_note("%d mappings", count);
	CHECK_EQ(count_mappings(1), count);
	CHECK_EQ(count_mappings(2), count);
}

/* Neighbours that another mode made stay apart. */
static void parted(void)
{
	char *place = hole(3 * huge);

	for (int i = 0; i <= 2; i++) {
		set_mode(i);
		CHECK(mmap(place + i * huge, huge, RW, PRIVATE | MAP_FIXED, -1, 0) != MAP_FAILED);
	}
	for (int i = 0; i <= 2; i++)
		CHECK_EQ(kind_of(place + i * huge), i);
	CHECK_EQ(mappings(place, 3 * huge), 3);
}

/* For all of memory that is mapped, as mmap() would. */
static void future_locked(void)
{
	char *p;

	CHECK(!mlockall(MCL_FUTURE));
	for (int i = 1; i <= 2; i++) {
		set_mode(i);
		p = map(64 * page, PRIVATE);
		CHECK_EQ(kind_of(p), i);
		CHECK_EQ(resident(p, 64 * page), 64);
		CHECK_EQ(smaps_kb(p, 64 * page, "Locked"), 64 * page / KIB);
		CHECK(!munmap(p, 64 * page));
	}
}

static const struct test tests[] = {
	TEST("a process sets and gets its mode, and nothing else is a mode", set_and_get),
	TEST("it takes no privilege", no_privilege),
	TEST("what mmap() maps from then on is strict", by_mmap),
	TEST("whatever the protection, the place and the other flags are", every_mmap),
	TEST("so is what brk() adds", by_brk),
	TEST("in mode 2 it is adaptive", fills_ahead),
	TEST("MADV_HUGEPAGE and MADV_NOHUGEPAGE switch between the two", advice),
	TEST("shared memory, files, droppable memory and stacks stay as they are", others),
	TEST("so does hugetlb", huge_tlb),
	TEST("so does all that is mapped already", special),
	TEST("mremap() enlarges a mapping as it is", grown),
	TEST("the system call gives strict memory in every mode", the_call),
	TEST("a child of fork() has the mode, and one of its own", by_fork),
	TEST("execve() keeps it: .bss, heap and mmap(), but not the stack", by_exec),
	TEST("a set-user-ID program has it", by_set_user_id),
	TEST("threads share the mode, and their stacks are strict", in_threads),
	TEST("no child sees a mode that nobody has set", race),
	TEST("what plain memory is refused is refused", same_refusals),
	TEST("what plain memory is accounted is accounted", accounted),
	TEST("what was only ever mapped to be read is not, and takes no memory", only_read),
	TEST("RLIMIT_DATA and RLIMIT_AS hold", limits),
	TEST("a process has no more mappings than without", merges),
	TEST("memory of different modes does not merge", parted),
	TEST("mlockall(MCL_FUTURE) populates and locks it", future_locked),
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--report"))
		return report(*argv[2] - '0');
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), no_tamalloc);
}
