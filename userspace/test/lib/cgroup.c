// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "mem.h"
#include "pages.h"
#include "process.h"
#include "settings.h"
#include "tap.h"

#define NEXT	CGROUP_MOUNT "/next"

void cgroup_make(const char *memory, const char *swap)
{
	if (access(CGROUP_MOUNT "/cgroup.procs", F_OK))
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

static void charge_on_each_cpu(void *unused)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char *p = plain(cpus * page);

	(void)unused;
	write_file(NEXT "/cgroup.procs", "0");
	for (int cpu = 0; cpu < cpus; cpu++) {
		pin_to_cpu(cpu);
		poke(p + cpu * page, 1);
	}
}

/*
 * A CPU that has charged a batch of pages ahead holds the cgroup until it charges another one.
 * For one that is removed the kernel asks only CPUs with pages left in their batch: so for the
 * next one it asks them all.
 */
void cgroup_remove(void)
{
	CHECK(!rmdir(CGROUP));
	CHECK(!mkdir(NEXT, 0755));
	CHECK_EQ(child(charge_on_each_cpu, NULL), 0);
	CHECK(!rmdir(NEXT));
	write_file(CGROUP_MOUNT "/cgroup.subtree_control", "-memory");
}

/*
 * Reading a memory.stat leaves out changes of less than 64 pages a CPU, here those since the
 * kernel last summed up by itself, every two seconds. So make more, and read the root's, which is
 * of the whole hierarchy; until two readings agree, as some of those may be left out as well.
 */
long cgroup_stat(const char *cgroup, const char *name)
{
	const size_t changes = 256 * page;
	char file[PATH_MAX], root[PATH_MAX];
	long value = -1, last;

	snprintf(file, sizeof(file), "%s/memory.stat", cgroup);
	snprintf(root, sizeof(root), "%s/../memory.stat", cgroup);
	do {
		char *p = plain(changes);

		for (size_t i = 0; i < changes; i += page)
			poke(p + i, 1);
		munmap(p, changes);
		(void)field(root, name);
		last = value;
		value = field(file, name);
	} while (value != last);
	return value;
}

/* Charges are taken in batches, of 64 pages at most for each CPU. */
void cgroup_check_charge(long bytes)
{
	long slack = 64 * page * sysconf(_SC_NPROCESSORS_ONLN) + MIB / 4;
	long charged = number(CGROUP "/memory.current");

	if (charged < bytes || charged > bytes + slack)
		tap_fail(__FILE__, __LINE__, "charged %ld for %ld", charged, bytes);
}

/*
 * Each CPU holds a few pages on their way to the LRU lists; drop_caches drains those. khugepaged
 * keeps the mm of a process that ended while it was looked at, and pauses for up to 10 s.
 */
static long drain(long enough)
{
	for (int i = 0;; i++) {
		long dying = field(CGROUP_MOUNT "/cgroup.stat", "nr_dying_descendants");

		if (dying <= enough || i == 600)
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
