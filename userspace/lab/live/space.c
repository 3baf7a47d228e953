// SPDX-License-Identifier: GPL-2.0
/* Address spaces: what fork copies and a thread shares; areas come and go with mmap and munmap. */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static void *idle(void *nothing)
{
	return nothing;
}

/* How often the kernel called a probed function while @run ran. */
static unsigned int calls(const char *name, void (*run)(void))
{
	char event[64];

	snprintf(event, sizeof(event), "lab/%s", name);
	events_clear();
	event_on(event, NULL);
	run();
	events_off();
	return events_count(name);
}

static void a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, idle, NULL) || pthread_join(thread, NULL))
		fail("pthread_create");
}

static void a_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		fail("fork");
}

static unsigned int areas(void)
{
	unsigned int count = 0;
	int c;
	FILE *file = fopen("/proc/self/maps", "re");

	if (!file)
		fail("/proc/self/maps");
	while ((c = getc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return count;
}

static void map_and_unmap(void)
{
	munmap(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), PAGE);
}

void run_space(void)
{
	unsigned int before, with, hole, after, by_thread, by_process, mapped, unmapped;
	char *memory;

	probe("p:lab/copied copy_page_range\n");
	by_thread = calls("copied", a_thread);
	by_process = calls("copied", a_process);
	probe("-:lab/copied\n");
	printf("%s: %s %u, %s %u\n", say("areas whose tables were copied (copy_page_range)",
					 "áreas cuyas tablas se copiaron (copy_page_range)"),
	       say("for a thread", "para una hebra"), by_thread, say("for a child", "para un hijo"), by_process);
	expect(by_thread == 0 && by_process > 0, "a thread shares the mm_struct, a child has a copy");

	probe("p:lab/mapped do_mmap\n");
	probe("p:lab/unmapped do_vmi_munmap\n");
	mapped = calls("mapped", map_and_unmap);
	unmapped = calls("unmapped", map_and_unmap);
	probe("-:lab/mapped\n");
	probe("-:lab/unmapped\n");
	printf(say("an mmap and a munmap: do_mmap %u, do_vmi_munmap %u\n", "un mmap y un munmap: do_mmap %u, do_vmi_munmap %u\n"), mapped,
	       unmapped);
	expect(mapped == 1 && unmapped == 1, "each is one call");

	before = areas();
	memory = mmap(NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");
	with = areas();
	munmap(memory + 4 * PAGE, 4 * PAGE);
	hole = areas();
	munmap(memory, 16 * PAGE);
	after = areas();
	printf("%s: %u, %s %u, %s %u, %s %u\n", say("lines of /proc/PID/maps", "líneas de /proc/PID/maps"), before,
	       say("after mmap", "tras mmap"), with, say("with a hole in it", "con un hueco en medio"), hole,
	       say("after munmap", "tras munmap"), after);
	expect(with == before + 1 && hole == before + 2 && after == before, "an area more, two around a hole, none");
}
