// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each copy that a call or a first touch makes fails in turn, by
 * /proc/self/fail-nth. The error must be a documented one, the contents intact, and
 * nothing may be left behind. Needs a kernel made with DEBUG=1.
 *
 * "inject plain=1" does the same to mmap() memory, which tells whose fault a failure is;
 * tests of windows still use a region.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "counters.h"
#include "fail_nth.h"
#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "sigbus.h"
#include "swap.h"
#include "tap.h"
#include "uapi.h"

#define PAGES	16
#define SIZE	(PAGES * page)
#define TIB	(GIB << 10)
#define FAR	((void *)(32 * TIB))

static void *(*reserve)(size_t size) = tamalloc;
static unsigned long on_plain;

static char *region, *span;

/* The system call. */

static char **slot;

static long call(void)
{
	region = NULL;
	return tamalloc_call(SIZE, &region);
}

static void unmap_untouched(long ret)
{
	if (ret)
		return;
	CHECK_EQ(resident(region, SIZE), 0);
	CHECK(!munmap(region, SIZE));
}

static void system_call(void)
{
	fail_each((struct op){ .call = call, .after = unmap_untouched, .errors = { ENOMEM } });
}

static void fill_maps_once(void)
{
	static bool full;

	if (!full)
		CHECK(!munmap(fill_map_count(), page));
	full = true;
}

static void map_limit(void)
{
	fail_each((struct op){ .before = fill_maps_once, .call = call,
			    .after = unmap_untouched, .errors = { ENOMEM } });
}

static void lock_future(void)
{
	CHECK(!mlockall(MCL_FUTURE));
}

/* As with mmap(2), touches fill what could not be populated. */
static void unlock_future(long ret)
{
	if (!ret) {
		for (int i = 0; i < PAGES; i++)
			CHECK_EQ(peek(region + i * page), 0);
		CHECK_EQ(resident(region, SIZE), PAGES);
		CHECK(!munmap(region, SIZE));
	}
	CHECK(!munlockall());
}

static void locked(void)
{
	fail_each((struct op){ .before = lock_future, .call = call,
			    .after = unlock_future, .errors = { ENOMEM } });
}

static void new_slot(void)
{
	slot = reserve(page);
}

static long call_into_slot(void)
{
	return tamalloc_call(SIZE, slot);
}

static void free_slot(long ret)
{
	if (!ret)
		CHECK(!munmap(*slot, SIZE));
	CHECK(!munmap(slot, page));
}

/* Storing the result takes a fault. */
static void untouched_slot(void)
{
	fail_each((struct op){ .before = new_slot, .call = call_into_slot,
			    .after = free_slot, .errors = { ENOMEM, EFAULT } });
}

static long call_into_nowhere(void)
{
	long ret = tamalloc_call(SIZE, NULL);

	CHECK_EQ(ret, -1);
	/* EFAULT is what the call always gives; any other error was injected. */
	return errno == EFAULT ? 0 : ret;
}

static void nothing(long ret)
{
	(void)ret;
}

static void no_slot(void)
{
	fail_each((struct op){ .call = call_into_nowhere, .after = nothing, .errors = { ENOMEM } });
}

/* The one EFAULT that may leave a region: it had merged with its neighbour. */

static void neighbour(void)
{
	region = reserve(TIB);
}

static long call_into_nowhere_next(void)
{
	long ret = tamalloc_call(TIB, NULL);

	CHECK_EQ(ret, -1);
	return errno == EFAULT ? 0 : ret;
}

/* Splitting it off again may need memory, as munmap(2) may. */
static void unmap_neighbour(long ret)
{
	struct vma vma;
	size_t more;

	CHECK(find_vma(region, &vma));
	more = region - (char *)vma.start;
	CHECK(!more || (!ret && more == TIB));
	CHECK(!munmap(region - more, TIB + more));
}

