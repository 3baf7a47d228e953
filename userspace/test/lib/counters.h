/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel counts for a process and for the machine. All of it is exact. */
#ifndef COUNTERS_H
#define COUNTERS_H

/* Faults that this process, or this thread, has taken. */
long faults(void);
long thread_faults(void);
/* kB of address space of this process. */
long vm_size(void);
/* This line of /proc/vmstat; -1 if there is none. */
long vmstat(const char *name);

#endif /* COUNTERS_H */
