// SPDX-License-Identifier: GPL-2.0
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "pages.h"
#include "settings.h"
#include "tap.h"

void cgroup_make(const char *memory, const char *swap)
{
	mount_at(CGROUP_MOUNT, "cgroup2");
	write_file(CGROUP_MOUNT "/cgroup.subtree_control", "+memory");
	CHECK(!mkdir(CGROUP, 0755) || errno == EEXIST);
	write_file(CGROUP "/memory.max", memory);
	if (!access(CGROUP "/memory.swap.max", W_OK))
		write_file(CGROUP "/memory.swap.max", swap);
}

void cgroup_join(void)
{
	write_file(CGROUP "/cgroup.procs", "0");
}

void cgroup_remove(void)
{
	CHECK(!rmdir(CGROUP));
	write_file(CGROUP_MOUNT "/cgroup.subtree_control", "-memory");
}

/* Charges are taken in batches, of 64 pages at most for each CPU. */
void cgroup_check_charge(long bytes)
{
	long slack = 64 * page * sysconf(_SC_NPROCESSORS_ONLN) + MIB / 4;
	long charged = number(CGROUP "/memory.current");

	if (charged < bytes || charged > bytes + slack)
		tap_fail(__FILE__, __LINE__, "charged %ld for %ld", charged, bytes);
}

/* Each CPU holds a few pages on their way to the LRU lists; drop_caches drains those. */
static long drain(long enough)
{
	for (int i = 0;; i++) {
		long dying = field(CGROUP_MOUNT "/cgroup.stat", "nr_dying_descendants");

		if (dying <= enough || i == 200)
			return dying;
		write_file("/proc/sys/vm/drop_caches", "1");
		usleep(50000);
	}
}

long cgroup_dying(void)
{
	return drain(0);
}

void cgroup_check_dying(long before)
{
	long after = drain(before);

	if (after > before)
		tap_fail(__FILE__, __LINE__, "%ld removed cgroups are still charged, not %ld", after, before);
}
