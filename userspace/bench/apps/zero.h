// SPDX-License-Identifier: GPL-2.0
#ifndef ZERO_H
#define ZERO_H

#include <sys/types.h>

/*
 * What is read and not written, plain memory serves from the zero page, which no resident
 * size includes. kB of that in @pid or that one of its descendants that has most.
 */
long zero_page_kb(pid_t pid);

#endif /* ZERO_H */
