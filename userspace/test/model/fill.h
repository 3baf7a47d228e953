/* SPDX-License-Identifier: GPL-2.0 */
/* userfaultfd: one for each world, and a thread that fills missing pages. */
#ifndef FILL_H
#define FILL_H

#include "model.h"

/* False if the kernel has none. */
bool fill_open(struct world *w);
/* In a forked child: it does not serve the child's memory. */
void fill_close(struct world *w);
/* Fill a page with these bytes (NULL: the zero page); 0 or an errno. */
int fill_one(struct world *w, unsigned int i, const char *bytes);

#endif /* FILL_H */
