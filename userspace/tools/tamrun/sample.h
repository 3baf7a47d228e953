/* SPDX-License-Identifier: GPL-2.0 */
/* What all descendants of this process have of tamalloc's memory at once. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdbool.h>

/* The most that was seen in one sample of all of them, in kB. */
struct peak {
	bool seen;		/* a region of tamalloc */
	long reserved, committed;
	int error;		/* the first errno: then there is more than that, and how much is not known */
};

/* Looks once more. */
void sample(struct peak *peak);

#endif /* SAMPLE_H */
