// SPDX-License-Identifier: GPL-2.0
/*
 * Which of the kernel's trace clocks. The monotonic one is as fine as the clocksource, and
 * a machine whose TSC was not calibrated at boot has jiffies for that.
 */
#include <string.h>
#include <time.h>

#include "tamtrace.h"

#define MOST_STEP	100e-6
#define CALIBRATION	50e-3

static double began;
/* Of the TSC, if that is the clock: what it was at began, and how long a tick is. */
static double first_tick, tick;

static double now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* The clock's next value. */
static double next(double last)
{
	double time;

	do
		time = now();
	while (time == last);
	return time;
}

#ifdef __x86_64__
#include <x86intrin.h>

static void calibrate(void)
{
	double end;

	began = next(now());
	first_tick = __rdtsc();
	do
		end = next(now());
	while (end - began < CALIBRATION);
	tick = (end - began) / (__rdtsc() - first_tick);
}
#else
static void calibrate(void) { }
#endif

const char *choose_clock(const char *offered)
{
	double step = 1;

	began = now();
	/* The least of some steps: we may be interrupted in one. */
	for (int i = 0; i < 3; i++) {
		double edge = next(now()), end = next(edge);

		if (end - edge < step)
			step = end - edge;
	}
	if (step < MOST_STEP)
		return "mono";
	if (offered && strstr(offered, "x86-tsc")) {
		calibrate();
		if (tick > 0)
			return "x86-tsc";
	}
	fprintf(stderr, "tamtrace: the kernel's clock is coarse: times are in steps of %.0f ms\n",
		step * 1e3);
	return "mono";
}

double seconds_of(unsigned long long stamp)
{
	return tick > 0 ? (stamp - first_tick) * tick : stamp / 1e9 - began;
}