static void no_slot_next(void)
{
	struct vma vma;

	/* Control: without a failure it merges with its neighbour and is split off again. */
	neighbour();
	CHECK_EQ((uintptr_t)tamalloc(TIB), (uintptr_t)region - TIB);
	CHECK(!munmap(region - TIB, TIB));
	CHECK_EQ(call_into_nowhere_next(), 0);
	CHECK(find_vma(region, &vma) && vma.start == (uintptr_t)region);
	unmap_neighbour(0);
	fail_each((struct op){ .before = neighbour, .call = call_into_nowhere_next,
			    .after = unmap_neighbour, .errors = { ENOMEM } });
}

/* First touch. */

/* Far from everything else: a fault here allocates page tables of every level. */
static void far_region(void)
{
	span = reserve(TIB);
	region = (char *)(((uintptr_t)span + TIB / 2 - 1) & -(TIB / 2));
}

static long write_touch(void)
{
	poke(region + page, 'w');
	return 0;
}

static long read_touch(void)
{
	return peek(region + page);
}

/* The kernel retries the fault, so the touch succeeds. */
static void unmap_written(long ret)
{
	(void)ret;
	CHECK_EQ(peek(region + page), 'w');
	CHECK_EQ(resident(region, SIZE), 1);
	CHECK(!munmap(span, TIB));
}

static void unmap_read(long ret)
{
	CHECK_EQ(ret, 0);
	CHECK_EQ(resident(region, SIZE), 1);
	CHECK(!munmap(span, TIB));
}

static void write_fault(void)
{
	fail_each((struct op){ .before = far_region, .call = write_touch, .after = unmap_written });
}

static void read_fault(void)
{
	fail_each((struct op){ .before = far_region, .call = read_touch, .after = unmap_read });
}

/* Four touched pages, so the next one can fill a window. */
static void far_evidence(void)
{
	far_region();
	for (int i = 0; i < 4; i++)
		poke(region + i * page, 'e');
}

static long fill_window(void)
{
	poke(region + 4 * page, 'w');
	return 0;
}

/* Four pages, or one where there is no memory for four. */
static void unmap_window(long ret)
{
	size_t pages = resident(region, SIZE);

	(void)ret;
	CHECK(pages == 8 || pages == 5);
	CHECK_EQ(peek(region + 4 * page), 'w');
	CHECK(all_zero(region + 5 * page, SIZE - 5 * page));
	CHECK(!munmap(span, TIB));
}

static void be_adaptive(void)
{
	set(THP "enabled", "madvise");
	reserve = adaptive;
}

static void window_fault(void)
{
	be_adaptive();
	far_evidence();
	fill_window();
	CHECK_EQ(resident(region, SIZE), 8);
	CHECK(!munmap(span, TIB));
	fail_each((struct op){ .before = far_evidence, .call = fill_window, .after = unmap_window });
}

/* First touch by system calls. */

static char source[2 * 4096];
static int file;

static void far_region_and_source(void)
{
	far_region();
	memset(source, 's', sizeof(source));
	if (file)
		return;
	file = memfd_create("source", 0);
	CHECK_EQ(write(file, source, sizeof(source)), sizeof(source));
}

static long write_remotely(void)
{
	const struct iovec from = { source, sizeof(source) };
	const struct iovec to = { region + page, sizeof(source) };

	return process_vm_writev(getpid(), &from, 1, &to, 1, 0);
}

static long read_file(void)
{
	return pread(file, region + page, sizeof(source), 0);
}

/* As many bytes as the call returned are written; the rest is zero and untouched. */
static void unmap_copied(long ret)
{
	size_t pages = resident(region, SIZE);

	CHECK(ret == -1 || (ret > 0 && ret <= (long)sizeof(source)));
	CHECK(pages <= sizeof(source) / page);
	for (long i = 0; i < ret; i++)
		CHECK_EQ(region[page + i], 's');
	if (ret > 0)
		CHECK(pages >= (ret + page - 1) / page);
	CHECK(all_zero(region, page) && all_zero(region + 3 * page, SIZE - 3 * page));
	CHECK(!munmap(span, TIB));
}

