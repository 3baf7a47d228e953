/* SPDX-License-Identifier: GPL-2.0 */
/* The files of procfs that show the memory of a process. */
#ifndef MEMORY_H
#define MEMORY_H

/*
 * A descriptor to read @procfs/@pid/@name, one of smaps, pagemap, mem, cmdline and the
 * like; -1 and errno. After its main thread has called pthread_exit(), these are empty,
 * and those of a thread that lives are taken.
 */
int open_memory(const char *procfs, int pid, const char *name);

#endif /* MEMORY_H */
