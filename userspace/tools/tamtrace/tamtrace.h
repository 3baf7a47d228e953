/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of tamtrace have to do with each other. */
#ifndef TAMTRACE_H
#define TAMTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* One event of the tracepoint: a fault that mapped memory. */
struct touch {
	double seconds;		/* since the start */
	int tid;
	unsigned long address;	/* of the first page */
	unsigned int pages;
	bool write, fallback;
};

typedef void (*see_touch)(const struct touch *touch, void *arg);

/* Says what is wrong on stderr, and exits with 125. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* record.c: from the kernel's tracepoint. There is one recording, ended at exit. */
void start_recording(unsigned long buffer_kb);
/* Adds a process with all its threads, and those that they will make. */
void follow(pid_t pid);
/* Shows @see what came since the last time. */
void take_touches(see_touch see, void *arg);
/* How many were lost because the buffer was full. */
unsigned long lost_touches(void);

/* csv.c */
void csv_header(FILE *to);
void csv_line(FILE *to, const struct touch *touch);
void read_csv(const char *path, see_touch see, void *arg);

/* plot.c: address against time, as a PNG or SVG, which the name of the file says. */
struct touches {
	struct touch *touch;
	size_t count;
};

/* Dies if it is known before that plot() will. */
void check_picture(const char *path);
/* Replaces what is there by a whole picture; with no touch it says so, and leaves it. */
void plot(const struct touches *touches, const char *path);

#endif /* TAMTRACE_H */
