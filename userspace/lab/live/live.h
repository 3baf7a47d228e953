/* SPDX-License-Identifier: GPL-2.0 */
/* Experiments on the running kernel: each prints what it sees, and checks it. */
#ifndef LAB_LIVE_H
#define LAB_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE	4096UL

/* The text in the language asked for. */
const char *say(const char *english, const char *spanish);
/* What has to hold: said on stderr if it does not, and the program ends with 1. */
void expect(bool holds, const char *what);
void fail(const char *what) __attribute__((noreturn));

char *tamalloc_pages(unsigned long pages);
void write_file(const char *path, const char *text);
/* The number behind @name in a file of "name number" or "name: number kB" lines. */
unsigned long field(const char *path, const char *name);
/* Of these pages, how many pagemap has as present. */
unsigned long present(const char *memory, unsigned long pages);

void run_virtual(void);
void run_mmu(void);
void run_space(void);
void run_swapping(void);
void run_locality(void);
void run_cache(void);
void run_lists(void);
void run_pages(void);

#endif /* LAB_LIVE_H */
