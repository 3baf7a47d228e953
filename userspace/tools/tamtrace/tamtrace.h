/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of tamtrace have to do with each other. */
#ifndef TAMTRACE_H
#define TAMTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* How pages came or went. Up to MOVED_HERE they came; only READ and WRITE are first touches. */
enum what { READ, WRITE, MOVED_HERE, MOVED_AWAY, DONTNEED, UNMAPPED, EXITED, UNSEEN, WHATS };

/* A first touch, or a run of touched pages that the program moved or gave back. */
struct event {
	double seconds;		/* since the start */
	int tid;
	unsigned long address;	/* of the first page */
	unsigned int pages;
	enum what what;
	bool fallback;
};

static inline bool is_touch(const struct event *event)
{
	return event->what <= WRITE;
}

static inline bool is_release(const struct event *event)
{
	return event->what > MOVED_AWAY;
}

/* By how many pages more are resident after it. */
static inline long gain(const struct event *event)
{
	return event->what <= MOVED_HERE ? (long)event->pages : -(long)event->pages;
}

typedef void (*see_event)(const struct event *event);

/* Says what is wrong on stderr, and exits with 125. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Set where dying would leave the recording in the kernel. */
extern bool no_memory;

/* record.c: from the kernel's tracepoints. There is one recording, ended at exit. */
void start_recording(unsigned long buffer_kb, see_event see);
/* Adds a process with all its threads, and those that they will make. */
void follow(pid_t pid);
/* Shows what came since the last time. */
void take_events(void);
/* How many were lost because the buffer was full. */
unsigned long lost_events(void);

/* clock.c: the kernel's name of a trace clock that is fine enough to tell touches apart. */
const char *choose_clock(const char *offered);
/* Seconds since then of a time stamp by that clock. */
double seconds_of(unsigned long long stamp);

/* spaces.c: which touched pages each address space has. Each change is shown to see(). */
void watch_spaces(see_event see);
/* @tid shares the address space of @other, or has a new one if that is 0. */
void space_begins(pid_t tid, pid_t other);
/* @tid leaves its address space; if it was the last one there, the pages are gone. */
void space_ends(double seconds, pid_t tid);
/* The arguments of the system call that @tid is in; NULL if its start was not seen. */
void space_calls(pid_t tid, const unsigned long *args);
const unsigned long *space_called(pid_t tid);
void space_touched(const struct event *touch);
void space_released(double seconds, pid_t tid, unsigned long start, unsigned long bytes,
		    enum what how);
void space_moved(double seconds, pid_t tid, unsigned long from, unsigned long to,
		 unsigned long bytes);

/* csv.c */
extern const char * const names_of_what[WHATS];
void csv_header(FILE *to);
void csv_line(FILE *to, const struct event *event);
void read_csv(const char *path, see_event see);

/* All of a run. */
struct run {
	const char *title;
	struct event *events;
	size_t count;
	unsigned long touches, reads, pages, fallbacks, peak, gone[WHATS];
};

/*
 * layout.c: where addresses stand in a picture. A band is a range of addresses, drawn as
 * cells of equal size; the last one has all ranges that are too small for their own.
 */
#define MOST_BANDS	12

struct band {
	unsigned long start, bytes, pages, ranges, cell_bytes;
	unsigned int cell, cells;	/* the first one, and how many */
};

struct layout {
	struct band bands[MOST_BANDS + 1];
	size_t count;
	struct range *ranges;
	size_t range_count;
	unsigned int cells;
	unsigned long page;
	double seconds;			/* of the last event */
};

/* About @cells, and in each band at least @unit, unless it has fewer pages. */
void lay_out(struct layout *layout, const struct run *run, unsigned int cells, unsigned int unit);
/* The cell of an address, or -1. */
int cell_of(const struct layout *layout, unsigned long address);

/* plot.c: address against time, as a PNG or SVG, which the name of the file says. */
/* Dies if it is known before that plot() will. */
void check_picture(const char *path);
/* Replaces what is there by a whole picture. */
void plot(const struct run *run, const char *path);

/* page.c: one HTML file of the run, which needs nothing else. */
void write_page(const struct run *run, const char *path);

#endif /* TAMTRACE_H */
