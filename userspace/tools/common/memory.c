// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"

/* Of a task that has ended, or is a kernel thread, statm is all zero. */
static bool has_memory(int dir, const char *task)
{
	char path[NAME_MAX + sizeof("/statm")], first = '0';
	int fd;

	snprintf(path, sizeof(path), "%s/statm", task);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &first, 1) < 1)
		first = '0';
	close(fd);
	return first != '0';
}

/* The directory of a thread that has the memory, and if there is none, of the process. */
static int open_task(int process)
{
	int fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), task = -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && task < 0 && (entry = readdir(dir)))
		if (*entry->d_name != '.' && has_memory(fd, entry->d_name))
			task = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return task < 0 ? dup(process) : task;
}

int open_memory_at(int process, const char *name)
{
	int task = has_memory(process, ".") ? process : open_task(process);
	int fd = openat(task, name, O_RDONLY | O_CLOEXEC), error = errno;

	if (task != process)
		close(task);
	errno = error;
	return fd;
}

int open_memory(const char *procfs, int pid, const char *name)
{
	int process = -1, fd = -1, error = ENOMEM;
	char *path;

	if (asprintf(&path, "%s/%d", procfs, pid) >= 0) {
		process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = errno;
		free(path);
	}
	if (process >= 0) {
		fd = open_memory_at(process, name);
		error = errno;
		close(process);
	}
	errno = error;
	return fd;
}
