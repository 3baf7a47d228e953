// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the start of 256 pages and touches four: two itself, one from another thread and
 * one in a child. With an argument it waits for a byte on stdin first; with two it
 * touches as many MB as the second says instead.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	unsigned long addr;
	pthread_t thread;
	char byte;

	if (argc > 2)
		return many(strtoul(argv[2], NULL, 10) << 20);
	if (syscall(__NR_tamalloc, 256 * PAGE, &addr))
		return perror("tamalloc"), 1;
	printf("base %lx\n", addr);
	fflush(stdout);
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
