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
	unsigned long huge;		/* of what is resident, what a PMD maps */
	bool tamalloc, adaptive;
	bool anonymous;			/* private, writable, no file and no stack */
	bool userfaultfd;		/* waits for the program itself where a page is missing */
	char *name;
};

struct process {
	int pid;
	int oom_score;
	char command[64];
	bool tells_huge;		/* smaps has AnonHugePages */
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
	unsigned long memory, available, swap;	/* of the machine; @memory is 0 if that is not known */
};

/* Where procfs is mounted. */
extern const char *procfs;

/*
 * 0, or an errno: ENOENT or ESRCH when there is no such process (any more), EACCES or
 * EPERM when it is another user's. A process without tamalloc memory has no regions.
 */
int read_process(int pid, struct process *process);
/* The same with all of its anonymous regions, tamalloc's and others. */
int read_anonymous(int pid, struct process *process);
void free_process(struct process *process);
int read_table(struct table *table);
void free_table(struct table *table);
/* A descriptor to read /proc/@pid/@name, or /proc/@name when @pid is 0; -1 and errno. */
int open_path(int pid, const char *name);

struct amount amount_of(const struct process *process);
void add_amount(struct amount *sum, const struct amount *more);
unsigned long kilobytes(const struct region *region);
double committed_percent(const struct amount *amount);
const char *first_touch(const struct amount *amount);

/* pages.c: the state of each page of a region */

/* LARGE: of a large folio; HUGE: mapped by a PMD; ZERO: the page of zeroes that all share. */
enum { RESIDENT = 1, DIRTY = 2, SWAPPED = 4, LARGE = 8, HUGE = 16, ZERO = 32 };

/* Pages of the same state that follow each other. */
struct run {
	unsigned long start, end;
	unsigned int state;
};

typedef void (*see_run)(const struct run *run, void *arg);

/*
 * Shows @see all runs of pages that are resident, swapped or zero; 0, or an errno: ENOTTY
 * before Linux 6.7.
 */
int scan_pages(int pid, const struct region *region, see_run see, void *arg);
/* On any Linux; but LARGE, HUGE and ZERO are not told, and what is zero is RESIDENT. */
int read_pages(int pid, const struct region *region, see_run see, void *arg);
/* 0 if large folios smaller than a huge page can be told, else the errno of kpageflags. */
int folios_error(void);

/* kernel.c: what this kernel can do */

/* 0 if it has the system call, else the errno that this answers. */
int tamalloc_error(void);
/* What such an error means. */
const char *no_tamalloc(int error);
/* Whether this kernel cannot do what tamrun asks for. */
bool no_mode(void);
/* always, madvise or never; "" if there are no huge pages. */
const char *huge_pages_setting(void);

/* advise.c: what tamalloc would save of plain memory, as far as that can be seen from outside */

enum {
	FIG_RESERVED, FIG_UNTOUCHED, FIG_RESIDENT, FIG_SWAPPED, FIG_HUGE, FIG_FOLIOS, FIG_ZEROES,
	FIG_READ_ONLY, FIG_STRICT, FIG_ADAPTIVE, FIG_TAMALLOC, FIGURES
};

struct figure {
	unsigned long kilobytes;
	bool known;
	char how[64];		/* this is known, or why it is not */
};

struct advice {
	struct process process;
	struct figure figures[FIGURES];
	unsigned long unread;	/* huge pages whose contents could not be read */
	int call_error;		/* tamalloc_error() */
	const char *setting;	/* huge_pages_setting() */
	char *command_line;	/* as a shell takes it, "" if it is not known */
};

/* As read_process(). */
int read_advice(int pid, struct advice *advice);
void free_advice(struct advice *advice);
const char *figure_name(int figure);
/* Whether it is a megabyte, and a hundredth of what is resident. */
bool matters(const struct advice *advice, int figure);

/* The two ways to say it: text.c, with the map in map.c, and json.c */

void text_table(const struct table *table);
void text_process(const struct process *process);
int text_map(const struct process *process);
void text_advice(const struct advice *advice);
void json_table(const struct table *table);
void json_process(const struct process *process);
int json_map(const struct process *process);
void json_advice(const struct advice *advice);

#endif /* TAMSTAT_H */
