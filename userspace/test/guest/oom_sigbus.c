// SPDX-License-Identifier: GPL-2.0
/*
 * MADV_OOM_SIGBUS: a fault in the range for which there is no memory gives SIGBUS with its
 * address, or an error to the system call, and kills nobody, in a memory cgroup or a machine
 * that is full. Other memory and MADV_OOM_KILL leave it to the OOM killer.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>

#include "cgroup.h"
#include "counters.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "process.h"
#include "settings.h"
#include "sigbus.h"
#include "swap.h"
#include "tap.h"

#ifndef MAP_DROPPABLE
# define MAP_DROPPABLE	0x08
#endif
#define LIMIT	(16 * MIB)
#define SIZE	(4 * LIMIT)

static void *huge_plain(size_t size)
{
	void *p = align(plain(size), size);

	CHECK(!madvise(p, size, MADV_HUGEPAGE));
	return p;
}

static bool by_write(char *p)
{
	return try_poke(p, 'w');
}

static bool by_read(char *p)
{
	return try_peek(p, 'w');
}

/* A kind of memory, and how it is touched. */
static const struct how {
	void *(*get)(size_t size);
	bool (*touch)(char *p);
} strict_write = { tamalloc, by_write }, strict_read = { tamalloc, by_read },
  adaptive_write = { with_advice, by_write }, plain_write = { plain, by_write },
  huge_write = { huge_plain, by_write };

static void *recoverable(void *(*get)(size_t), size_t size)
{
	void *p = get(size);

	CHECK(!madvise(p, size, MADV_OOM_SIGBUS));
	return p;
}

/* Touch page after page. The first that gives SIGBUS, or the end. */
static size_t fill(const struct how *how, char *p, size_t from, size_t pages)
{
	while (from < pages && how->touch(p + from * page))
		from++;
	return from;
}

/* Where only the process's own memory is left, it must not be swapped out either. */
static void enter_cgroup(void)
{
	cgroup_join();
	sigbus_catch();
	CHECK(!mlockall(MCL_CURRENT));
}

/*
 * Until the memory is full; then half of it is given back, and as much can be touched again.
 * Nothing else that takes memory may happen in between.
 */
static void fill_and_go_on(const struct how *how, char *p, size_t size)
{
	size_t pages = size / page, full = fill(how, p, 0, pages), half = full / 2, more;

	CHECK(full < pages);
	madvise(p, half * page, MADV_DONTNEED);
	more = fill(how, p, full, full + half / 2);
	madvise(p + half / 2 * page, half * page, MADV_DONTNEED);
	CHECK_EQ(more, full + half / 2);
	CHECK(all_zero(p, 64 * page));
	for (size_t i = half + half / 2; how->touch == by_write && i < more; i++)
		CHECK_EQ(peek(p + i * page), 'w');
	CHECK(!munmap(p, size));
}

static void fill_cgroup(void *how)
{
	const struct how *by = how;

	enter_cgroup();
	fill_and_go_on(by, recoverable(by->get, SIZE), SIZE);
}

/* @fn(@arg) in a cgroup: it kills so many processes, and none stays charged. */
static void in_cgroup(bool swap, void (*fn)(void *), const void *arg, int killed)
{
	long before, kills;

	set(THP "enabled", "madvise");
	if (swap)
		start_swap(ANY_SWAP);
	cgroup_make("16M", swap ? "max" : "0");
	before = cgroup_dying();
	kills = field(CGROUP "/memory.events", "oom_kill");
	CHECK_EQ(killed_by(fn, (void *)arg), killed ? SIGKILL : 0);
	CHECK_EQ(field(CGROUP "/memory.events", "oom_kill") - kills, killed);
	cgroup_remove();
	/* Each CPU keeps some slots that are free again, and they are charged until then. */
	if (swap)
		stop_swap();
	cgroup_check_dying(before);
}

static void survives_in_cgroup(void (*fn)(void *), const void *arg)
{
	in_cgroup(false, fn, arg, 0);
}

static void first_write(void)
{
	survives_in_cgroup(fill_cgroup, &strict_write);
}

static void first_read(void)
{
	survives_in_cgroup(fill_cgroup, &strict_read);
}

static void first_adaptive(void)
{
	survives_in_cgroup(fill_cgroup, &adaptive_write);
}

static void first_plain(void)
{
	survives_in_cgroup(fill_cgroup, &plain_write);
}

static void first_huge(void)
{
	survives_in_cgroup(fill_cgroup, &huge_write);
}

#define COPIED	(10 * MIB)

/* A handler that returns: the access is repeated. */

static char *volatile oldest;

