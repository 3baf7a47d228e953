// SPDX-License-Identifier: GPL-2.0
/* Effective access time: what a reference costs, by how many of them fault. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "live.h"

#define COLD	2000UL
#define FAULTS	1000

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

static volatile char hot[64];

static void hits(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		(void)hot[i & 63];
}

void run_access(void)
{
	static const unsigned long every[] = { 1, 2, 10, 100, 1000, 10000 };
	volatile char *cold;
	double hit, least = 0, most = 0;
	unsigned long next = 0;

	write_file("/sys/kernel/mm/lru_gen/enabled", "n");
	write_file("/proc/self/oom_score_adj", "-1000");
	cgroup_make("access", 500);
	cgroup_enter("access");
	cold = tamalloc_pages(COLD);
	for (unsigned long i = 0; i < COLD; i++)
		cold[i * PAGE] = i | 1;	/* zram stores no page that is all the same */
	hit = now();
	hits(1000000);
	hit = (now() - hit) / 1000000;

	printf("%-14s %8s %12s %14s\n", say("fault rate", "tasa de faltas"), say("faults", "faltas"),
	       say("ns a ref.", "ns por ref."), say("ns a fault", "ns por falta"));
	for (unsigned int i = 0; i < sizeof(every) / sizeof(*every); i++) {
		long before = faults(), faulted;
		double time = now(), cost;

		for (int n = 0; n < FAULTS; n++) {
			(void)cold[next++ % COLD * PAGE];
			hits(every[i] - 1);
		}
		time = now() - time;
		faulted = faults() - before;
		cost = (time - hit * (FAULTS * every[i] - faulted)) / faulted;
		printf("1 / %-10lu %8ld %12.1f %14.0f\n", every[i], faulted, time / (FAULTS * every[i]), cost);
		expect(faulted >= FAULTS, "cyclic access to more than there is room for faults each time");
		least = !least || cost < least ? cost : least;
		most = cost > most ? cost : most;
	}
	printf(say("a hit: %.1f ns; the time counts instructions, 1 ns each\n",
		   "un acierto: %.1f ns; el tiempo cuenta instrucciones, 1 ns cada una\n"), hit);
	expect(most < least * 1.2, "a fault costs the same at every rate, within 20 %");
	cgroup_enter("");
	write_file("/sys/kernel/mm/lru_gen/enabled", "y");
}
