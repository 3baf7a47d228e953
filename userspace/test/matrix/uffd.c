// SPDX-License-Identifier: GPL-2.0
/* userfaultfd: missing and write-protected pages, and what it can put there. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "matrix.h"
#include "uffd.h"

static int uffd;
static char *region, *source;
static volatile int events, flags;	/* of the faults it has served */

static long request(unsigned long number, void *arg)
{
	return ioctl(uffd, number, arg);
}

/* Memory to register, and the contents to copy there. */
static void start(const struct cell *cell, long features)
{
	uffd = uffd_open(O_CLOEXEC | O_NONBLOCK, features);
	CHECK(uffd >= 0);
	region = get(cell, SIZE);
	source = plain(SIZE);
	fill(source, PAGES);
}

static long enlist(int mode)
{
	return uffd_register(uffd, region, SIZE, mode);
}

static long protect(bool on)
{
	return uffd_protect(uffd, region, SIZE, on);
}

static long copy(size_t index, size_t pages)
{
	struct uffdio_copy copy = {
		(uintptr_t)region + index * page, (uintptr_t)source + index * page, pages * page, 0, 0,
	};

	return request(UFFDIO_COPY, &copy);
}

static long zeropage(size_t index, size_t pages)
{
	struct uffdio_zeropage zero = { { (uintptr_t)region + index * page, pages * page }, 0, 0 };

	return request(UFFDIO_ZEROPAGE, &zero);
}

/* Even pages get their number, odd ones zeroes. Lifts write protection. */
static void *serve(void *unused)
{
	struct pollfd poller = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (poll(&poller, 1, -1) > 0) {
		size_t index;

		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		CHECK_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
		index = (msg.arg.pagefault.address - (uintptr_t)region) / page;
		flags = msg.arg.pagefault.flags;
		events++;
		if (flags & UFFD_PAGEFAULT_FLAG_WP)
			CHECK(!protect(false));
		else if (index % 2)
			CHECK(!zeropage(index, 1));
		else
			CHECK(!copy(index, 1));
	}
	return unused;
}

static void start_server(void)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, serve, NULL));
}

static void say_events(void)
{
	say("events: %d%s%s", events, flags & UFFD_PAGEFAULT_FLAG_WRITE ? ", write" : "",
	    flags & UFFD_PAGEFAULT_FLAG_WP ? ", protected" : "");
}

static void missing(const struct cell *cell)
{
	start(cell, 0);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_MISSING));
	start_server();
	for (size_t i = 0; i < PAGES; i++) {
		if (cell->arg == 'w')
			poke(region + i * page + 64, 0);
		else
			(void)peek(region + i * page);
	}
	say_events();
	say("%s", contents(region, PAGES));
	say("flags %s", flags_of(cell, region));
}

static void missing_in_kernel(const struct cell *cell)
{
	int pipes[2], zero = open("/dev/zero", O_RDONLY);

	start(cell, 0);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_MISSING));
	start_server();
	CHECK(!pipe(pipes));
	say_outcome("write(2)", write(pipes[1], region, 8));
	say_outcome("read(2)", read(zero, region + page, 8));
	say_outcome("mlock", mlock(region + 2 * page, 2 * page));
	say_outcome("populate", madvise(region + 4 * page, 2 * page, MADV_POPULATE_READ));
	say_events();
	say("%s", contents(region, PAGES));
}

static void signalled(const struct cell *cell)
{
	start(cell, UFFD_FEATURE_SIGBUS);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_MISSING));
	say("read %s", touch(region, 'r'));
	say("write %s", touch(region, 'w'));
	CHECK(!copy(0, 1));
	say("copied, read %s", touch(region, 'r'));
	say_pages(region, PAGES);
}

static void ahead(const struct cell *cell)
{
	start(cell, 0);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_MISSING));
	say_outcome("copy", copy(0, 8));
	say_outcome("zeropage", zeropage(8, 4));
	say_outcome("copy again", copy(4, 8));
	say("%ld resident, %s", usage(region, PAGES, "Rss"), contents(region, PAGES));
	write_all(region, 12);
	say("written: %ld resident", usage(region, PAGES, "Rss"));
}

