// SPDX-License-Identifier: GPL-2.0
/* Clean and dirty, shared and locked pages: what it costs to evict each, and who may be. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define CGROUP	"/sys/fs/cgroup/pages"
#define DISK	"/dev/vda"
#define PAGES	64

static unsigned long written(void)
{
	unsigned long sectors;
	FILE *file = fopen("/sys/block/vda/stat", "re");

	if (!file || fscanf(file, "%*u %*u %*u %*u %*u %*u %lu", &sectors) != 1)
		fail("/sys/block/vda/stat");
	fclose(file);
	return sectors;
}

static unsigned long resident(char *memory)
{
	unsigned char in[PAGES];
	unsigned long count = 0;

	if (mincore(memory, PAGES * PAGE, in))
		fail("mincore");
	for (int i = 0; i < PAGES; i++)
		count += in[i] & 1;
	return count;
}

/* Until they are gone, or it is plain that they stay: what is dirty is written by another thread first. */
static unsigned long evict(char *memory)
{
	for (int i = 0; i < 100 && resident(memory); i++) {
		int fd = open(CGROUP "/memory.reclaim", O_WRONLY | O_CLOEXEC);

		if (fd < 0 || (write(fd, "8M", 2) < 0 && errno != EAGAIN))
			fail(CGROUP "/memory.reclaim");
		close(fd);
		usleep(20000);
	}
	return resident(memory);
}

static void touch(char *memory, bool write)
{
	for (int i = 0; i < PAGES; i++) {
		if (write)
			memory[i * PAGE]++;
		else
			(void)*(volatile char *)(memory + i * PAGE);
	}
}

static void show(const char *what, unsigned long left, unsigned long sectors)
{
	printf("%-26s %10lu %10lu\n", what, left, sectors);
}

/* From /proc/kpagecount: how many page tables map the frame. */
static uint64_t mapped_by(const char *page)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int counts = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	uint64_t entry, count;

	if (pread(pagemap, &entry, 8, (uintptr_t)page / PAGE * 8) != 8 ||
	    pread(counts, &count, 8, (entry & ((1ULL << 55) - 1)) * 8) != 8)
		fail("/proc/kpagecount");
	close(pagemap);
	close(counts);
	return count;
}

void run_pages(void)
{
	char pid_text[16], *file, *locked, *shared;
	int fd = open(DISK, O_RDWR | O_CLOEXEC), status;
	unsigned long before, left;
	pid_t pid;

	if (fd < 0)
		fail(DISK);
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		fail(CGROUP);
	write_file("/sys/kernel/mm/lru_gen/enabled", "n");
	snprintf(pid_text, sizeof(pid_text), "%d", getpid());
	write_file("/proc/sys/vm/drop_caches", "3");
	write_file(CGROUP "/cgroup.procs", pid_text);
	file = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		fail("mmap");

	printf("%-26s %10s %10s\n", say("64 pages, to be evicted", "64 páginas, a retirar"), say("left", "quedan"),
	       say("sectors", "sectores"));
	touch(file, false);
	before = written();
	left = evict(file);
	show(say("clean (of a file)", "limpias (de un fichero)"), left, written() - before);
	expect(left == 0 && written() == before, "clean pages go without a write");

	touch(file, true);
	before = written();
	left = evict(file);
	show(say("dirty (of a file)", "sucias (de un fichero)"), left, written() - before);
	expect(left == 0 && written() - before >= PAGES * PAGE / 512, "dirty ones are written first");

	locked = tamalloc_pages(PAGES);
	if (mlock(locked, PAGES * PAGE))
		fail("mlock");
	before = written();
	left = evict(locked);
	show(say("locked (mlock)", "bloqueadas (mlock)"), left, written() - before);
	expect(left == PAGES, "locked ones stay");

	shared = tamalloc_pages(1);
	*shared = 1;
	printf("%s: %llu", say("page tables that map a page", "tablas que apuntan a una página"),
	       (unsigned long long)mapped_by(shared));
	expect(mapped_by(shared) == 1, "a private page is mapped once");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(mapped_by(shared));	/* read only: no copy is made */
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
	printf(", %s: %d\n", say("after fork", "tras fork"), WEXITSTATUS(status));
	expect(WEXITSTATUS(status) == 2, "after fork parent and child share it");

	write_file("/sys/fs/cgroup/cgroup.procs", pid_text);
	write_file("/sys/kernel/mm/lru_gen/enabled", "y");
	munmap(file, PAGES * PAGE);
	close(fd);
	munlock(locked, PAGES * PAGE);
}
