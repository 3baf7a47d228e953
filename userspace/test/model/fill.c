// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "fill.h"
#include "tap.h"
#include "uapi.h"
#include "uffd.h"

int fill_one(struct world *w, unsigned int i, const char *bytes)
{
	uintptr_t addr = (uintptr_t)address(w, i);
	struct uffdio_zeropage zero = { .range = { addr, PAGE } };
	struct uffdio_copy copy = { .dst = addr, .src = (uintptr_t)bytes, .len = PAGE };
	int ret;

	do {
		ret = bytes ? ioctl(w->uffd, UFFDIO_COPY, &copy) :
			      ioctl(w->uffd, UFFDIO_ZEROPAGE, &zero);
	} while (ret && errno == EAGAIN);
	return ret ? errno : 0;
}

static void serve(struct world *w, uintptr_t addr)
{
	unsigned int i = (addr - (uintptr_t)w->arena) / PAGE;
	struct uffdio_range range = { (uintptr_t)address(w, i), PAGE };
	char bytes[PAGE];

	memset(bytes, stamp(i), PAGE);
	if (fill_one(w, i, stamp(i) ? bytes : NULL))
		ioctl(w->uffd, UFFDIO_WAKE, &range);
}

static void *handler(void *arg)
{
	struct world *w = arg;
	struct uffd_msg msg;

	while (read(w->uffd, &msg, sizeof(msg)) == sizeof(msg))
		if (msg.event == UFFD_EVENT_PAGEFAULT)
			serve(w, msg.arg.pagefault.address);
	return NULL;
}

bool fill_open(struct world *w)
{
	pthread_t thread;

	if (w->uffd >= 0)
		return true;
	w->uffd = uffd_open(O_CLOEXEC, uffd_can_protect() ?
			    UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC : 0);
	if (w->uffd < 0)
		return false;
	CHECK(!pthread_create(&thread, NULL, handler, w));
	CHECK(!pthread_detach(thread));
	return true;
}

void fill_close(struct world *w)
{
	if (w->uffd >= 0)
		close(w->uffd);
	w->uffd = -1;
}
