// SPDX-License-Identifier: GPL-2.0
/* Address spaces: what fork copies and a thread shares; areas come and go with mmap and munmap. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define TRACING	"/sys/kernel/tracing/"
#define EVENT	TRACING "events/lab/copied/"

static void *idle(void *nothing)
{
	return nothing;
}

/* How often the kernel copied an area's page tables while @run ran, by a probe of its function. */
static unsigned int copied(void (*run)(void))
{
	char line[512];
	unsigned int count = 0;
	FILE *file;

	close(open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC));
	write_file(EVENT "enable", "1");
	run();
	write_file(EVENT "enable", "0");
	file = fopen(TRACING "trace", "re");
	if (!file)
		fail(TRACING "trace");
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "copied:") != NULL;
	fclose(file);
	return count;
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

void run_space(void)
{
	unsigned int before, with, hole, after, by_thread, by_process;
	char *memory;

	write_file(TRACING "kprobe_events", "p:lab/copied copy_page_range");
	by_thread = copied(a_thread);
	by_process = copied(a_process);
	write_file(TRACING "kprobe_events", "-:lab/copied");
	printf("%s: %s %u, %s %u\n", say("areas whose tables were copied (copy_page_range)",
					 "áreas cuyas tablas se copiaron (copy_page_range)"),
	       say("for a thread", "para una hebra"), by_thread, say("for a child", "para un hijo"), by_process);
	expect(by_thread == 0 && by_process > 0, "a thread shares the mm_struct, a child has a copy");

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
