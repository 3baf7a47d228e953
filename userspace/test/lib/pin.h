/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that a device may write to for as long as it likes: a registered buffer of io_uring. */
#ifndef PIN_H
#define PIN_H

#include <stddef.h>

/* Pin the pages of the range. The ring, or -1 and errno; to close it unpins them. */
int pin(void *start, size_t bytes);

#endif /* PIN_H */
