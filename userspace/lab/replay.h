/* SPDX-License-Identifier: GPL-2.0 */
/* How many page faults a reference string takes under each policy; first loads count. */
#ifndef LAB_REPLAY_H
#define LAB_REPLAY_H

#include "trace.h"

/* For every number of frames at once: faults[n], for n from 1 to the number of pages. */
void lru_faults(const struct trace *trace, uint64_t *faults);
void opt_faults(const struct trace *trace, uint64_t *faults);

/* For each of @count numbers of frames. */
void fifo_faults(const struct trace *trace, const unsigned int *frames, size_t count, uint64_t *faults);
void clock_faults(const struct trace *trace, const unsigned int *frames, size_t count, uint64_t *faults);

/* What a policy with a varying number of frames does; time is counted in references. */
struct varying {
	uint64_t parameter;	/* tau, or theta */
	uint64_t faults;
	double mean;		/* resident pages, over all references */
};

/*
 * The working set: before reference t, the pages of the last tau references are resident. After
 * one pass, each tau is a sum over the times between references to one page.
 */
struct intervals;
struct intervals *intervals_of(const struct trace *trace);
void working_set(const struct intervals *intervals, struct varying *point);
void intervals_free(struct intervals *intervals);

/*
 * Page fault frequency (Chu and Opderbeck, 1976): a fault that comes more than theta references
 * after the last one drops the pages that have not been referenced since that one.
 */
void pff(const struct trace *trace, struct varying *points, size_t count);

/* Prints about @points times what both hold then, tau and theta being the same. */
void phases(const struct trace *trace, uint64_t tau, unsigned long points);

/*
 * Safely Allowed Drop (Kaplan, Smaragdakis and Wilson, 1999): a string with fewer references
 * that takes as many faults under LRU and OPT in @frames frames or more. Under FIFO and clock
 * it does not.
 */
void reduce(const struct trace *from, unsigned int frames, struct trace *to);

#endif /* LAB_REPLAY_H */