static void unregistered(const struct cell *cell)
{
	struct uffdio_range range;

	start(cell, 0);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING));
	range = (struct uffdio_range) { (uintptr_t)region, SIZE };
	say_outcome(NULL, request(UFFDIO_UNREGISTER, &range));
	fill(region, PAGES);
	say_pages(region, PAGES);
	say_outcome("copy", copy(0, 1));
}

static void minor(const struct cell *cell)
{
	start(cell, 0);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_MINOR));
}

static void proceed(const struct cell *cell)
{
	struct uffdio_continue go;

	start(cell, 0);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING));
	go = (struct uffdio_continue) { { (uintptr_t)region, page }, 0, 0 };
	say_outcome(NULL, request(UFFDIO_CONTINUE, &go));
}

/* The first four pages. */
static void start_poisoned(const struct cell *cell)
{
	struct uffdio_poison poison;

	start(cell, UFFD_FEATURE_POISON);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING));
	poison = (struct uffdio_poison) { { (uintptr_t)region, 4 * page }, 0, 0 };
	say_outcome(NULL, request(UFFDIO_POISON, &poison));
}

static void poisoned(const struct cell *cell)
{
	start_poisoned(cell);
	say("read %s", touch(region, 'r'));
	say("write %s", touch(region + page, 'w'));
	CHECK(!madvise(region, SIZE, MADV_DONTNEED));
	CHECK(!copy(0, 1));
	say("dropped and copied: read %s", touch(region, 'r'));
}

static void look(void *p)
{
	say("child: %s", touch(p, 'r'));
}

static void poisoned_fork(const struct cell *cell)
{
	start_poisoned(cell);
	CHECK(!child(look, region));
	CHECK(!child(look, region + SIZE - page));
}

/* Moves all of @from into the region. */
static void move_in(char *from, int mode)
{
	struct uffdio_move move = { (uintptr_t)region, (uintptr_t)from, SIZE, mode, 0 };

	say_outcome(NULL, request(UFFDIO_MOVE, &move));
}

/* The argument: 0 moves from plain memory, 1 from the cell's own kind. */
static void moved(const struct cell *cell)
{
	char *from;

	start(cell, UFFD_FEATURE_MOVE);
	from = cell->arg ? get(cell, SIZE) : align(plain(SIZE), SIZE);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING));
	fill(from, PAGES);
	move_in(from, 0);
	say_pages(region, PAGES);
	say("source: %ld resident", usage(from, PAGES, "Rss"));
	say_kind(cell, region);
}

static void moved_away(const struct cell *cell)
{
	char *from;

	start(cell, UFFD_FEATURE_MOVE);
	from = region;
	region = align(plain(SIZE), SIZE);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING));
	fill(from, PAGES);
	move_in(from, 0);
	say_pages(region, PAGES);
	say("source: %ld resident", usage(from, PAGES, "Rss"));
	fill(from, PAGES);
	say("written: %ld resident", usage(from, PAGES, "Rss"));
}

/* The argument: the mode. */
static void moved_holes(const struct cell *cell)
{
	char *from;

	start(cell, UFFD_FEATURE_MOVE);
	from = get(cell, SIZE);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING));
	fill(from, PAGES / 2);
	move_in(from, cell->arg);
	say("%ld resident", usage(region, PAGES, "Rss"));
	say("source: %ld resident", usage(from, PAGES, "Rss"));
}

static void write_protected(const struct cell *cell)
{
	start(cell, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	fill(region, PAGES / 2);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_WP));
	say_outcome("protect", protect(true));
	start_server();
	read_all(region, PAGES);
	say_events();
	poke(region + 8, 'x');
	say_events();
	say("%ld resident", usage(region, PAGES, "Rss"));
}

static void protected_unpopulated(const struct cell *cell)
{
	start(cell, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_UNPOPULATED);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_WP));
	say_outcome("protect", protect(true));
	say("%ld resident", usage(region, PAGES, "Rss"));
	start_server();
	if (cell->arg == 'r')
		read_all(region, PAGES);
	say("events: %d", events);
	poke(region + page, 'x');
	say_events();
	say("%ld resident", usage(region, PAGES, "Rss"));
}

static void marker_dropped(const struct cell *cell)
{
	start(cell, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_UNPOPULATED);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_WP));
	say_outcome(NULL, protect(true));
	say_outcome("lift", protect(false));
	fill(region, PAGES);
	say_pages(region, PAGES);
}

