// SPDX-License-Identifier: GPL-2.0
/* Clean and dirty, shared and locked pages: what it costs to evict each, and who may be. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define CGROUP	"pages"
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
		cgroup_reclaim(CGROUP);
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
	printf("%-*s %10lu %10lu\n", PADDED(26, what), left, sectors);
}

void run_pages(void)
{
	char *file, *locked, *shared;
	int fd = open(DISK, O_RDWR | O_CLOEXEC), status;
	unsigned long before, left;
	pid_t pid;

	if (fd < 0)
		fail(DISK);
	cgroup_make(CGROUP, 0);
	write_file("/sys/kernel/mm/lru_gen/enabled", "n");
	write_file("/proc/sys/vm/drop_caches", "3");
	cgroup_enter(CGROUP);
	file = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		fail("mmap");

	printf("%-*s %10s %10s\n", PADDED(26, say("64 pages, to be evicted", "64 páginas, a retirar")), say("left", "quedan"),
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
	       (unsigned long long)frame_count(frame_of(shared)));
	expect(frame_count(frame_of(shared)) == 1, "a private page is mapped once");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(frame_count(frame_of(shared)));	/* read only: no copy is made */
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
	printf(", %s: %d\n", say("after fork", "tras fork"), WEXITSTATUS(status));
	expect(WEXITSTATUS(status) == 2, "after fork parent and child share it");

	cgroup_enter("");
	write_file("/sys/kernel/mm/lru_gen/enabled", "y");
	munmap(file, PAGES * PAGE);
	close(fd);
	munlock(locked, PAGES * PAGE);
}
