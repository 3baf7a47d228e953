/* SPDX-License-Identifier: GPL-2.0 */
/* Names that programs choose for themselves. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

/* Makes @text fit for a terminal and for JSON: what is not shows as "?". */
void make_printable(char *text);

#endif /* PRINTABLE_H */
