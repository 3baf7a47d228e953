// SPDX-License-Identifier: GPL-2.0
/* Fetch: on demand or ahead of it. Replacement: among one's own pages or among everyone's. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define PAGES	64

static long faults(bool major)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return major ? usage.ru_majflt : usage.ru_minflt;
}

/* Faults of touching each page. */
static long touch(char *memory, unsigned int pages, bool major)
{
	long before = faults(major);

	for (unsigned int i = 0; i < pages; i++)
		memory[i * PAGE] = 1;
	return faults(major) - before;
}

static void first_loads(void)
{
	for (int populate = 0; populate <= MAP_POPULATE; populate += MAP_POPULATE) {
		char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
		unsigned long loaded = present(memory, PAGES);
		long faulted = touch(memory, PAGES, false);

		printf("%-44s %7lu %6ld\n", populate ? say("loaded at once (MAP_POPULATE)", "carga inicial (MAP_POPULATE)") :
		       say("on demand (mmap)", "por demanda (mmap)"), loaded, faulted);
		expect(populate ? loaded == PAGES && faulted == 0 : loaded == 0 && faulted == PAGES,
		       "on demand each page faults; populated, none does");
		munmap(memory, PAGES * PAGE);
	}
}

/* The most that one access brings in from the disk, and the faults of all: readahead adapts to its hits. */
static void from_disk(const char *cluster)
{
	unsigned long before, most = 0;
	char *memory;
	long faulted = 0;

	cgroup_make("fetch", 0);
	cgroup_enter("fetch");
	memory = tamalloc_pages(PAGES);
	touch(memory, PAGES, false);
	cgroup_enter("");
	swap_out("fetch", memory, PAGES);
	write_file("/proc/sys/vm/page-cluster", cluster);
	for (unsigned int i = 0; i < PAGES; i++) {
		unsigned long more;

		before = field("/proc/vmstat", "pswpin");
		faulted += touch(memory + i * PAGE, 1, true);
		more = field("/proc/vmstat", "pswpin") - before;
		most = more > most ? more : most;
	}
	printf("%-42s %s %7lu %6ld\n", say("from disk, /proc/sys/vm/page-cluster", "de disco, /proc/sys/vm/page-cluster"),
	       cluster, most, faulted);
	munmap(memory, PAGES * PAGE);
	cgroup_end("fetch");
	expect(*cluster == '0' ? most == 1 && faulted == PAGES : most > 1 && most <= 8 && faulted < PAGES,
	       "without readahead each page faults; with it one brings in several");
}

/* A process with 100 pages rests while another goes through 1,000; how many of its are lost? */
static long replaced(const char *mine, const char *others)
{
	int lost[2], status;
	long count;
	char *memory, *stream;
	pid_t pid;

	cgroup_make("mine", 400);
	cgroup_make("others", 400);
	if (pipe(lost))
		fail("pipe");
	pid = fork();
	if (!pid) {
		cgroup_enter(mine);
		memory = tamalloc_pages(100);
		touch(memory, 100, false);
		pid = fork();
		if (!pid) {
			cgroup_enter(others);
			stream = tamalloc_pages(1000);
			for (int turn = 0; turn < 2; turn++)
				touch(stream, 1000, false);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			fail("the other process");
		count = 100 - present(memory, 100);
		_exit(write(lost[1], &count, sizeof(count)) != sizeof(count));
	}
	if (pid < 0 || read(lost[0], &count, sizeof(count)) != sizeof(count) || waitpid(pid, &status, 0) != pid)
		fail("the process at rest");
	close(lost[0]);
	close(lost[1]);
	cgroup_end("mine");
	cgroup_end("others");
	return count;
}

void run_fetch(void)
{
	long local, global;

	printf("%-*s %7s %6s\n", PADDED(44, say("64 pages", "64 páginas")), say("at once", "a la vez"), say("faults", "faltas"));
	first_loads();
	swap_on_disk(true);
	from_disk("0");
	from_disk("3");
	swap_on_disk(false);

	write_file("/proc/self/oom_score_adj", "-1000");
	local = replaced("mine", "others");
	global = replaced("others", "others");
	printf("%s:\n", say("100 pages at rest, while another process goes through 1,000: evicted of them",
			    "100 páginas en reposo mientras otro proceso recorre 1000: retiradas de ellas"));
	printf("  %-*s %5ld\n",
	       PADDED(42, say("local replacement: a cgroup each", "sustitución local: un cgroup cada uno")), local);
	printf("  %-42s %5ld\n", say("global: one cgroup for both", "global: un cgroup para los dos"), global);
	expect(local == 0 && global > 0, "only where memory is shared are another's pages taken");
}
