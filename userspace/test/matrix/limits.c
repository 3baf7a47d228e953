// SPDX-License-Identifier: GPL-2.0
/* Limits of a process: the kernel has to refuse as it refuses mmap(2). */
#include <sys/resource.h>

#include "matrix.h"

/* Reserves memory of the cell's kind; may fail. */
static long try(const struct cell *cell, size_t size, char **p)
{
	if (cell->kind->region)
		return tamalloc_call(size, p);
	*p = mmap(NULL, size, RW, ANON, -1, 0);
	return *p == MAP_FAILED ? -1 : 0;
}

static void limited(const struct cell *cell)
{
	const struct rlimit now = { (vm_size() + 1024) * KIB, RLIM_INFINITY };
	char *p;

	CHECK(!setrlimit(cell->arg, &now));
	say_outcome(NULL, try(cell, 64 * MIB, &p));
	say_outcome("one page", try(cell, page, &p));
}

static void grown(const struct cell *cell)
{
	char *p = cell->kind->map(SIZE);
	const struct rlimit now = { (vm_size() + 1024) * KIB, RLIM_INFINITY };

	CHECK(!setrlimit(RLIMIT_AS, &now));
	say_outcome(NULL, (long)mremap(p, SIZE, 64 * MIB, MREMAP_MAYMOVE));
}

static void too_large(const struct cell *cell)
{
	const size_t space = address_space_size();
	char *p;

	say_outcome(NULL, try(cell, space, &p));
	say_outcome("half of that", try(cell, space / 2, &p));
}

/* Only mode 2 accounts the reservations, and refuses the large one. */
static void overcommit(const struct cell *cell)
{
	char mode[2] = { '0' + cell->arg };
	char *p;

	set("/proc/sys/vm/overcommit_memory", mode);
	say_outcome("64 MiB", try(cell, 64 * MIB, &p));
	say_outcome("64 GiB", try(cell, 64 * GIB, &p));
}

static void accounted(const struct cell *cell)
{
	long before;
	char *p;

	set("/proc/sys/vm/overcommit_memory", "2");
	before = field("/proc/meminfo", "Committed_AS");
	p = cell->kind->map(64 * MIB);
	before = field("/proc/meminfo", "Committed_AS") - before;
	say(before > 60 * 1024 ? "counted" : "NOT counted");
	before = field("/proc/meminfo", "Committed_AS");
	CHECK(!munmap(p, 64 * MIB));
	before -= field("/proc/meminfo", "Committed_AS");
	say(before > 60 * 1024 ? "given back" : "NOT given back");
}

/* Splits the mapping until that is refused. */
static void splits(const struct cell *cell)
{
	char *p = get(cell, 1024 * page);
	int count = 0;

	write_all(p, 1024);
	set("/proc/sys/vm/max_map_count", "200");
	while (count < 512 && !mprotect(p + 2 * count * page, page, PROT_READ))
		count++;
	say("%s", count < 512 ? strerrorname_np(errno) : "NO end");
	say_outcome("reserve", try(cell, page, &p));
}

const struct row limit_rows[] = {
	{ "reserve 64 MiB beyond RLIMIT_AS", limited, RLIMIT_AS, .refused = "ENOMEM" },
	{ "reserve 64 MiB beyond RLIMIT_DATA", limited, RLIMIT_DATA, .refused = "ENOMEM" },
	{ "grow by mremap beyond RLIMIT_AS", grown, .refused = "ENOMEM" },
	{ "reserve the address space", too_large, .refused = "ENOMEM" },
	{ "overcommit_memory=0", overcommit, 0 },
	{ "overcommit_memory=1", overcommit, 1 },
	{ "overcommit_memory=2", overcommit, 2 },
	{ "overcommit_memory=2, Committed_AS", accounted },
	{ "split by mprotect up to max_map_count", splits, .refused = "ENOMEM" },
	{}
};