static void remote_write(void)
{
	fail_each((struct op){ .before = far_region_and_source, .call = write_remotely,
			    .after = unmap_copied, .errors = { EFAULT, ENOMEM } });
}

static void file_read(void)
{
	fail_each((struct op){ .before = far_region_and_source, .call = read_file,
			    .after = unmap_copied, .errors = { EFAULT, ENOMEM } });
}

static long populate_by_write(void)
{
	return madvise(region, SIZE, MADV_POPULATE_WRITE);
}

static long populate_by_read(void)
{
	return madvise(region, SIZE, MADV_POPULATE_READ);
}

static void unmap_populated(long ret)
{
	if (!ret)
		CHECK_EQ(resident(region, SIZE), PAGES);
	CHECK(all_zero(region, SIZE));
	CHECK_EQ(resident(region, SIZE), PAGES);
	CHECK(!munmap(span, TIB));
}

static void populate(void)
{
	fail_each((struct op){ .before = far_region, .call = populate_by_write,
			    .after = unmap_populated, .errors = { ENOMEM } });
}

static void populate_read(void)
{
	fail_each((struct op){ .before = far_region, .call = populate_by_read,
			    .after = unmap_populated, .errors = { ENOMEM } });
}

static void populate_windows(void)
{
	long taken;

	be_adaptive();
	far_region();
	taken = vmstat("tamalloc_fault");
	CHECK(!populate_by_write());
	CHECK(vmstat("tamalloc_fault") - taken < PAGES);
	unmap_populated(0);
	populate();
}

/* Faults that may fail: none is retried. */

static void recoverable_span(void)
{
	CHECK(!madvise(span, TIB, MADV_OOM_SIGBUS));
}

static void far_recoverable(void)
{
	far_region();
	recoverable_span();
}

static void far_recoverable_evidence(void)
{
	far_evidence();
	recoverable_span();
}

static void far_recoverable_and_source(void)
{
	far_region_and_source();
	recoverable_span();
}

/* EFAULT stands for SIGBUS. */
static long or_sigbus(bool touched)
{
	errno = EFAULT;
	return touched ? 0 : -1;
}

static long try_write(void)
{
	return or_sigbus(try_poke(region + page, 'w'));
}

static long try_read(void)
{
	return or_sigbus(try_peek(region + page, 0));
}

static long try_window(void)
{
	return or_sigbus(try_poke(region + 4 * page, 'w'));
}

/* What failed has left nothing, and succeeds the next time. */
static void write_again(long ret)
{
	if (ret) {
		CHECK_EQ(resident(region, SIZE), 0);
		CHECK(!try_write());
	}
	unmap_written(0);
}

static void read_again(long ret)
{
	if (ret) {
		CHECK_EQ(resident(region, SIZE), 0);
		CHECK(!try_read());
	}
	unmap_read(0);
}

static void window_again(long ret)
{
	if (ret) {
		CHECK_EQ(resident(region, SIZE), 4);
		CHECK(!try_window());
	}
	unmap_window(0);
}

static void sigbus_of_touch(void)
{
	sigbus_catch();
	fail_each((struct op){ .before = far_recoverable, .call = try_write,
			    .after = write_again, .errors = { EFAULT }, .refuses = true });
	fail_each((struct op){ .before = far_recoverable, .call = try_read,
			    .after = read_again, .errors = { EFAULT }, .refuses = true });
}

static void sigbus_of_window(void)
{
	be_adaptive();
	sigbus_catch();
	fail_each((struct op){ .before = far_recoverable_evidence, .call = try_window,
			    .after = window_again, .errors = { EFAULT } });
}

static pid_t sharer;

