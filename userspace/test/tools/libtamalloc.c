// SPDX-License-Identifier: GPL-2.0
/*
 * Every function of libtamalloc and each error that it documents. In the environment
 * EXPECT=1 says that this kernel has the system call, EXPECT=0 that it does not.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maps.h"
#include "pagemap.h"
#include "pages.h"
#include "settings.h"
#include "tamalloc.h"
#include "tamalloc_syscall.h"
#include "tap.h"

/* A call must give NULL and this errno. */
#define CHECK_NULL(call, err) do {					\
	errno = 0;							\
	CHECK((call) == NULL);						\
	CHECK_EQ(errno, err);						\
} while (0)

static const char *obstacle(void)
{
	return getenv("EXPECT") ? NULL : "EXPECT= is not set";
}

static void kind(void)
{
	struct vma vma;
	char *p;

	errno = 42;
	CHECK_EQ(tamalloc_available(), atoi(getenv("EXPECT")));
	CHECK_EQ(tamalloc_available(), atoi(getenv("EXPECT")));
	p = tamalloc(MIB);
	CHECK(p);
	CHECK_EQ(errno, 42);
	CHECK(find_vma(p, &vma));
	CHECK_EQ(!!strstr(vma.flags, " " REGION_FLAG), tamalloc_available());
}

static void by_page(void)
{
	char *p = tamalloc(8 * MIB);

	CHECK(p && !((uintptr_t)p % page));
	CHECK_EQ(resident(p, 8 * MIB), 0);
	p[0] = 1;
	p[5 * MIB] = 1;
	CHECK_EQ(p[5 * MIB + 1], 0);
	CHECK_EQ(resident(p, 8 * MIB), 2);
}

static void nothing(void)
{
	char *p = tamalloc(0), *q = tamalloc(0);

	CHECK(p && q && p != q);
	p[page - 1] = 1;
	CHECK(!tamalloc_release(p, 0));
	CHECK(!tamalloc_release(q, 1));
	CHECK(!tamalloc_release(NULL, 0));
	CHECK(!tamalloc_release(NULL, MIB));
}

static void release(void)
{
	char *p = tamalloc(4 * page);
	unsigned char map;

	p[0] = p[3 * page] = 'x';
	CHECK(!tamalloc_release(p + page, page));
	CHECK_FAILS(mincore(p + page, page, &map), ENOMEM);
	CHECK(p[0] == 'x' && p[3 * page] == 'x' && !p[2 * page]);
	CHECK_FAILS(tamalloc_release(p + 1, page), EINVAL);
	CHECK(!tamalloc_release(p, 4 * page));
}

static void resize(void)
{
	char *p = tamalloc_resize(NULL, 0, MIB), *wall;

	p[0] = p[MIB - 1] = 'x';
	p = tamalloc_resize(p, MIB, 64 * MIB);
	CHECK(p && p[0] == 'x' && p[MIB - 1] == 'x');
	CHECK_EQ(resident(p, 64 * MIB), 2);
	CHECK_EQ(p[MIB], 0);
	p = tamalloc_resize(p, 64 * MIB, 2 * page);
	CHECK(p && p[0] == 'x');
	p[page] = 'y';

	/* Without room behind it the region moves and stays one. */
	wall = mmap(p + 2 * page, page, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(wall == p + 2 * page);
	p = tamalloc_resize(p, 2 * page, 8 * MIB);
	CHECK(p && p + 2 * page != wall && p[0] == 'x' && p[page] == 'y');
	CHECK_EQ(resident(p, 8 * MIB), 2);
	p = tamalloc_resize(p, 8 * MIB, 0);
	CHECK(p && p[0] == 'x');
	CHECK(!tamalloc_release(p, 0));
}

static void resize_fails(void)
{
	char *p = tamalloc(MIB);

	p[0] = 'x';
	CHECK_NULL(tamalloc_resize(p + 1, MIB, 2 * MIB), EINVAL);
	CHECK_NULL(tamalloc_resize(p, MIB, SIZE_MAX / 4), ENOMEM);
	CHECK_NULL(tamalloc_resize(p, MIB, SIZE_MAX), ENOMEM);
	CHECK_NULL(tamalloc_resize(p, SIZE_MAX, MIB), EFAULT);
	CHECK(p[0] == 'x');
	CHECK(!tamalloc_release(p, MIB));
	CHECK_NULL(tamalloc_resize(p, MIB, 2 * MIB), EFAULT);
}

static void too_much(void)
{
	struct rlimit limit = { 256 * MIB, 256 * MIB };

	CHECK_NULL(tamalloc(SIZE_MAX), ENOMEM);
	CHECK_NULL(tamalloc(SIZE_MAX / 2), ENOMEM);
	CHECK_NULL(tamalloc(1UL << 48), ENOMEM);
	/* It was the memory that was refused. */
	CHECK_EQ(tamalloc_available(), atoi(getenv("EXPECT")));
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK_NULL(tamalloc(256 * MIB), ENOMEM);
	CHECK(tamalloc(MIB));
}

struct sandbox {
	int answer;		/* to the call: an errno, or 0 for success that is none */
	bool used_before;	/* by the library */
};

static void in_sandbox(void *arg)
{
	const struct sandbox *sandbox = arg;
	int answer = sandbox->answer;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_tamalloc, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };
	char *before = sandbox->used_before ? tamalloc(MIB) : NULL, *p;
	unsigned long addr;

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	errno = 0;
	CHECK_EQ(syscall(__NR_tamalloc, MIB, &addr), answer ? -1 : 0);
	CHECK_EQ(errno, answer);
	errno = 42;
	p = tamalloc(MIB);
	if (!p)
		tap_fail(__FILE__, __LINE__, "no memory where the call answers %s", strerror(answer));
	CHECK_EQ(errno, 42);
	CHECK_EQ(tamalloc_available(), 0);
	p[0] = 1;
	CHECK(!tamalloc_release(p, MIB));
	if (before)
		before[0] = 1;
	CHECK(!tamalloc_release(before, MIB));
	CHECK_NULL(tamalloc(SIZE_MAX / 2), ENOMEM);
}

