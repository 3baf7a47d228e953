// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to a window is no touch of it. Half of one is touched, the operation follows,
 * and then the page behind the window, which may fill no more than itself: more than half of
 * a group is needed, and the operation must not have made evidence of the other half.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "adaptive.h"
#include "uapi.h"
#include "uffd.h"

#define BOTH	(2 * MIDDLE * page)	/* all that is resident */

/* The whole mapping: where it is parted, what came ahead goes. */
static void protect(int prot)
{
	CHECK(!mprotect(region, SIZE, prot));
	CHECK(!mprotect(region, SIZE, RW));
}

static void read_only(void)
{
	protect(PROT_READ);
}

static void no_access(void)
{
	protect(PROT_NONE);
}

static void locked(void)
{
	CHECK(!mlock(region, BOTH));
	CHECK(!munlock(region, BOTH));
}

static void locked_on_fault(void)
{
	CHECK(!mlock2(region, SIZE, MLOCK_ONFAULT));
	CHECK(!munlock(region, SIZE));
}

static void all_locked(void)
{
	CHECK(!mlockall(MCL_CURRENT | MCL_ONFAULT));
	CHECK(!munlockall());
}

static void moved(void)
{
	char *place = hole(SIZE);

	CHECK(move_to(region, SIZE, place) == place);
	CHECK(move_to(place, SIZE, region) == region);
}

static void do_nothing(void *unused)
{
	(void)unused;
}

static void forked(void)
{
	CHECK_EQ(child(do_nothing, NULL), 0);
}

static void read_all(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < 2 * MIDDLE; i++)
		(void)peek(at(i));
}

static void read_by_child(void)
{
	CHECK_EQ(child(read_all, NULL), 0);
}

static void advise(int advice)
{
	CHECK(!madvise(region, SIZE, advice));
}

#define ADVISED(function, advice)					\
static void function(void)						\
{									\
	advise(advice);							\
}

#define ADVISED_AND_BACK(function, advice, back)			\
static void function(void)						\
{									\
	advise(advice);							\
	advise(back);							\
}

ADVISED(will_need, MADV_WILLNEED)
ADVISED(cold, MADV_COLD)
ADVISED(paged_out, MADV_PAGEOUT)
ADVISED(lazily_free, MADV_FREE)
ADVISED_AND_BACK(random_access, MADV_RANDOM, MADV_NORMAL)
ADVISED_AND_BACK(not_huge, MADV_NOHUGEPAGE, MADV_HUGEPAGE)
ADVISED_AND_BACK(not_copied, MADV_DONTFORK, MADV_DOFORK)
ADVISED_AND_BACK(not_dumped, MADV_DONTDUMP, MADV_DODUMP)
ADVISED_AND_BACK(mergeable, MADV_MERGEABLE, MADV_UNMERGEABLE)

static void observed(void)
{
	char *buf = malloc(BOTH);
	struct iovec local = { buf, BOTH }, remote = { region, BOTH };

	CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), BOTH);
	free(buf);
}

/* A pipe holds the pages. */
static void spliced(void)
{
	struct iovec range = { at(MIDDLE), MIDDLE / 4 * page };
	int pipes[2];

	CHECK(!pipe(pipes));
	CHECK_EQ(vmsplice(pipes[1], &range, 1, 0), MIDDLE / 4 * page);
	close(pipes[0]);
	close(pipes[1]);
}

static void mapped_in(void)
{
	unsigned char in[2 * MIDDLE];

	CHECK(!mincore(region, BOTH, in));
}

static void not_referenced(void)
{
	write_file("/proc/self/clear_refs", "1");
}

static void not_soft_dirty(void)
{
	write_file("/proc/self/clear_refs", "4");
}

static void rebound(void)
{
	unsigned long node[] = { 1, 2 };

	for (int i = 0; i < 2; i++)
		CHECK(!syscall(SYS_mbind, region, SIZE, MPOL_BIND, &node[i], 64, MPOL_MF_MOVE));
	CHECK(!syscall(SYS_mbind, region, SIZE, MPOL_DEFAULT, NULL, 0, 0));
}

/* All of the process, there and back. */
static void migrated(void)
{
	unsigned long node[] = { 1, 2 };

	CHECK(syscall(SYS_migrate_pages, getpid(), 64, &node[0], &node[1]) >= 0);
	CHECK(syscall(SYS_migrate_pages, getpid(), 64, &node[1], &node[0]) >= 0);
}

