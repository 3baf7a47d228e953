/* SPDX-License-Identifier: GPL-2.0 */
/* Events of this process, by a tracefs that is mounted for the test. */
#ifndef TRACING_H
#define TRACING_H

#define TRACING	"/tmp/tamalloc-tracing"

void tracing_mount(void);
/* Trace @event, "GROUP" or "GROUP/NAME", in this process alone, from an empty trace on. */
void tracing_start(const char *event);
/* After that TRACING "/trace" has them. */
void tracing_stop(const char *event);
/* Empty a file, as for appending to it. */
void truncate_file(const char *path);

#endif /* TRACING_H */