static void sandboxes(void)
{
	static const int answers[] = {
		ENOSYS, EPERM, EACCES, ENOMEM, EAGAIN, EOPNOTSUPP, EUCLEAN, EINVAL, 0
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		CHECK_EQ(child(in_sandbox, &(struct sandbox){ answers[i], true }), 0);
		CHECK_EQ(child(in_sandbox, &(struct sandbox){ answers[i], false }), 0);
	}
}

static void adaptive(void)
{
	char *p = tamalloc(8 * MIB);

	CHECK(!tamalloc_adaptive(p, 8 * MIB, 1));
	CHECK(!tamalloc_adaptive(p, 4 * MIB, 0));
	p[0] = p[MIB] = 1;
	CHECK_EQ(resident(p, 4 * MIB), 2);
	CHECK_FAILS(tamalloc_adaptive(p + 1, MIB, 1), EINVAL);
	CHECK(!tamalloc_release(p, 8 * MIB));
	CHECK_FAILS(tamalloc_adaptive(p, 8 * MIB, 1), ENOMEM);
}

/* Where the kernel cannot promise that nothing is killed, nothing is populated. */
static void commit(void)
{
	char *p = tamalloc(4 * page);

	if (!atoi(getenv("EXPECT"))) {
		CHECK_FAILS(tamalloc_commit(p, 4 * page), EINVAL);
		CHECK_EQ(resident(p, 4 * page), 0);
		return;
	}
	CHECK(!tamalloc_commit(p + page, 2 * page));
	CHECK_EQ(resident(p, 4 * page), 2);
	p[page] = 'x';
	CHECK(!tamalloc_commit(p, 4 * page));
	CHECK_EQ(resident(p, 4 * page), 4);
	CHECK(p[page] == 'x' && !p[0]);
	CHECK(!tamalloc_commit(p, 0));
	CHECK_FAILS(tamalloc_commit(p + 1, page), EINVAL);
	CHECK(!madvise(p, page, MADV_OOM_KILL));
	CHECK_NULL(tamalloc_resize(p, 4 * page, 8 * page), EFAULT);
	CHECK(!madvise(p, page, MADV_OOM_SIGBUS));
	CHECK(!mprotect(p, page, PROT_READ));
	CHECK(!madvise(p, page, MADV_DONTNEED));
	CHECK_FAILS(tamalloc_commit(p, page), EINVAL);
	CHECK(!tamalloc_release(p, 4 * page));
	CHECK_FAILS(tamalloc_commit(p, 4 * page), ENOMEM);
}

static void commit_too_much(void *unused)
{
	const size_t more = 2 * KIB * field("/proc/meminfo", "MemTotal");
	char *p = tamalloc(MIB), *all = tamalloc(more);

	(void)unused;
	p[0] = 'x';
	CHECK_FAILS(tamalloc_commit(all, more), ENOMEM);
	CHECK(!tamalloc_release(all, more));
	CHECK(p[0] == 'x');
	CHECK(!tamalloc_commit(p, MIB));
}

static void no_memory(void)
{
	if (!atoi(getenv("EXPECT")))
		tap_skip("this kernel has no MADV_OOM_SIGBUS");
	CHECK_EQ(child(commit_too_much, NULL), 0);
}

static void *thread(void *arg)
{
	for (int i = 0; i < 500; i++) {
		char *p = tamalloc(MIB);

		if (!p)
			return "tamalloc";
		p[0] = p[page] = 1;
		p = tamalloc_resize(p, MIB, 3 * MIB);
		if (!p || p[page] != 1 || p[2 * MIB])
			return "tamalloc_resize";
		if (tamalloc_release(p, 3 * MIB))
			return "tamalloc_release";
	}
	return arg;
}

static void threads(void)
{
	pthread_t ids[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&ids[i], NULL, thread, NULL));
	for (int i = 0; i < 4; i++) {
		CHECK(!pthread_join(ids[i], &failed));
		if (failed)
			tap_fail(__FILE__, __LINE__, "%s failed", (char *)failed);
	}
}

static void in_child(void *arg)
{
	char *p = arg;

	CHECK(p[0] == 'x' && !p[page]);
	p[0] = 'c';
	CHECK(!thread(NULL));
	CHECK(!tamalloc_release(p, MIB));
}

static void forks(void)
{
	char *p = tamalloc(MIB);

	p[0] = 'x';
	CHECK_EQ(child(in_child, p), 0);
	CHECK(p[0] == 'x');
}

static const struct test tests[] = {
	TEST("the library reports whether the kernel has the call and reserves accordingly", kind),
	TEST("memory is zeroed and allocated page by page", by_page),
	TEST("size 0 counts as 1, and NULL can be released", nothing),
	TEST("a region can be released whole or in part", release),
	TEST("a region grows, shrinks and moves without touching a page", resize),
	TEST("a region that cannot be resized stays as it was", resize_fails),
	TEST("an allocation that cannot be satisfied is ENOMEM", too_much),
	TEST("under a seccomp filter that denies the call, however, the library falls back to mmap", sandboxes),
	TEST("adaptive first touch can be turned on and off", adaptive),
	TEST("memory can be committed, and is refused where nothing could be promised", commit),
	TEST("what the machine does not have is refused, and nobody is killed", no_memory),
	TEST("threads use the library at once", threads),
	TEST("a child uses the library on its own copy", forks),
};

TAP_MAIN(tests, obstacle)