/* One page of those that nobody has touched gets another frame. */
static void soft_offlined(void)
{
	CHECK(!madvise(at(2 * MIDDLE - 2), page, MADV_SOFT_OFFLINE));
}

static void compacted(void)
{
	write_file("/proc/sys/vm/compact_memory", "1");
}

static void split(void)
{
	char request[80];

	snprintf(request, sizeof(request), "%d,0x%lx,0x%lx", getpid(),
		 (unsigned long)region, (unsigned long)region + BOTH);
	write_file("/sys/kernel/debug/split_huge_pages", request);
}

static void write_protected(void)
{
	int uffd = uffd_open(O_CLOEXEC, UFFD_FEATURE_PAGEFAULT_FLAG_WP);

	CHECK(uffd >= 0);
	CHECK(!uffd_register(uffd, region, SIZE, UFFDIO_REGISTER_MODE_WP));
	CHECK(!uffd_protect(uffd, region, SIZE, true));
	CHECK(!uffd_protect(uffd, region, SIZE, false));
	close(uffd);
}

/* Before 7.3 there is no such thing. */
static void read_write_protected(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_RWP };
	struct uffdio_rwprotect rwp = { { (uintptr_t)region, SIZE }, UFFDIO_RWPROTECT_MODE_RWP };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	CHECK(uffd >= 0);
	if (ioctl(uffd, UFFDIO_API, &api))
		return;
	CHECK(!uffd_register(uffd, region, SIZE, UFFDIO_REGISTER_MODE_RWP));
	CHECK(!ioctl(uffd, UFFDIO_RWPROTECT, &rwp));
	rwp.mode = 0;
	CHECK(!ioctl(uffd, UFFDIO_RWPROTECT, &rwp));
	close(uffd);
}

static const struct {
	const char *name;
	void (*run)(void);
} operations[] = {
	{ "mprotect, read-only and back", read_only },
	{ "mprotect, no access and back", no_access },
	{ "mlock and munlock", locked },
	{ "mlock2, on fault, and munlock", locked_on_fault },
	{ "mlockall, on fault, and munlockall", all_locked },
	{ "mremap, away and back", moved },
	{ "fork", forked },
	{ "a child that reads all", read_by_child },
	{ "MADV_WILLNEED", will_need },
	{ "MADV_COLD", cold },
	{ "MADV_PAGEOUT, without swap", paged_out },
	{ "MADV_FREE", lazily_free },
	{ "MADV_RANDOM and NORMAL", random_access },
	{ "MADV_NOHUGEPAGE and HUGEPAGE", not_huge },
	{ "MADV_DONTFORK and DOFORK", not_copied },
	{ "MADV_DONTDUMP and DODUMP", not_dumped },
	{ "MADV_MERGEABLE and UNMERGEABLE", mergeable },
	{ "process_vm_readv", observed },
	{ "vmsplice", spliced },
	{ "mincore", mapped_in },
	{ "clear_refs, 1", not_referenced },
	{ "clear_refs, 4", not_soft_dirty },
	{ "mbind to either node", rebound },
	{ "migrate_pages, there and back", migrated },
	{ "a page that is taken off-line", soft_offlined },
	{ "compaction", compacted },
	{ "a split of its folios", split },
	{ "userfaultfd's write protection and back", write_protected },
	{ "userfaultfd's protection from reads, too, and back", read_write_protected },
};

static void operate(void *arg)
{
	const char *name = operations[*(size_t *)arg].name;
	size_t ahead, filled;

	half_touched();
	operations[*(size_t *)arg].run();
	ahead = resident(at(MIDDLE / 2 * 3), MIDDLE / 2 * page);
	if (ahead != MIDDLE / 2)
		tap_fail(__FILE__, __LINE__, "%s: of what came ahead %zu are there", name, ahead);
	filled = filled_behind();
	if (filled > 1)
		tap_fail(__FILE__, __LINE__, "%s: the page behind fills %zu", name, filled);
}

static void by_operation(void)
{
	bool all = true;

	need_adaptive();
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		all &= !child(operate, &i);
	CHECK(all);
}

/* Control: without that half there would be nothing to find. */
static void by_touch(void)
{
	half_touched();
	walk(MIDDLE / 2 * 3, 2 * MIDDLE);
	CHECK_EQ(filled_behind(), window_at(2 * MIDDLE));
}

static const struct test tests[] = {
	TEST("the page behind a window fills another one, if all before it were touched", by_touch),
	TEST("it fills no more than itself if half of the window was, whatever was done to it", by_operation),
};

TAP_MAIN(tests, no_tamalloc)
