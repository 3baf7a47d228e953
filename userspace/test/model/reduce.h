/* SPDX-License-Identifier: GPL-2.0 */
/* From a program that fails to the shortest that still does. */
#ifndef REDUCE_H
#define REDUCE_H

#include "model.h"

/* Run the steps that @keep has (all: NULL) in a child. True if they fail; see report. */
bool replay(const struct program *program, const bool *keep, struct kind *kind,
	    bool trace);
/* Reduce the failure in the report, and tell how to see it again. */
void reduce(struct kind *kind, const char *options);

#endif /* REDUCE_H */