static void give_back_oldest(int signal)
{
	(void)signal;
	madvise(oldest, MIB, MADV_DONTNEED);
	oldest += MIB;
}

static void write_all(void *unused)
{
	char *p;

	(void)unused;
	enter_cgroup();
	signal(SIGBUS, give_back_oldest);
	p = oldest = recoverable(tamalloc, SIZE);
	for (size_t i = 0; i < SIZE; i += page)
		poke(p + i, 'w');
	CHECK(oldest > p + SIZE / 2 && oldest < p + SIZE);
	for (char *kept = oldest; kept < p + SIZE; kept += page)
		CHECK_EQ(peek(kept), 'w');
}

static void repeated(void)
{
	survives_in_cgroup(write_all, NULL);
}

/*
 * The other half of the limit is enough for some of the copies, or for the rest. What the child
 * needs besides it gets first; what it may not write is not copied with that.
 */
static void copy_on_write(void *p)
{
	size_t pages = COPIED / page, full;

	sigbus_catch();
	CHECK(!mprotect(p, COPIED, PROT_READ));
	settle();
	CHECK(!mprotect(p, COPIED, RW));
	full = fill(&strict_write, p, 0, pages);
	madvise(p, full * page, MADV_DONTNEED);
	CHECK(full > 0 && full < pages);
	CHECK(fill(&strict_write, p, full, pages) > full);
	madvise(p, COPIED, MADV_DONTNEED);
	CHECK(all_zero(p, 64 * page));
}

static void fill_and_fork(void *get)
{
	const struct how *how = get;
	char *p;

	enter_cgroup();
	p = recoverable(how->get, COPIED);
	memset(p, 'p', COPIED);
	CHECK_EQ(child(copy_on_write, p), 0);
	for (size_t i = 0; i < COPIED; i += page)
		CHECK_EQ(peek(p + i), 'p');
}

static void copies(void)
{
	survives_in_cgroup(fill_and_fork, &strict_write);
	survives_in_cgroup(fill_and_fork, &adaptive_write);
	survives_in_cgroup(fill_and_fork, &plain_write);
}

#define SWAPPED	(4 * MIB)

/* Locked memory fills the cgroup, so that not all that is in swap can come back, and stay. */
static void swap_in(void *get)
{
	const struct how *how = get;
	size_t pages = SWAPPED / page, back;
	char *p, *hog;

	enter_cgroup();
	p = recoverable(how->get, SWAPPED);
	hog = recoverable(tamalloc, SIZE);
	memset(p, 'w', SWAPPED);
	page_out(p, SWAPPED);
	CHECK_EQ(in_swap(p, SWAPPED), pages);
	CHECK(!mlock2(hog, SIZE, MLOCK_ONFAULT) && !mlock2(p, SWAPPED, MLOCK_ONFAULT));
	fill(&strict_write, hog, 0, SIZE / page);
	back = fill(&strict_read, p, 0, pages);
	munmap(hog, SIZE);
	CHECK(back < pages);
	CHECK_EQ(fill(&strict_read, p, back, pages), pages);
	for (size_t i = 0; i < pages; i++)
		CHECK_EQ(peek(p + i * page), 'w');
}

static void swaps(void)
{
	in_cgroup(true, swap_in, &strict_write, 0);
	in_cgroup(true, swap_in, &adaptive_write, 0);
	in_cgroup(true, swap_in, &plain_write, 0);
}

/* As many bytes as @call copies there until it fails. */
static size_t copy_until_full(ssize_t (*call)(char *to, size_t bytes), char *p)
{
	size_t copied = 0;
	ssize_t got;

	while (copied < SIZE && (got = call(p + copied, SIZE - copied)) > 0)
		copied += got;
	CHECK_EQ(errno, EFAULT);
	return copied;
}

/* Not zeroes: reclaim gives those back where they came ahead. */
static int noise;

static ssize_t read_there(char *to, size_t bytes)
{
	return read(noise, to, bytes);
}

static ssize_t write_there(char *to, size_t bytes)
{
	static char source[64 << 10] = { [0 ... (64 << 10) - 1] = 'w' };
	const struct iovec from = { source, sizeof(source) }, into = { to, sizeof(source) };

	(void)bytes;
	return process_vm_writev(getpid(), &from, 1, &into, 1, 0);
}

