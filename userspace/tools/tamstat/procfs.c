// SPDX-License-Identifier: GPL-2.0
/*
 * Reads processes and their regions from procfs. A region is known by "tm" among the
 * VmFlags of smaps: the name [anon:tamalloc] can be changed by the program.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "printable.h"
#include "tamstat.h"

const char *procfs = "/proc";

int open_path(int pid, const char *name)
{
	char *path;
	int fd, error;

	if ((pid ? asprintf(&path, "%s/%d/%s", procfs, pid, name) :
		   asprintf(&path, "%s/%s", procfs, name)) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	error = errno;
	free(path);
	errno = error;
	return fd;
}

static FILE *open_file(int pid, const char *name)
{
	int fd = open_path(pid, name);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* The number after @name in such a file, 0 if it is not there. */
static unsigned long field(int pid, const char *file_name, const char *name)
{
	FILE *file = open_file(pid, file_name);
	unsigned long value = 0;
	size_t length = strlen(name);
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, length)) {
			value = strtoul(line + length, NULL, 10);
			break;
		}
	}
	fclose(file);
	return value;
}

static void read_command(int pid, struct process *process)
{
	int fd = open_path(pid, "comm");
	ssize_t length;

	process->command[0] = 0;
	if (fd < 0)
		return;
	/* A newline ends it, and others may be in it. */
	length = read(fd, process->command, sizeof(process->command) - 1);
	process->command[length > 0 ? length - 1 : 0] = 0;
	close(fd);
	make_printable(process->command);
}

/* "START-END rw-p OFFSET DEVICE INODE     NAME": the first line of a mapping. */
static bool begins(char *line, struct region *region)
{
	unsigned long start, end, inode;
	char permissions[5];
	int name = 0;

	if (sscanf(line, "%lx-%lx %4s %*s %*s %lu %n", &start, &end, permissions, &inode, &name) < 4)
		return false;
	free(region->name);
	line[strcspn(line, "\n")] = 0;
	*region = (struct region){ .start = start, .end = end, .name = strdup(name ? line + name : "") };
	region->anonymous = permissions[1] == 'w' && permissions[3] == 'p' && !inode;
	make_printable(region->name);
	return true;
}

static void add_region(struct process *process, struct region *region)
{
	process->regions = reallocarray(process->regions, process->count + 1, sizeof(*region));
	if (!process->regions)
		abort();
	process->regions[process->count++] = *region;
	region->name = NULL;
}

/* "VmFlags: rd wr mr": the last line of a mapping. */
static void read_flags(const char *line, struct region *region)
{
	region->tamalloc = strstr(line, " tm");
	region->adaptive = strstr(line, " hg");
	region->userfaultfd = strstr(line, " um");
	/* Stacks grow down, or are the hardware's; hugetlb and a device's memory are something else. */
	if (strstr(line, " gd") || strstr(line, " ss") || strstr(line, " ht") || strstr(line, " pf"))
		region->anonymous = false;
}

static void read_regions(FILE *smaps, struct process *process, bool only_ours)
{
	struct region region = { 0 };
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, smaps) > 0) {
		if (begins(line, &region))
			continue;
		sscanf(line, "Rss: %lu", &region.resident);
		sscanf(line, "Swap: %lu", &region.swapped);
		process->tells_huge |= sscanf(line, "AnonHugePages: %lu", &region.huge) == 1;
		if (strncmp(line, "VmFlags:", 8))
			continue;
		read_flags(line, &region);
		if (region.tamalloc || (region.anonymous && !only_ours))
			add_region(process, &region);
	}
	free(region.name);
	free(line);
}

static int read_it(int pid, struct process *process, bool only_ours)
{
	int fd = open_memory(procfs, pid, "smaps"), error = errno;
	FILE *smaps;

	memset(process, 0, sizeof(*process));
	if (fd < 0)
		return error;
	smaps = fdopen(fd, "r");
	if (!smaps)
		abort();
	process->pid = pid;
	read_command(pid, process);
	process->oom_score = field(pid, "oom_score", "");
	read_regions(smaps, process, only_ours);
	fclose(smaps);
	return 0;
}

int read_process(int pid, struct process *process)
{
	return read_it(pid, process, true);
}

int read_anonymous(int pid, struct process *process)
{
	return read_it(pid, process, false);
}

void free_process(struct process *process)
{
	for (size_t i = 0; i < process->count; i++)
		free(process->regions[i].name);
	free(process->regions);
}

static int is_pid(const struct dirent *entry)
{
	return isdigit((unsigned char)entry->d_name[0]);
}

int read_table(struct table *table)
{
	struct dirent **names;
	int count;

	memset(table, 0, sizeof(*table));
	count = scandir(procfs, &names, is_pid, versionsort);
	if (count < 0)
		return errno;
	table->processes = calloc(count + 1, sizeof(*table->processes));
	if (!table->processes)
		abort();
	for (int i = 0; i < count; i++) {
		struct process *process = &table->processes[table->count];
		int error = read_process(atoi(names[i]->d_name), process);

		/* What has ended meanwhile is not there, and that is all. */
		if (error == EACCES || error == EPERM)
			table->denied++;
		if (!error && process->count)
			table->count++;
		free(names[i]);
	}
	free(names);
	table->memory = field(0, "meminfo", "MemTotal:");
	table->available = field(0, "meminfo", "MemAvailable:");
	table->swap = field(0, "meminfo", "SwapTotal:");
	return 0;
}

void free_table(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free_process(&table->processes[i]);
	free(table->processes);
}

unsigned long kilobytes(const struct region *region)
{
	return (region->end - region->start) >> 10;
}

struct amount amount_of(const struct process *process)
{
	struct amount sum = { .regions = process->count };

	for (size_t i = 0; i < process->count; i++) {
		sum.adaptive += process->regions[i].adaptive;
		sum.reserved += kilobytes(&process->regions[i]);
		sum.resident += process->regions[i].resident;
		sum.swapped += process->regions[i].swapped;
	}
	return sum;
}

void add_amount(struct amount *sum, const struct amount *more)
{
	sum->regions += more->regions;
	sum->adaptive += more->adaptive;
	sum->reserved += more->reserved;
	sum->resident += more->resident;
	sum->swapped += more->swapped;
}

double committed_percent(const struct amount *amount)
{
	unsigned long committed = amount->resident + amount->swapped;

	return amount->reserved ? 100.0 * committed / amount->reserved : 0;
}

const char *first_touch(const struct amount *amount)
{
	if (!amount->adaptive)
		return "strict";
	return amount->adaptive == amount->regions ? "adaptive" : "mixed";
}
