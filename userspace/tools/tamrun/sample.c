// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of processes below this one, as procfs has it: its numbers are those of the PID
 * namespace that it was mounted for, which need not be ours. A directory of procfs that is
 * held open stays that of one process, whoever gets the number later.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "sample.h"

static FILE *open_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* Its own number and its parent's; false if the process is no more. */
static bool read_numbers(int process, int *pid, int *parent)
{
	FILE *stat = open_file(process, "stat");
	char line[512], *name_ends;
	size_t length;

	if (!stat)
		return false;
	length = fread(line, 1, sizeof(line) - 1, stat);
	fclose(stat);
	line[length] = 0;
	/* "57 (a name) S 1 ...", and the name may have anything in it. */
	name_ends = strrchr(line, ')');
	return name_ends && sscanf(line, "%d", pid) == 1 && sscanf(name_ends, ") %*c %d", parent) == 1;
}

/* Pages that several processes share count once, so what each has is a fraction of them. */
static int add_memory(int process, struct peak *now)
{
	unsigned long start, end, size_kb = 0, share = 0, swapped = 0;
	int fd = open_memory_at(process, "smaps");
	char *line = NULL;
	size_t size = 0;
	FILE *smaps;

	if (fd < 0)
		return errno;
	smaps = fdopen(fd, "r");
	while (getline(&line, &size, smaps) > 0) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			size_kb = (end - start) >> 10;
		sscanf(line, "Pss: %lu", &share);
		sscanf(line, "SwapPss: %lu", &swapped);
		/* These end a mapping. The name [anon:tamalloc] can be changed by the program. */
		if (strncmp(line, "VmFlags:", 8) || !strstr(line, " tm"))
			continue;
		now->seen = true;
		now->reserved += size_kb;
		now->committed += share + swapped;
	}
	free(line);
	fclose(smaps);
	return 0;
}

/* That a process has ended is no error. */
static void note_error(struct peak *now, int error)
{
	if (error && error != ENOENT && error != ESRCH && !now->error)
		now->error = error;
}

static void add_children(int process, int pid, struct peak *now);

/* One that has ended, or has another parent by now, is no matter. */
static void add_child(int number, int parent, int parent_pid, struct peak *now)
{
	int pid, of, of_parent;
	char path[32];
	int process;

	snprintf(path, sizeof(path), "/proc/%d", number);
	process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process < 0) {
		note_error(now, errno);
		return;
	}
	/* Its parent still has that number, so what says so is its child. */
	if (read_numbers(process, &pid, &of) && of == parent_pid &&
	    read_numbers(parent, &pid, &of_parent) && pid == parent_pid) {
		note_error(now, add_memory(process, now));
		add_children(process, number, now);
	}
	close(process);
}

static void add_children_of_thread(int process, const char *tid, int pid, struct peak *now)
{
	char path[NAME_MAX + sizeof("task//children")];
	FILE *children;
	int number;

	snprintf(path, sizeof(path), "task/%s/children", tid);
	children = open_file(process, path);
	if (!children) {
		/* A thread may have ended; the file is missing where the kernel was built without it. */
		snprintf(path, sizeof(path), "task/%s", tid);
		if (!faccessat(process, path, F_OK, 0) && !now->error)
			now->error = ENOENT;
		return;
	}
	while (fscanf(children, "%d", &number) == 1)
		add_child(number, process, pid, now);
	fclose(children);
}

static void add_children(int process, int pid, struct peak *now)
{
	int fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!tasks) {
		note_error(now, errno);
		return;
	}
	while ((entry = readdir(tasks)))
		if (*entry->d_name != '.')
			add_children_of_thread(process, entry->d_name, pid, now);
	closedir(tasks);
}

void sample(struct peak *peak)
{
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pid, parent;
	struct peak now = { 0 };

	if (self >= 0 && read_numbers(self, &pid, &parent))
		add_children(self, pid, &now);
	else
		now.error = ENOENT;
	if (self >= 0)
		close(self);
	peak->seen |= now.seen;
	if (now.reserved > peak->reserved)
		peak->reserved = now.reserved;
	if (now.committed > peak->committed)
		peak->committed = now.committed;
	if (!peak->error)
		peak->error = now.error;
}
