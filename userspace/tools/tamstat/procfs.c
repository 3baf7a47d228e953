// SPDX-License-Identifier: GPL-2.0
/*
 * Reads processes and their regions from procfs. A region is known by "tm" among the
 * VmFlags of smaps: the name [anon:tamalloc] can be changed by the program.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "tamstat.h"

const char *procfs = "/proc";

/* /proc/@pid/@name, or /proc/@name when @pid is 0. */
static FILE *open_file(int pid, const char *name)
{
	FILE *file;
	char *path;
	int error;

	if ((pid ? asprintf(&path, "%s/%d/%s", procfs, pid, name) :
		   asprintf(&path, "%s/%s", procfs, name)) < 0)
		return NULL;
	file = fopen(path, "re");
	error = errno;
	free(path);
	errno = error;
	return file;
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

/* A program chooses its name, and shall not write to our terminal with it. */
static void make_printable(char *text)
{
	mbstate_t state = { 0 };

	while (*text) {
		wchar_t c;
		size_t length = mbrtowc(&c, text, strlen(text), &state);

		if (length > strlen(text) || !iswprint(c)) {
			memset(&state, 0, sizeof(state));
			*text++ = '?';
		} else {
			text += length;
		}
	}
}

static void read_command(int pid, struct process *process)
{
	FILE *file = open_file(pid, "comm");

	process->command[0] = 0;
	if (!file)
		return;
	if (fgets(process->command, sizeof(process->command), file)) {
		char *end = strrchr(process->command, '\n');

		if (end)
			*end = 0;
	}
	fclose(file);
	make_printable(process->command);
}

/* "START-END rw-p OFFSET DEVICE INODE     NAME": the first line of a mapping. */
static bool begins(char *line, struct region *region)
{
	unsigned long start, end;
	int name = 0;

	if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &name) < 2)
		return false;
	region->start = start;
	region->end = end;
	free(region->name);
	line[strcspn(line, "\n")] = 0;
	region->name = strdup(name ? line + name : "");
	make_printable(region->name);
	region->resident = region->swapped = 0;
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

static void read_regions(FILE *smaps, struct process *process)
{
	struct region region = { 0 };
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, smaps) > 0) {
		if (begins(line, &region))
			continue;
		sscanf(line, "Rss: %lu", &region.resident);
		sscanf(line, "Swap: %lu", &region.swapped);
		if (strncmp(line, "VmFlags:", 8) || !strstr(line, " tm"))
			continue;
		region.adaptive = strstr(line, " hg");
		add_region(process, &region);
	}
	free(region.name);
	free(line);
}

int read_process(int pid, struct process *process)
{
	FILE *smaps = open_file(pid, "smaps");
	int error = errno;

	memset(process, 0, sizeof(*process));
	if (!smaps)
		return error;
	process->pid = pid;
	read_command(pid, process);
	process->oom_score = field(pid, "oom_score", "");
	read_regions(smaps, process);
	fclose(smaps);
	return 0;
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
