// SPDX-License-Identifier: GPL-2.0
/* userfaultfd on a region: missing pages, and write protection of untouched ones. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "maps.h"
#include "mem.h"
#include "pagemap.h"
#include "settings.h"
#include "tap.h"
#include "uapi.h"
#include "uffd.h"

#define PAGES	16
#define SIZE	(PAGES * page)

static int uffd;
static char *region, *source;
static volatile int events, last_flags;	/* written by the server thread */

static void range_ioctl(unsigned long request, void *arg)
{
	CHECK(!ioctl(uffd, request, arg));
}

/* A region registered with userfaultfd for @mode. */
static void open_uffd(int mode, long features)
{
	if (mode & UFFDIO_REGISTER_MODE_WP)
		uffd_need_protection();
	uffd = uffd_open(O_CLOEXEC | O_NONBLOCK, features);
	CHECK(uffd >= 0);
	set(THP "enabled", "always");
	region = tamalloc(SIZE);
	source = plain(page);
	memset(source, 's', page);
	CHECK(!uffd_register(uffd, region, SIZE, mode));
}

static void protect(bool on)
{
	CHECK(!uffd_protect(uffd, region, SIZE, on));
}

static void resolve(const struct uffd_msg *msg)
{
	uintptr_t addr = msg->arg.pagefault.address & -page;
	bool odd = (addr - (uintptr_t)region) / page % 2;
	struct uffdio_copy copy = { addr, (uintptr_t)source, page, 0, 0 };
	struct uffdio_zeropage zero = { { addr, page }, 0, 0 };

	if (last_flags & UFFD_PAGEFAULT_FLAG_WP)
		protect(false);
	else if (odd)
		range_ioctl(UFFDIO_COPY, &copy);
	else
		range_ioctl(UFFDIO_ZEROPAGE, &zero);
}

/* Even pages are filled with zeroes, odd ones with a copy of the source. */
static void *serve(void *unused)
{
	struct pollfd poller = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (poll(&poller, 1, -1) > 0) {
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		CHECK_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
		last_flags = msg.arg.pagefault.flags;
		events++;
		resolve(&msg);
	}
	return unused;
}

static void start_server(void)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, serve, NULL));
}

static void missing(bool write)
{
	open_uffd(UFFDIO_REGISTER_MODE_MISSING, 0);
	start_server();
	for (int i = 0; i < PAGES; i++) {
		char *p = region + i * page;

		if (write)
			poke(p + 1, 'w');
		CHECK_EQ(peek(p), i % 2 ? 's' : 0);
		CHECK_EQ(peek(p + 1), write ? 'w' : i % 2 ? 's' : 0);
		CHECK_EQ(events, i + 1);
		CHECK_EQ(!!(last_flags & UFFD_PAGEFAULT_FLAG_WRITE), write);
	}
	CHECK_EQ(resident(region, SIZE), PAGES);
}

static void missing_read(void)
{
	missing(false);
}

static void missing_write(void)
{
	missing(true);
}

/* A read by the kernel must raise an event too, and not fill the page. */
static void missing_by_kernel(void)
{
	int pipes[2];

	open_uffd(UFFDIO_REGISTER_MODE_MISSING, 0);
	start_server();
	CHECK(!pipe(pipes));
	CHECK_EQ(write(pipes[1], region + page, 16), 16);
	CHECK_EQ(events, 1);
	CHECK_EQ(peek(region + page), 's');
}

/* The first touch must not replace a page that UFFDIO_COPY put there. */
static void copied_ahead(void)
{
	struct uffdio_copy copy;

	open_uffd(UFFDIO_REGISTER_MODE_MISSING, 0);
	copy = (struct uffdio_copy) {
		(uintptr_t)region, (uintptr_t)source, page, 0, 0
	};
	range_ioctl(UFFDIO_COPY, &copy);
	CHECK_EQ(peek(region), 's');
	poke(region + 1, 'w');
	CHECK_EQ(peek(region), 's');
}

static void open_protected(long features)
{
	struct vma vma;

	open_uffd(UFFDIO_REGISTER_MODE_WP, features | UFFD_FEATURE_WP_UNPOPULATED |
		  UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	protect(true);
	/* Not resident(): in pagemap a marker looks swapped out. */
	CHECK(find_vma(region, &vma));
	CHECK_EQ(vma.rss_kb, 0);
}

static void wp_read(void)
{
	open_protected(0);
	start_server();
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(peek(region + i * page), 0);
	CHECK_EQ(events, 0);
	poke(region + page, 'w');	/* still protected, until the server lifts that */
	CHECK_EQ(events, 1);
	CHECK(last_flags & UFFD_PAGEFAULT_FLAG_WP);
	CHECK_EQ(peek(region + page), 'w');
	CHECK_EQ(resident(region, SIZE), PAGES);
}

static void wp_write(void)
{
	open_protected(0);
	start_server();
	poke(region + page, 'w');
	CHECK_EQ(events, 1);
	CHECK(last_flags & UFFD_PAGEFAULT_FLAG_WP);
	CHECK_EQ(peek(region + page), 'w');
	CHECK(all_zero(region + page + 64, page - 64));
}

static void wp_lifted(void)
{
	open_protected(0);
	protect(false);
	check_strict(region, SIZE);
}

static bool protected(const char *p)
{
	return pagemap(p) & PM_UFFD_WP;
}

/* As PAGEMAP_SCAN tracks writes: the kernel lifts the protection by itself. */
static void wp_async(void)
{
	open_protected(UFFD_FEATURE_WP_ASYNC);
	poke(region + 3 * page, 'w');
	CHECK_EQ(peek(region + 5 * page), 0);
	poke(region + 7 * page, 'w');
	CHECK(!protected(region + 3 * page));
	CHECK(protected(region + 4 * page));
	CHECK(protected(region + 5 * page));
	CHECK(!protected(region + 7 * page));
	CHECK_EQ(peek(region + 3 * page), 'w');
}

/* What is missing need not be zero. */
static void missing_from_outside(void)
{
	char buf[2];

	open_uffd(UFFDIO_REGISTER_MODE_MISSING, 0);
	start_server();
	for (int i = 0; i < 2; i++) {
		struct iovec local = { buf + i, 1 }, remote = { region + i * page, 1 };

		CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 1);
		CHECK_EQ(events, i + 1);
	}
	CHECK(!buf[0] && buf[1] == 's');
	CHECK_EQ(resident(region, SIZE), 2);
}

static const struct test tests[] = {
	TEST("each missing page raises one event when read", missing_read),
	TEST("each missing page raises one event when written", missing_write),
	TEST("a missing page that a system call reads raises an event", missing_by_kernel),
	TEST("so does one that is read from outside", missing_from_outside),
	TEST("a page copied in before its first touch is kept", copied_ahead),
	TEST("an untouched, write-protected page can be read and stays protected", wp_read),
	TEST("an untouched, write-protected page raises one event when written", wp_write),
	TEST("an untouched page is strict once its write protection is lifted", wp_lifted),
	TEST("asynchronous write tracking tells written pages from pages only read", wp_async),
};

TAP_MAIN(tests, no_tamalloc)
