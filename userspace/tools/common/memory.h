/* SPDX-License-Identifier: GPL-2.0 */
/* The files of procfs that show the memory of a process. */
#ifndef MEMORY_H
#define MEMORY_H

/*
 * A descriptor to read @name, one of smaps, pagemap, mem, cmdline and the like, of the
 * process whose directory in procfs @process is; -1 and errno. After its main thread has
 * called pthread_exit(), these are empty, and those of a thread that lives are taken.
 */
int open_memory_at(int process, const char *name);
/* The same of @procfs/@pid. */
int open_memory(const char *procfs, int pid, const char *name);

#endif /* MEMORY_H */
