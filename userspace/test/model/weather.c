// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cgroup.h"
#include "mem.h"
#include "random.h"
#include "settings.h"
#include "tap.h"
#include "weather.h"

#define KSM		"/sys/kernel/mm/ksm/"
#define LRU_GEN		"/sys/kernel/mm/lru_gen/enabled"

/* Not every kernel has everything, and reclaim may find less than was asked for. */
static bool try_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, value, strlen(value)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void set_if_there(const char *path, const char *value)
{
	if (!access(path, W_OK))
		set(path, value);
}

/* Changes all of it, over and over, while the test runs. */
static void stir(void)
{
	uint64_t state = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		weather_change(draw(&state));
		try_write(CGROUP "/memory.reclaim", "4M");
		usleep(20000);
	}
}

void weather_begin(bool pressure)
{
	set_if_there(THP "enabled", "always");
	set_if_there(THP "hugepages-64kB/enabled", "inherit");
	set_if_there(THP "khugepaged/scan_sleep_millisecs", "10");
	set_if_there(THP "khugepaged/alloc_sleep_millisecs", "0");
	set_if_there(THP "khugepaged/pages_to_scan", "4096");
	set_if_there(KSM "run", pressure ? "1" : "0");
	set_if_there(KSM "sleep_millisecs", "20");
	set_if_there(KSM "pages_to_scan", "1000");
	set_if_there(LRU_GEN, "7");
	cgroup_make("max", "max");
	cgroup_join();
	if (pressure && !fork())
		stir();
}

void weather_change(uint64_t value)
{
	static const char * const thp[] = { "always", "always", "madvise", "never" };
	static const char * const sizes[] = { "always", "inherit", "never" };
	static const char * const ksm[] = { "0", "1", "1", "2" };
	unsigned int choice = value / 8;

	switch (value % 8) {
	case 0:
		try_write(THP "enabled", thp[choice % 4]);
		break;
	case 1:
		try_write(THP "hugepages-64kB/enabled", sizes[choice % 3]);
		break;
	case 2:
		try_write(LRU_GEN, choice % 2 ? "7" : "0");
		break;
	case 3:
		try_write(KSM "run", ksm[choice % 4]);
		break;
	case 4:
		try_write("/proc/sys/vm/drop_caches", "3");
		break;
	case 5:
		try_write("/proc/sys/vm/compact_memory", "1");
		break;
	default:
		try_write(CGROUP "/memory.reclaim", "2M");
	}
}
