// SPDX-License-Identifier: GPL-2.0
/*
 * Run by tamrun, and linked statically: all that it maps is memory from tamalloc. In the
 * environment MODE= says which that is, as PR_GET_TAMALLOC does.
 *
 *	mode FILE	adds its mode to FILE, as a line
 *	hold MB HOW [SECONDS]	touches so much of 64 MB and keeps it for 3 seconds: "itself", a
 *			"thread" that outlives the main thread, four "children", or an "orphan"
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maps.h"
#include "pages.h"
#include "tamalloc_syscall.h"
#include "tap.h"

static int mode(void)
{
	return prctl(PR_GET_TAMALLOC, 0, 0, 0, 0);
}

static void check_kind(const void *p, bool adaptive, const char *what)
{
	struct vma vma;

	if (!p || !find_vma(p, &vma) || !strstr(vma.flags, " " REGION_FLAG) ||
	    !!strstr(vma.flags, " hg") != adaptive)
		tap_fail(__FILE__, __LINE__, "%s is not: %p, %s", what, p, vma.flags);
}

static void all_sizes(void)
{
	bool adaptive = mode() == PR_TAMALLOC_ADAPTIVE;

	for (size_t size = 1; size <= 16 * MIB; size *= 4) {
		char *p = malloc(size);

		check_kind(p, adaptive, "malloc");
		check_kind(calloc(1, size), adaptive, "calloc");
		check_kind(realloc(p, 3 * size), adaptive, "realloc");
		check_kind(memalign(2 * MIB, size), adaptive, "memalign");
	}
	check_kind(sbrk(page) + page / 2, adaptive, "sbrk");
	check_kind(mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), adaptive, "mmap");
}

static void right_mode(void)
{
	CHECK_EQ(mode(), atoi(getenv("MODE")));
}

static void *in_thread(void *arg)
{
	char local;

	all_sizes();
	check_kind(&local, false, "a thread's stack");
	return arg;
}

static void in_threads(void)
{
	pthread_t ids[4];

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&ids[i], NULL, in_thread, NULL));
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(ids[i], NULL));
}

static void in_child(void *arg)
{
	(void)arg;
	all_sizes();
	in_threads();
}

static void after_fork(void)
{
	CHECK_EQ(child(in_child, NULL), 0);
}

static const struct test tests[] = {
	TEST("it has the mode", right_mode),
	TEST("all of malloc's memory, and what it maps, is tamalloc's", all_sizes),
	TEST("so is that of threads, and their stacks", in_threads),
	TEST("so is that of a child and its threads", after_fork),
};

static size_t held;
static int seconds = 3;

static void *hold(void *arg)
{
	char *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	for (size_t i = 0; i < held; i += page)
		p[i] = 1;
	sleep(seconds);
	(void)arg;
	exit(0);
}

static int hold_somewhere(const char *how)
{
	pthread_t thread;

	if (!strcmp(how, "thread")) {
		if (pthread_create(&thread, NULL, hold, NULL))
			return 2;
		pthread_exit(NULL);
	}
	if (!strcmp(how, "children"))
		for (int i = 0; i < 4; i++)
			if (!fork())
				hold(NULL);
	if (!strcmp(how, "orphan")) {
		if (!fork()) {
			if (!fork())
				hold(NULL);
			_exit(0);
		}
		wait(NULL);
		sleep(seconds);
		return 0;
	}
	if (!strcmp(how, "children")) {
		while (wait(NULL) > 0)
			;
		return 0;
	}
	hold(NULL);
	return 0;
}

static int add_mode(const char *path)
{
	FILE *file = fopen(path, "ae");

	return !file || fprintf(file, "%d\n", mode()) < 0 || fclose(file);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "mode"))
		return add_mode(argv[2]);
	if (argc >= 4 && !strcmp(argv[1], "hold")) {
		held = strtoul(argv[2], NULL, 10) * MIB;
		if (argc > 4)
			seconds = atoi(argv[4]);
		return hold_somewhere(argv[3]);
	}
	return tap_main(argc, argv, tests, sizeof(tests) / sizeof(*tests), NULL);
}
