// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the start of 256 pages and touches four: two itself, one from another thread and
 * one in a child. "wait" takes a name of two lines and waits for a byte on stdin first,
 * "many N" touches N MB instead, and "releases" gives pages back in all ways.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

#define PAGE 4096

static volatile char *p;

static void *in_thread(void *arg)
{
	p[7 * PAGE];
	return arg;
}

static int many(size_t bytes)
{
	unsigned long addr;

	if (syscall(__NR_tamalloc, bytes, &addr))
		return perror("tamalloc"), 1;
	memset((void *)addr, 1, bytes);
	return 0;
}

/* What stays is exit's: page 0, touched once more, 3, and 4 elsewhere. */
static int releases(char *p)
{
	memset(p, 1, 6 * PAGE);
	if (!fork())
		_exit(munmap(p, 6 * PAGE));	/* its parent's pages, not its own */
	wait(NULL);
	if (madvise(p, 2 * PAGE, MADV_DONTNEED) || munmap(p + 2 * PAGE, PAGE) ||
	    munmap(p + 3 * PAGE + 1, PAGE) == 0 ||
	    mremap(p + 4 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PAGE) == MAP_FAILED ||
	    mmap(p + 5 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return perror("releases"), 1;
	p[0] = 1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long addr;
	pthread_t thread;
	char byte;

	if (argc > 2)
		return many(strtoul(argv[2], NULL, 10) << 20);
	if (syscall(__NR_tamalloc, 256 * PAGE, &addr))
		return perror("tamalloc"), 1;
	if (argc > 1 && !strcmp(argv[1], "wait"))
		prctl(PR_SET_NAME, "new\nname");
	printf("base %lx\n", addr);
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "releases"))
		return releases((char *)addr);
	if (argc > 1 && read(0, &byte, 1) < 0)
		return perror("read"), 1;
	p = (char *)addr;
	p[0] = 1;
	p[5 * PAGE];
	if (pthread_create(&thread, NULL, in_thread, NULL) || pthread_join(thread, NULL))
		return 1;
	if (!fork()) {
		p[9 * PAGE] = 1;
		_exit(0);
	}
	wait(NULL);
	/* Again, which is no first touch. */
	p[0] = p[5 * PAGE] = p[7 * PAGE] = 2;
	return 42;
}