static void call_into(void *get)
{
	const struct how *how = get;
	size_t copied;
	char *p;

	noise = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	CHECK(noise >= 0);
	enter_cgroup();
	p = recoverable(how->get, SIZE);
	CHECK_FAILS(madvise(p, SIZE, MADV_POPULATE_WRITE), ENOMEM);
	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	copied = copy_until_full(read_there, p);
	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	CHECK(copied > LIMIT / 2 && copied < LIMIT);
	copied = copy_until_full(write_there, p);
	CHECK(!madvise(p, SIZE, MADV_DONTNEED));
	CHECK(copied > LIMIT / 2 && copied < LIMIT);
	CHECK_FAILS(mlock(p, SIZE), EAGAIN);
	CHECK(!munlock(p, SIZE) && !madvise(p, SIZE, MADV_DONTNEED));
	CHECK(!madvise(p, MIB, MADV_POPULATE_WRITE));
}

static void calls(void)
{
	survives_in_cgroup(call_into, &strict_write);
	survives_in_cgroup(call_into, &adaptive_write);
	survives_in_cgroup(call_into, &plain_write);
}

/* Controls. The handler is there, and a fault in a recoverable range has come before. */
static void warm_up(void)
{
	enter_cgroup();
	CHECK_EQ(fill(&strict_write, recoverable(tamalloc, MIB), 0, MIB / page), MIB / page);
}

static void without_advice(void *get)
{
	const struct how *how = get;

	warm_up();
	fill(how, how->get(SIZE), 0, SIZE / page);
}

static void advice_taken_back(void *get)
{
	const struct how *how = get;
	char *p;

	warm_up();
	p = recoverable(how->get, SIZE);
	CHECK(!madvise(p, SIZE, MADV_OOM_KILL));
	fill(how, p, 0, SIZE / page);
}

static void beside_the_range(void *get)
{
	const struct how *how = get;
	char *p;

	warm_up();
	p = how->get(2 * SIZE);
	CHECK(!madvise(p, SIZE, MADV_OOM_SIGBUS));
	fill(how, p + SIZE, 0, SIZE / page);
}

static void controls(void)
{
	static void (*const control[])(void *) = {
		without_advice, advice_taken_back, beside_the_range
	};

	for (size_t i = 0; i < sizeof(control) / sizeof(*control); i++) {
		in_cgroup(false, control[i], &strict_write, 1);
		in_cgroup(false, control[i], &plain_write, 1);
	}
}

/* The whole machine. */

static void fill_machine(void *how)
{
	const size_t bytes = 2 * KIB * field("/proc/meminfo", "MemTotal") & -(2 * MIB);
	const struct how *by = how;

	sigbus_catch();
	fill_and_go_on(by, recoverable(by->get, bytes), bytes);
}

static void fill_machine_killed(void *how)
{
	const size_t bytes = 2 * KIB * field("/proc/meminfo", "MemTotal") & -(2 * MIB);
	const struct how *by = how;

	sigbus_catch();
	CHECK(try_poke(recoverable(by->get, page), 'w'));
	fill(by, by->get(bytes), 0, bytes / page);
}

/*
 * Others run out of memory there, too, as a kworker that is being made does, and call the OOM
 * killer. Has one of them, and never this program, since @log was at its end?
 */
static bool called_by_others(int log)
{
	char record[8192], *end;
	bool others = false, self = false;
	ssize_t bytes;

	while ((bytes = read(log, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		record[bytes > 0 ? bytes : 0] = '\0';
		end = strstr(record, " invoked oom-killer");
		if (!end)
			continue;
		*end = '\0';
		if (strstr(record, program_invocation_short_name))
			self = true;
		else
			others = true;
		tap_note("called the OOM killer: %s", strchr(record, ';') + 1);
	}
	close(log);
	return others && !self;
}

static void in_full_machine(void (*fn)(void *), const struct how *how, int killed)
{
	set(THP "enabled", "madvise");
	for (int tries = 0; ; tries++) {
		int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), signal;
		long kills = vmstat("oom_kill");

		CHECK(log >= 0 && lseek(log, 0, SEEK_END) >= 0);
		signal = killed_by(fn, (void *)how);
		if (called_by_others(log) && tries < 5)
			continue;
		CHECK_EQ(signal, killed ? SIGKILL : 0);
		CHECK_EQ(vmstat("oom_kill") - kills, killed);
		return;
	}
}

static void machine_strict(void)
{
	in_full_machine(fill_machine, &strict_write, 0);
}

static void machine_adaptive(void)
{
	in_full_machine(fill_machine, &adaptive_write, 0);
}

static void machine_plain(void)
{
	in_full_machine(fill_machine, &plain_write, 0);
}

static void machine_control(void)
{
	in_full_machine(fill_machine_killed, &strict_write, 1);
}

/* Where the advice goes. */

static bool is_recoverable(const void *p)
{
	struct vma vma;

	return find_vma(p, &vma) && strstr(vma.flags, " " RECOVERABLE_FLAG);
}

static void check_inherited(void *p)
{
	CHECK(is_recoverable(p));
}

static void belongs_to_range(void)
{
	static void *(*const kinds[])(size_t) = { tamalloc, plain };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t size = 8 * page;
		char *p = kinds[i](3 * size), *to;

		CHECK(!is_recoverable(p));
		CHECK(!madvise(p + size, size, MADV_OOM_SIGBUS));
		CHECK_EQ(mappings(p, 3 * size), 3);
		CHECK(!is_recoverable(p) && is_recoverable(p + size) && !is_recoverable(p + 2 * size));
		CHECK(!madvise(p, 3 * size, MADV_OOM_SIGBUS));
		CHECK_EQ(mappings(p, 3 * size), 1);
		memset(p, 1, size);
		CHECK_EQ(child(check_inherited, p), 0);
		CHECK(!mprotect(p, size, PROT_READ) && is_recoverable(p));
		CHECK(!mprotect(p, size, RW) && is_recoverable(p));
		to = mremap(p, 3 * size, 6 * size, MREMAP_MAYMOVE);
		CHECK(to != MAP_FAILED && is_recoverable(to));
		CHECK_EQ(mappings(to, 6 * size), 1);
		to = move_to(to, 6 * size, hole(6 * size));
		CHECK(is_recoverable(to) && is_recoverable(to + 5 * size));
		CHECK(!madvise(to, 6 * size, MADV_OOM_KILL) && !is_recoverable(to));
		CHECK_EQ(mappings(to, 6 * size), 1);
		CHECK(!munmap(to, 6 * size));
	}
}

