// SPDX-License-Identifier: GPL-2.0
/*
 * One array, initialised by 1, 2 and 4 threads, each its own part: the speedup.
 * Measured in time, since -icount allows one CPU only.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define REGION		(32 * MIB)
#define MIN_ROUNDS	21
#define MAX_ROUNDS	101
#define STABLE		0.02	/* stop at this error of the speedup */

static const int scaled[SCALED_KINDS] = { PLAIN, THP, STRICT, ADAPTIVE };

/* Under TCG with several CPUs, 6.12 may fall back to jiffies: too coarse. */
static uint64_t ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return now();
#endif
}

struct part {
	char *start;
	size_t bytes;
	pthread_barrier_t *ready;
	uint64_t begin, end;
};

static void *initialise(void *arg)
{
	struct part *part = arg;

	pthread_barrier_wait(part->ready);
	part->begin = ticks();
	for (size_t i = 0; i < part->bytes; i += page)
		*(volatile char *)(part->start + i) = 1;
	part->end = ticks();
	return NULL;
}

/* From the start of the first thread to the end of the last one, in ticks. */
static double time_of(const struct kind *kind, int threads)
{
	struct part part[1 << MAX_THREADS_LOG];
	pthread_t thread[1 << MAX_THREADS_LOG];
	pthread_barrier_t ready;
	uint64_t begin = UINT64_MAX, end = 0;
	struct area area = get_area(kind, REGION);

	pthread_barrier_init(&ready, NULL, threads);
	for (int i = 0; i < threads; i++) {
		part[i] = (struct part){ area.start + REGION / threads * i, REGION / threads,
					 &ready, 0, 0 };
		errno = pthread_create(&thread[i], NULL, initialise, &part[i]);
		if (errno)
			die("pthread_create");
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		begin = part[i].begin < begin ? part[i].begin : begin;
		end = part[i].end > end ? part[i].end : end;
	}
	pthread_barrier_destroy(&ready);
	put_area(kind, &area);
	return end - begin;
}

static double took[SCALED_KINDS][MAX_THREADS_LOG + 1][MAX_ROUNDS];

/* A slow moment of the host should hit all kinds alike; they take turns at being first. */
static void run_round(int round, int steps)
{
	for (int i = 0; i < SCALED_KINDS; i++) {
		int k = (i + round) % SCALED_KINDS;

		apply_settings(&kinds[scaled[k]]);
		for (int step = 0; step < steps; step++)
			took[k][step][round] = time_of(&kinds[scaled[k]], 1 << step);
	}
}

static void summarise(int k, int rounds, int steps, struct scaling *s)
{
	double values[MAX_ROUNDS], spread;

	s->kind = &kinds[scaled[k]];
	s->rounds = rounds;
	for (int step = 0; step < steps; step++) {
		for (int i = 0; i < rounds; i++)
			values[i] = took[k][step][i];
		s->ns[step] = median(values, rounds, &s->spread[step]);
		for (int i = 0; i < rounds; i++)
			values[i] = took[k][0][i] / took[k][step][i];
		s->ratio[step] = median(values, rounds, &s->ratio_spread[step]);
	}
	if (steps < 2)
		return;
	for (int i = 0; i < rounds; i++)
		values[i] = took[k][0][i] / took[k][1][i] * took[0][1][i] / took[0][0][i];
	s->beside = median(values, rounds, &spread);
	/* The notch of a box plot: 1.57 times the interquartile range over sqrt(n). */
	s->beside_error = 1.57 * 2 * spread * s->beside / sqrt(rounds);
}

int measure_threads(struct scaling result[SCALED_KINDS])
{
	uint64_t start_ticks = ticks(), start = now();
	int steps = 1, rounds = 0;
	double error = 1, ns_a_tick;

	while (steps <= MAX_THREADS_LOG && 1 << steps <= sysconf(_SC_NPROCESSORS_ONLN))
		steps++;
	run_round(0, steps);	/* warms up; round 0 overwrites it */
	while (rounds < MIN_ROUNDS || (error > STABLE && rounds < MAX_ROUNDS)) {
		run_round(rounds++, steps);
		error = 0;
		for (int k = 0; k < SCALED_KINDS; k++) {
			summarise(k, rounds, steps, &result[k]);
			error = fmax(error, result[k].beside_error);
		}
	}
	ns_a_tick = (double)(now() - start) / (ticks() - start_ticks);
	for (int k = 0; k < SCALED_KINDS; k++)
		for (int step = 0; step < steps; step++)
			result[k].ns[step] *= ns_a_tick;
	return steps;
}
