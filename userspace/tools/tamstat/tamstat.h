/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of tamstat have to do with each other. All sizes are in kB. */
#ifndef TAMSTAT_H
#define TAMSTAT_H

#include <stdbool.h>
#include <stddef.h>

/* procfs.c: who has tamalloc memory, and how much */

struct region {
	unsigned long start, end;
	unsigned long resident, swapped;
	bool adaptive;
	char *name;
};

struct process {
	int pid;
	int oom_score;
	char command[64];
	struct region *regions;
	size_t count;
};

struct amount {
	size_t regions, adaptive;
	unsigned long reserved, resident, swapped;
};

/* Of all that could be read, those that have tamalloc memory, by PID. */
struct table {
	struct process *processes;
	size_t count;
	size_t denied;
	unsigned long memory, available, swap;
};

/* Where procfs is mounted. */
extern const char *procfs;

/*
 * 0, or an errno: ENOENT or ESRCH when there is no such process (any more), EACCES or
 * EPERM when it is another user's. A process without tamalloc memory has no regions.
 */
int read_process(int pid, struct process *process);
void free_process(struct process *process);
int read_table(struct table *table);
void free_table(struct table *table);

struct amount amount_of(const struct process *process);
void add_amount(struct amount *sum, const struct amount *more);
unsigned long kilobytes(const struct region *region);
double committed_percent(const struct amount *amount);
const char *first_touch(const struct amount *amount);

/* pages.c: the state of each page of a region */

enum { RESIDENT = 1, DIRTY = 2, SWAPPED = 4, LARGE = 8 };

/* Pages of the same state that follow each other. */
struct run {
	unsigned long start, end;
	unsigned int state;
};

typedef void (*see_run)(const struct run *run, void *arg);

/* Shows @see all runs of pages that are resident or swapped; 0, or an errno. */
int scan_pages(int pid, const struct region *region, see_run see, void *arg);
/* Whether large folios smaller than a huge page can be told. */
bool sees_folios(void);

/* The two ways to say it: text.c, with the map in map.c, and json.c */

void text_table(const struct table *table);
void text_process(const struct process *process);
int text_map(const struct process *process);
void json_table(const struct table *table);
void json_process(const struct process *process);
int json_map(const struct process *process);

#endif /* TAMSTAT_H */