/* Memory that is mapped beside a range that has the advice has not. */
static void neighbours(void)
{
	char *p = recoverable(tamalloc, MIB), *q = tamalloc(MIB);

	CHECK(q + MIB == p || p + MIB == q);
	CHECK(is_recoverable(p) && !is_recoverable(q));
	CHECK(!madvise(q, MIB, MADV_OOM_SIGBUS));
	CHECK_EQ(mappings(q < p ? q : p, 2 * MIB), 1);
}

static void *map(int flags, int fd)
{
	void *p = mmap(NULL, huge, RW, flags | MAP_NORESERVE, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void refusals(void)
{
	int file = memfd_create("file", MFD_CLOEXEC), zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	void *const refused[] = {
		map(MAP_SHARED | MAP_ANONYMOUS, -1), map(MAP_SHARED, file), map(MAP_PRIVATE, file),
		map(MAP_DROPPABLE | MAP_ANONYMOUS, -1), map(ANON | MAP_HUGETLB, -1),
	};
	char *p = tamalloc(2 * page);

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		CHECK_FAILS(madvise(refused[i], huge, MADV_OOM_SIGBUS), EINVAL);
		CHECK(!is_recoverable(refused[i]));
		CHECK(!madvise(refused[i], huge, MADV_OOM_KILL));
	}
	CHECK(!madvise(map(MAP_PRIVATE, zero), huge, MADV_OOM_SIGBUS));
	CHECK_FAILS(madvise(p + 1, page, MADV_OOM_SIGBUS), EINVAL);
	CHECK(!munmap(p + page, page));
	CHECK_FAILS(madvise(p, 2 * page, MADV_OOM_SIGBUS), ENOMEM);
}

static const struct test tests[] = {
	TEST("in a full cgroup a first write gives SIGBUS, and the program goes on", first_write),
	TEST("so does a first read", first_read),
	TEST("so does a first touch of adaptive memory", first_adaptive),
	TEST("so does one of plain memory", first_plain),
	TEST("so does one of plain memory in huge pages", first_huge),
	TEST("so does the copy of what fork has shared", copies),
	TEST("the access is repeated when the handler has given memory back", repeated),
	TEST("system calls that populate it give an error or a short count", calls),
	TEST("in a full machine a first touch gives SIGBUS, and the program goes on", machine_strict),
	TEST("so does one of adaptive memory, where what came ahead goes first", machine_adaptive),
	TEST("so does one of plain memory there", machine_plain),
	TEST("without the advice, or beside its range, the cgroup's OOM killer comes", controls),
	TEST("so does the machine's", machine_control),
	TEST("the advice belongs to its range, and goes with fork and mremap", belongs_to_range),
	TEST("what is mapped next to it has no advice, and merges once it has", neighbours),
	TEST("files, shared memory and what is not mapped refuse it", refusals),
	TEST("in a full cgroup what comes back from swap gives SIGBUS, too", swaps),
};

TAP_MAIN(tests, no_tamalloc)