static void marker_moved(const struct cell *cell)
{
	char *to;

	start(cell, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_UNPOPULATED);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_WP));
	say_outcome(NULL, protect(true));
	to = move_to(region, SIZE, hole(SIZE));
	fill(to, PAGES);
	say_pages(to, PAGES);
	say("flags %s", flags_of(cell, to));
}

static void write_on_copy(const struct cell *cell)
{
	struct uffdio_copy copy;

	start(cell, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	CHECK(!enlist(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP));
	copy = (struct uffdio_copy) {
		(uintptr_t)region, (uintptr_t)source, SIZE, UFFDIO_COPY_MODE_WP, 0,
	};
	say_outcome(NULL, request(UFFDIO_COPY, &copy));
	start_server();
	read_all(region, PAGES);
	say("events: %d", events);
	poke(region + 8, 'x');
	say_events();
	say_pages(region, PAGES);
}

/* The operations wait until a thread has read their events. */
static void *count_events(void *unused)
{
	struct pollfd poller = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (poll(&poller, 1, -1) > 0)
		if (read(uffd, &msg, sizeof(msg)) == sizeof(msg))
			flags = msg.event, __atomic_fetch_add(&events, 1, __ATOMIC_RELEASE);
	return unused;
}

/* An operation may return before that thread has counted its event. */
static void await_events(int count)
{
	for (int i = 0; i < 6000 && events < count; i++)
		usleep(10000);
}

static void told_of(const struct cell *cell)
{
	static const struct {
		const char *name;
		int events;
	} what[] = { { "DONTNEED", 1 }, { "mremap", 2 }, { "munmap", 1 } };
	pthread_t thread;

	start(cell, UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_UNMAP);
	fill(region, PAGES);
	say_outcome(NULL, enlist(UFFDIO_REGISTER_MODE_MISSING));
	CHECK(!pthread_create(&thread, NULL, count_events, NULL));
	for (int i = 0; i < 3; i++) {
		events = 0;
		if (i == 0)
			CHECK(!madvise(region, page, MADV_DONTNEED));
		else if (i == 1)
			region = move_to(region, SIZE, hole(SIZE));
		else
			CHECK(!munmap(region, SIZE));
		await_events(what[i].events);
		say("%s: %d event%s, the last 0x%x", what[i].name, events, events == 1 ? "" : "s", flags);
	}
}

const struct row uffd_rows[] = {
	{ "MISSING, every page read", missing, 'r' },
	{ "MISSING, every page written", missing, 'w' },
	{ "MISSING, touched by the kernel", missing_in_kernel },
	{ "MISSING with FEATURE_SIGBUS", signalled },
	{ "COPY and ZEROPAGE ahead of the touch", ahead },
	{ "registered, unregistered, written", unregistered },
	{ "WP, half written; all read, one written", write_protected, 0, READ_POPULATES,
	  .needs = uffd_can_protect },
	{ "WP_UNPOPULATED; all read, one written", protected_unpopulated, 'r', READ_POPULATES,
	  .needs = uffd_can_protect },
	{ "WP_UNPOPULATED; one written", protected_unpopulated, 'w', .needs = uffd_can_protect },
	{ "WP_UNPOPULATED, lifted, then written", marker_dropped, .needs = uffd_can_protect },
	{ "WP_UNPOPULATED, moved by mremap, then written", marker_moved,
	  .needs = uffd_can_protect },
	{ "COPY, write-protected; one written", write_on_copy, .needs = uffd_can_protect },
	{ "MOVE into it from plain memory", moved, 0 },
	{ "MOVE into it from its own kind", moved, 1 },
	{ "MOVE out of it into plain memory", moved_away },
	{ "MOVE, half written", moved_holes, 0, .refused = "EAGAIN" },
	{ "MOVE, half written, holes allowed", moved_holes, UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES },
	{ "POISON", poisoned },
	{ "POISON, then fork", poisoned_fork },
	{ "MINOR", minor, .refused = "EINVAL" },
	{ "CONTINUE", proceed, .refused = "EINVAL" },
	{ "events of DONTNEED, mremap and munmap", told_of },
	{}
};
