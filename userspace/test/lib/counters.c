// SPDX-License-Identifier: GPL-2.0
#include <malloc.h>
#include <sys/resource.h>

#include "counters.h"
#include "settings.h"

static long faults_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

long faults(void)
{
	return faults_of(RUSAGE_SELF);
}

long thread_faults(void)
{
	return faults_of(RUSAGE_THREAD);
}

/* With large pages glibc would trim the heap at any free(), while a test counts. */
__attribute__((constructor)) static void keep_heap(void)
{
	mallopt(M_TRIM_THRESHOLD, -1);
}

long vm_size(void)
{
	return field("/proc/self/status", "VmSize");
}

long vmstat(const char *name)
{
	return field("/proc/vmstat", name);
}
