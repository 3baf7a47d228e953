/* SPDX-License-Identifier: GPL-2.0 */
/* Shortens a program that fails. */
#ifndef REDUCE_H
#define REDUCE_H

#include "model.h"

/* Run the steps in @keep (NULL: all) in a child. True if they fail; see report. */
bool replay(const struct program *program, const bool *keep, struct kind *kind,
	    bool trace);
/* Reduce the failure in the report and print how to reproduce it. */
void reduce(struct kind *kind, const char *options);

#endif /* REDUCE_H */
