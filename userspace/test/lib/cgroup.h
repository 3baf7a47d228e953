/* SPDX-License-Identifier: GPL-2.0 */
/* One memory cgroup, in a hierarchy that is mounted for the test. */
#ifndef CGROUP_H
#define CGROUP_H

#define CGROUP_MOUNT	"/tmp/tamalloc-cgroup"
#define CGROUP		CGROUP_MOUNT "/limited"

/* Make it, with these limits ("16M", "0", "max"). */
void cgroup_make(const char *memory, const char *swap);
/* Move this process there. */
void cgroup_join(void);
/* Remove it, when all its processes have ended. */
void cgroup_remove(void);
/* What memory.stat has as @name there, of version 1 or 2, at this moment. */
long cgroup_stat(const char *cgroup, const char *name);
/* The test fails unless about so much is charged to it. */
void cgroup_check_charge(long bytes);
/*
 * Removed cgroups that are dying, after up to ten seconds for them to go: each stays as long as a
 * page is charged to it. The test fails unless in the end there are no more of them than before.
 */
long cgroup_dying(void);
void cgroup_check_dying(long before);

#endif /* CGROUP_H */
