// SPDX-License-Identifier: GPL-2.0
/*
 * A cache that shrinks when it is told that there is no memory: by SIGBUS where it is touched,
 * by ENOMEM where memory is asked for beforehand. Run it in the guest: it uses up all memory.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <tamalloc.h>
#include <tamalloc_syscall.h>
#include <unistd.h>

#define MB	(1UL << 20)
#define STEP	(16 * MB)	/* what it gives up at a time */
#define RESULT	(128 * MB)	/* what the program needs besides */

static char *cache;
static size_t size;
static volatile size_t stored, dropped;	/* the handler sees them change */

/* The oldest entries go. False if there are no more. */
static int shrink(void)
{
	if (dropped + STEP > stored)
		return 0;
	madvise(cache + dropped, STEP, MADV_DONTNEED);
	dropped += STEP;
	return 1;
}

/* When this returns, the access that found no memory is repeated. It takes no memory itself. */
static void told(int number, siginfo_t *info, void *context)
{
	char *addr = info->si_addr;

	(void)context;
	if (info->si_code != BUS_ADRERR || addr < cache || addr >= cache + size || !shrink())
		signal(number, SIG_DFL);
}

/* The stack of the handler has to be there when nothing else is. */
static int catch_sigbus(void)
{
	stack_t stack = { .ss_sp = tamalloc(SIGSTKSZ), .ss_size = SIGSTKSZ };
	struct sigaction action = { .sa_sigaction = told, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	return stack.ss_sp && !mlock(stack.ss_sp, SIGSTKSZ) && !sigaltstack(&stack, NULL) &&
	       !sigaction(SIGBUS, &action, NULL);
}

int main(void)
{
	size_t ram = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), before;
	char *result = tamalloc(RESULT);

	size = 2 * ram & -STEP;
	cache = tamalloc(size);
	if (!cache || !result || !catch_sigbus() || madvise(cache, size, MADV_OOM_SIGBUS))
		return perror("cache"), 1;
	printf("%zu MB of memory, and %zu MB to be kept in the cache\n", ram / MB, size / MB);

	for (; stored < size; stored += MB)
		memset(cache + stored, 1, MB);
	shrink();	/* for what is not in a range that has the advice, as the kernel's buffers */
	printf("SIGBUS: %zu MB were given up\n", dropped / MB);

	before = dropped;
	while (tamalloc_commit(result, RESULT))
		if (!shrink())
			return perror("tamalloc_commit"), 1;
	memset(result, 1, RESULT);
	printf("ENOMEM: %zu MB were given up for a result of %zu MB\n", (dropped - before) / MB, RESULT / MB);
	return 0;
}
