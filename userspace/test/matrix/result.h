/* SPDX-License-Identifier: GPL-2.0 */
/* What a cell has said, in memory shared with the process that compares. */
#ifndef RESULT_H
#define RESULT_H

#define RESULT_SIZE 1024

void result_init(void);
void result_clear(void);
const char *result_text(void);

#endif /* RESULT_H */
