// SPDX-License-Identifier: GPL-2.0
/*
 * What can be reserved, and what then can be touched, under each setting of
 * vm.overcommit_memory and in a memory cgroup. For a guest: it takes all memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

#define MB	(1UL << 20)
#define GROUP	"/sys/fs/cgroup/overcommit"

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("overcommit: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s: %s; is this a guest, and are we root?", path, strerror(errno));
	close(fd);
}

/* MB, of a line of /proc/meminfo. */
static long meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kb = -1;

	while (file && kb < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name) + 1);
	if (kb < 0)
		die("/proc/meminfo has no %s", name);
	fclose(file);
	return kb >> 10;
}

static void *by_mmap(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *by_tamalloc(size_t size)
{
	void *p;

	return syscall(__NR_tamalloc, size, &p) ? NULL : p;
}

static const struct way {
	const char *name;
	void *(*get)(size_t size);
} ways[] = { { "mmap", by_mmap }, { "tamalloc", by_tamalloc } };

#define WAYS (sizeof(ways) / sizeof(*ways))

/* Whether it can be had, and what it adds to Committed_AS. */
static void reserve(const struct way *way, size_t size)
{
	long before = meminfo("Committed_AS:");
	void *p = way->get(size);

	if (!p) {
		printf("  %15s", strerrorname_np(errno));
		return;
	}
	printf("  yes, %+7ld MB", meminfo("Committed_AS:") - before);
	munmap(p, size);
}

/* Touches it in a child, MB by MB, and says how far that went. */
static void touch_all(const struct way *way, size_t size, const char *group)
{
	unsigned long *touched = mmap(NULL, sizeof(*touched), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		char *p;

		if (group)
			write_to(group, "0");
		p = way->get(size);
		if (!p)
			_exit(1);
		for (; *touched < size; *touched += MB)
			memset(p + *touched, 1, MB);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("no child: %s", strerror(errno));
	if (WIFSIGNALED(status))
		printf("  %-10s reserved, and killed (signal %d) after %lu MB\n", way->name,
		       WTERMSIG(status), *touched / MB);
	else
		printf("  %-10s %s\n", way->name, status ? "refused at once" : "reserved, and all of it touched");
	munmap(touched, sizeof(*touched));
}

int main(void)
{
	static const char * const modes[] = { "0", "1", "2" };
	long ram = meminfo("MemTotal:");

	if (!by_tamalloc(1))
		die("no tamalloc: %s", strerror(errno));
	printf("This machine has %ld MB of memory and %ld MB of swap.\n\n", ram, meminfo("SwapTotal:"));
	printf("Can it be reserved, and what does that add to Committed_AS?\n");
	printf("  overcommit_memory      for        256 MB          2048 MB\n");
	for (int i = 0; i < 3; i++) {
		write_to("/proc/sys/vm/overcommit_memory", modes[i]);
		for (size_t way = 0; way < WAYS; way++) {
			printf("  %-17s %8s", modes[i], ways[way].name);
			reserve(&ways[way], 256 * MB);
			reserve(&ways[way], 2048 * MB);
			printf("\n");
		}
	}
	for (int i = 0; i < 3; i++) {
		write_to("/proc/sys/vm/overcommit_memory", modes[i]);
		printf("\nWith overcommit_memory=%s, 2048 MB are asked for, and all of it written:\n", modes[i]);
		for (size_t way = 0; way < WAYS; way++)
			touch_all(&ways[way], 2048 * MB, NULL);
	}
	write_to("/proc/sys/vm/overcommit_memory", "0");
	write_to("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755))
		die(GROUP ": %s", strerror(errno));
	write_to(GROUP "/memory.max", "64M");
	printf("\nIn a memory cgroup with memory.max=64M, 512 MB:\n");
	for (size_t way = 0; way < WAYS; way++)
		touch_all(&ways[way], 512 * MB, GROUP "/cgroup.procs");
	rmdir(GROUP);
	return 0;
}
