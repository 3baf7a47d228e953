/* SPDX-License-Identifier: GPL-2.0 */
/* What tamrun and the library that it preloads have to tell each other. */
#ifndef TAMRUN_H
#define TAMRUN_H

#include <stdatomic.h>

/* In the environment: set for --adaptive, and the path of a struct tamrun_stats. */
#define TAMRUN_ADAPTIVE	"TAMRUN_ADAPTIVE"
#define TAMRUN_STATS	"TAMRUN_STATS"

#define TAMRUN_MAGIC	0x74616d72756e3031UL

/* In a file that all processes of a run map. */
struct tamrun_stats {
	unsigned long magic;
	atomic_ulong processes;		/* that have loaded the library */
	atomic_ulong reserved;		/* bytes, in the process that had most */
};

#endif /* TAMRUN_H */
