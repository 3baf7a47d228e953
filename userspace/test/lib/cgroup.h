/* SPDX-License-Identifier: GPL-2.0 */
/* One memory cgroup, in a hierarchy mounted for the test that needs it. */
#ifndef CGROUP_H
#define CGROUP_H

#define CGROUP_MOUNT	"/tmp/tamalloc-cgroup"
#define CGROUP		CGROUP_MOUNT "/limited"

/* Make it, with these limits ("16M", "0", "max"). */
void cgroup_make(const char *memory, const char *swap);
/* Move this process there. */
void cgroup_join(void);
/* Take it away; all its processes must be gone. */
void cgroup_remove(void);
/*
 * Cgroups that are removed but dying: each stays for as long as a page is
 * charged to it. The test fails unless there come to be no more than before.
 */
long cgroup_dying(void);
void cgroup_check_dying(long before);

#endif /* CGROUP_H */