/* Until its end the child has the page too. */
static void shared_with_child(void)
{
	far_recoverable();
	CHECK(try_poke(region + page, 'p'));
	sharer = fork();
	CHECK(sharer >= 0);
	if (!sharer) {
		pause();
		_exit(EXIT_SUCCESS);
	}
}

static void copy_again(long ret)
{
	if (ret) {
		CHECK_EQ(peek(region + page), 'p');
		CHECK(!try_write());
	}
	CHECK(!kill(sharer, SIGKILL));
	CHECK_EQ(waitpid(sharer, NULL, 0), sharer);
	unmap_written(0);
}

static void sigbus_of_copy(void)
{
	sigbus_catch();
	fail_each((struct op){ .before = shared_with_child, .call = try_write,
			    .after = copy_again, .errors = { EFAULT }, .refuses = true });
}

static void in_swap_there(void)
{
	far_recoverable();
	CHECK(try_poke(region + page, 'w'));
	page_out(region, SIZE);
	CHECK_EQ(in_swap(region, SIZE), 1);
}

static long try_swapped(void)
{
	return or_sigbus(try_peek(region + page, 'w'));
}

static void swap_in_again(long ret)
{
	if (ret)
		CHECK(!try_swapped());
	unmap_written(0);
}

static void sigbus_of_swap_in(void)
{
	sigbus_catch();
	fail_each((struct op){ .before = in_swap_there, .call = try_swapped,
			    .after = swap_in_again, .errors = { EFAULT }, .swap = true, .refuses = true });
}

static void recoverable_calls(void)
{
	fail_each((struct op){ .before = far_recoverable, .call = populate_by_write,
			    .after = unmap_populated, .errors = { ENOMEM }, .refuses = true });
	fail_each((struct op){ .before = far_recoverable_and_source, .call = write_remotely,
			    .after = unmap_copied, .errors = { EFAULT, ENOMEM }, .refuses = true });
	fail_each((struct op){ .before = far_recoverable_and_source, .call = read_file,
			    .after = unmap_copied, .errors = { EFAULT, ENOMEM }, .refuses = true });
}

/* Operations on a region with every other page touched. */

#define MIDDLE	(region + 4 * page)
#define HALF	(SIZE / 2)

static char mark(int i)
{
	return i % 2 ? 'a' + i : 0;
}

static void half_touched(void)
{
	region = reserve(SIZE);
	for (int i = 1; i < PAGES; i += 2)
		poke(region + i * page, mark(i));
}

static void check_marks(int from, int to)
{
	for (int i = from; i < to; i++)
		CHECK_EQ(peek(region + i * page), mark(i));
}

static void unmap_intact(long ret)
{
	(void)ret;
	check_marks(0, PAGES);
	CHECK(!munmap(region, SIZE));
}

/* The child has everything, and the parent does not see its writes. */
static long fork_it(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	check_marks(0, PAGES);
	for (int i = 0; i < PAGES; i++)
		poke(region + i * page, '!');
	_exit(EXIT_SUCCESS);
}

