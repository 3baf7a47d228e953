// SPDX-License-Identifier: GPL-2.0
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"
#include "uapi.h"
#include "uffd.h"

int uffd_open(int flags, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int uffd = syscall(SYS_userfaultfd, flags);

	CHECK(uffd < 0 || !ioctl(uffd, UFFDIO_API, &api));
	return uffd;
}

bool uffd_can_protect(void)
{
	static int can = -1;	/* threads may ask at the same time, and find the same */

	if (can < 0) {
		struct uffdio_api api = { .api = UFFD_API };
		int uffd = syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);

		CHECK(uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api));
		close(uffd);
		can = !!(api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	}
	return can;
}

void uffd_need_protection(void)
{
	if (!uffd_can_protect())
		tap_skip("this kernel cannot write-protect by userfaultfd (HAVE_ARCH_USERFAULTFD_WP)");
}

int uffd_register(int uffd, const void *start, size_t bytes, int mode)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)start, bytes },
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &range);
}

int uffd_protect(int uffd, const void *start, size_t bytes, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)start, bytes },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp);
}
