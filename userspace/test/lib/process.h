/* SPDX-License-Identifier: GPL-2.0 */
/* The process that a test runs in: its own pages, and its CPU. */
#ifndef PROCESS_H
#define PROCESS_H

/* Populate everything that the process has by now, so that it takes no faults later. */
void settle(void);
/* Run on this CPU alone. */
void pin_to_cpu(int cpu);

#endif /* PROCESS_H */