static void reap(long pid)
{
	int status;

	if (pid > 0) {
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	unmap_intact(pid);
}

static void forks(void)
{
	fail_each((struct op){ .before = half_touched, .call = fork_it,
			    .after = reap, .errors = { ENOMEM, EAGAIN } });
}

static long unmap_middle(void)
{
	return munmap(MIDDLE, HALF);
}

static void unmap_around(long ret)
{
	unsigned char in;

	if (ret) {
		unmap_intact(ret);
		return;
	}
	check_marks(0, 4);
	check_marks(12, PAGES);
	CHECK_FAILS(mincore(MIDDLE, page, &in), ENOMEM);
	CHECK(!munmap(region, SIZE));
}

static void unmaps(void)
{
	fail_each((struct op){ .before = half_touched, .call = unmap_middle,
			    .after = unmap_around, .errors = { ENOMEM } });
}

static long move_far(void)
{
	char *to = mremap(region, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR);

	if (to == MAP_FAILED)
		return -1;
	region = to;
	return 0;
}

static void moves(void)
{
	fail_each((struct op){ .before = half_touched, .call = move_far,
			    .after = unmap_intact, .errors = { ENOMEM } });
}

/* Splits the mapping twice and moves the middle. */
static long move_middle(void)
{
	return mremap(MIDDLE, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED, FAR) == MAP_FAILED ? -1 : 0;
}

static void unmap_both(long ret)
{
	if (ret) {
		unmap_intact(ret);
		return;
	}
	check_marks(0, 4);
	check_marks(12, PAGES);
	for (int i = 4; i < 12; i++)
		CHECK_EQ(peek((char *)FAR + (i - 4) * page), mark(i));
	CHECK(!munmap(FAR, HALF));
	CHECK(!munmap(region, SIZE));
}

/*
 * Without strict accounting: an mremap() that fails to split off what it has moved loses
 * VM_ACCOUNT, and with it the accounting, of the whole old mapping, plain or not. In 7.3,
 * unmap_source_vma() then adds it to Committed_AS even if it was not accounted.
 */
static void moves_part(void)
{
	struct utsname kernel;

	CHECK(!uname(&kernel));
	fail_each((struct op){ .before = half_touched, .call = move_middle,
			    .after = unmap_both, .errors = { ENOMEM }, .overcommit = "0",
			    .miscommits = strtol(kernel.release, NULL, 10) >= 7 });
}

static long protect_middle(void)
{
	return mprotect(MIDDLE, HALF, PROT_READ);
}

static void protects(void)
{
	fail_each((struct op){ .before = half_touched, .call = protect_middle,
			    .after = unmap_intact, .errors = { ENOMEM } });
}

static long lock_middle(void)
{
	return mlock(MIDDLE, HALF);
}

static void locks(void)
{
	fail_each((struct op){ .before = half_touched, .call = lock_middle,
			    .after = unmap_intact, .errors = { ENOMEM, EAGAIN } });
}

static long wipe_middle(void)
{
	return madvise(MIDDLE, HALF, MADV_WIPEONFORK);
}

static void advises(void)
{
	fail_each((struct op){ .before = half_touched, .call = wipe_middle,
			    .after = unmap_intact, .errors = { EAGAIN } });
}

static void huge_range(void)
{
	region = align(reserve(huge), huge);
	for (int i = 1; i < PAGES; i += 2)
		poke(region + i * page, mark(i));
}

static long collapse(void)
{
	return madvise(region, huge, MADV_COLLAPSE);
}

static void unmap_huge_range(long ret)
{
	(void)ret;
	check_marks(0, PAGES);
	CHECK(all_zero(region + SIZE, huge - SIZE));
	CHECK(!munmap(region, huge));
}

static void collapses(void)
{
	fail_each((struct op){ .before = huge_range, .call = collapse,
			    .after = unmap_huge_range, .errors = { ENOMEM, EAGAIN, EBUSY } });
}

/* Processes that fork and unmap while one slab allocation in a hundred fails. */
static void live_or_leave(void)
{
	check_marks(0, PAGES);
	for (int i = 0; i < PAGES; i++)
		poke(region + i * page, 'c');
	if (munmap(MIDDLE, HALF))
		CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(peek(region), 'c');
	if (!tamalloc_call(SIZE, &region))
		poke(region, 'n');
	else
		CHECK_EQ(errno, ENOMEM);
	_exit(EXIT_SUCCESS);
}

static void storm(void *unused)
{
	int forked = 0, refused = 0, status, fd;
	struct state before;

	(void)unused;
	fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	state();
	before = state();
	half_touched();
	CHECK_EQ(write(fd, "1", 1), 1);
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (!pid)
			live_or_leave();
		if (pid < 0)
			CHECK(errno == ENOMEM || errno == EAGAIN);
		forked += pid > 0;
		refused += pid < 0;
	}
	/* This may fail as well, as long as it has not succeeded. */
	while (write(fd, "0", 1) != 1)
		CHECK_EQ(errno, ENOMEM);
	for (int i = 0; i < forked; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	unmap_intact(0);
	check_state(&before, "the storm");
	close(fd);
	tap_note("%d forks succeeded, %d were refused", forked, refused);
	CHECK(forked && refused);
}

static void fork_storm(void)
{
	set("/sys/kernel/debug/failslab/times", "-1");
	set("/sys/kernel/debug/failslab/task-filter", "Y");
	set("/sys/kernel/debug/failslab/probability", "1");
	in_failing_cgroup(storm, NULL, false);
}

static const struct test tests[] = {
	TEST("the call fails with ENOMEM and leaves nothing", system_call),
	TEST("the call just below max_map_count fails with ENOMEM and leaves nothing", map_limit),
	TEST("the call under MCL_FUTURE fails with ENOMEM, or touches fill in the rest", locked),
	TEST("the call with addr in an untouched page fails with ENOMEM or EFAULT", untouched_slot),
	TEST("the call with a null addr leaves nothing", no_slot),
	TEST("the call with a null addr beside another region leaves nothing, or a whole region", no_slot_next),
	TEST("a first touch by write retries and fills one page", write_fault),
	TEST("a first touch by read retries and fills one page", read_fault),
	TEST("a first touch that would fill a window retries or fills one page", window_fault),
	TEST("a first touch by process_vm_writev fails with EFAULT or ENOMEM, or is partial", remote_write),
	TEST("a first touch by read(2) fails with EFAULT or ENOMEM, or is partial", file_read),
	TEST("MADV_POPULATE_WRITE fails with ENOMEM", populate),
	TEST("MADV_POPULATE_READ fails with ENOMEM", populate_read),
	TEST("MADV_POPULATE_WRITE in windows fails with ENOMEM", populate_windows),
	TEST("with MADV_OOM_SIGBUS a first touch gives SIGBUS or fills one page", sigbus_of_touch),
	TEST("one that would fill a window fills one page at least, or gives SIGBUS", sigbus_of_window),
	TEST("the copy of what fork has shared gives SIGBUS or is made", sigbus_of_copy),
	TEST("what is in swap gives SIGBUS or comes back", sigbus_of_swap_in),
	TEST("system calls that populate such memory fail with EFAULT or ENOMEM, or are partial", recoverable_calls),
	TEST("fork fails with ENOMEM or EAGAIN, or the child has everything", forks),
	TEST("munmap of the middle fails with ENOMEM and changes nothing, or unmaps it", unmaps),
	TEST("mremap to a far address fails with ENOMEM, contents intact", moves),
	TEST("mremap of the middle fails with ENOMEM, contents intact", moves_part),
	TEST("mprotect of the middle fails with ENOMEM, contents intact", protects),
	TEST("mlock of the middle fails with ENOMEM or EAGAIN, contents intact", locks),
	TEST("madvise that splits fails with EAGAIN, contents intact", advises),
	TEST("MADV_COLLAPSE fails with ENOMEM, EAGAIN or EBUSY, contents intact", collapses),
	TEST("300 forks with one slab allocation in a hundred failing lose nothing", fork_storm),
};

/* A stock kernel must fail for its missing call, and not be skipped. */
static const char *obstacle(void)
{
	const char *why = no_tamalloc();

	if (!why && access("/proc/self/fail-nth", W_OK))
		tap_skip_all("needs CONFIG_FAULT_INJECTION (make test DEBUG=1)");
	return why;
}

static const struct parameter parameters[] = {
	{ "plain", &on_plain, 0 },
	{ }
};

int main(int argc, char **argv)
{
	argc = tap_parameters(argc, argv, parameters);
	if (on_plain)
		reserve = plain;
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), obstacle);
}
