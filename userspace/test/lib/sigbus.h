/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses that may give SIGBUS, after which the program goes on. */
#ifndef SIGBUS_H
#define SIGBUS_H

#include <stdbool.h>

/* From then on a SIGBUS ends only the access: for this thread, and the children of fork(). */
void sigbus_catch(void);
/*
 * One byte is written, or read and to be zero or @c. False if that gives SIGBUS; the test fails
 * unless the signal names this address and BUS_ADRERR.
 */
bool try_poke(void *p, char c);
bool try_peek(const void *p, char c);

#endif /* SIGBUS_H */
