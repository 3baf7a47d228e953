/* SPDX-License-Identifier: GPL-2.0 */
/* Files of /proc and /sys that hold a value: written, read, and put back after each test. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define THP "/sys/kernel/mm/transparent_hugepage/"

void settings_init(void);
/* Write @value to the file; the test fails if that fails. */
void set(const char *path, const char *value);
void settings_restore(void);
/* THP's setting for folios of so many bytes. */
void set_folios(size_t bytes, const char *value);
/* The same, not restored. */
void write_file(const char *path, const char *value);
/* A file system at @dir, for this test alone and gone with it. */
void mount_at(const char *dir, const char *type);

/* The number after @name ("VmSize:  12 kB", "nr_anon_pages 12"), -1 if none. */
long field(const char *path, const char *name);
/* The number that is all of the file. */
long number(const char *path);

#endif /* SETTINGS_H */
