// SPDX-License-Identifier: GPL-2.0
/* The cache of task_struct: a hundred processes take a hundred objects of it, and give them back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define PROCESSES	100

static struct { unsigned long active, all, size, per_slab, pages, slabs; } cache;

static unsigned long number(const char *file)
{
	char path[96];
	unsigned long value;
	FILE *from;

	snprintf(path, sizeof(path), "/sys/kernel/slab/task_struct/%s", file);
	from = fopen(path, "re");
	if (!from || fscanf(from, "%lu", &value) != 1)
		fail(path);
	fclose(from);
	return value;
}

static void show(const char *when)
{
	char line[512];
	bool found = false;
	FILE *file = fopen("/proc/slabinfo", "re");

	if (!file)
		fail("/proc/slabinfo");
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "task_struct %lu %lu %lu %lu %lu : tunables %*u %*u %*u : slabdata %*u %lu", &cache.active,
			       &cache.all, &cache.size, &cache.per_slab, &cache.pages, &cache.slabs) == 6;
	fclose(file);
	expect(found, "/proc/slabinfo has task_struct");
	if (when)
		printf("%-*s %8lu %8lu %6lu %8lu\n", PADDED(26, when), cache.active, cache.all, cache.slabs, number("partial"));
}

/*
 * Later kernels keep free objects at hand, in sheaves, which count as in use. Shrinking the cache
 * empties them.
 */
static void empty_sheaves(void)
{
	FILE *file;

	if (access("/sys/kernel/slab/task_struct/sheaf_capacity", F_OK))
		return;
	file = fopen("/sys/kernel/slab/task_struct/shrink", "we");
	if (!file || fputs("1", file) < 0 || fclose(file))
		fail("/sys/kernel/slab/task_struct/shrink");
	show(say("without the sheaves", "sin las gavillas"));
}

void run_slab(void)
{
	char filter[64], byte;
	int go_on[2];
	unsigned int allocated, given_back = 0;
	unsigned long slabs;

	if (pipe(go_on))
		fail("pipe");
	show(NULL);
	printf(say("task_struct: %lu bytes, %lu in each slab of %lu pages\n", "task_struct: %lu bytes, %lu en cada bloque de %lu páginas\n"),
	       cache.size, cache.per_slab, cache.pages);
	printf("%-26s %8s %8s %6s %8s\n", "/proc/slabinfo", say("in use", "en uso"), say("objects", "objetos"),
	       say("slabs", "bloques"), say("partial", "parciales"));
	show(say("before", "antes"));
	slabs = cache.slabs;
	snprintf(filter, sizeof(filter), "bytes_alloc == %lu && common_pid == %d", cache.size, getpid());
	fflush(stdout);
	events_clear();
	event_on("kmem/kmem_cache_alloc", filter);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (!pid) {
			close(go_on[1]);
			_exit(read(go_on[0], &byte, 1));
		}
		if (pid < 0)
			fail("fork");
	}
	events_off();
	allocated = events_count("kmem_cache_alloc");
	show(say("with 100 processes more", "con 100 procesos más"));
	expect(cache.slabs - slabs < PROCESSES / 2, "a slab serves several of them");
	events_clear();
	event_on("kmem/kmem_cache_free", "name == \"task_struct\"");
	close(go_on[1]);
	while (wait(NULL) > 0)
		;
	/* Each is given back only after an RCU grace period, which has no set length. */
	for (int i = 0; i < 1000 && given_back < PROCESSES; i++) {
		usleep(10000);
		given_back = events_count("kmem_cache_free");
	}
	events_off();
	show(say("after they ended", "terminados"));
	empty_sheaves();
	printf("kmem_cache_alloc: %u\n", allocated);
	expect(allocated == PROCESSES, "a task_struct for each process");
	expect(given_back >= PROCESSES, "and each is given back");
}
