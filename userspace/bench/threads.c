// SPDX-License-Identifier: GPL-2.0
/*
 * One array, initialised by 1, 2 and 4 threads, each its own part: how much
 * faster than by one. Time, since -icount goes with one CPU only.
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
#define STABLE		0.02	/* an error of the scaling that is small enough */

static const int scaled[SCALED_WAYS] = { PLAIN, THP, STRICT, ADAPTIVE };

/* Under TCG with several CPUs, 6.12 may come to count time in jiffies: too coarse. */
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

/* From the first thread's beginning to the last one's end, in ticks. */
static double time_of(const struct way *way, int threads)
{
	struct part part[1 << MAX_THREADS_LOG];
	pthread_t thread[1 << MAX_THREADS_LOG];
	pthread_barrier_t ready;
	uint64_t begin = UINT64_MAX, end = 0;
	struct area area = get_area(way, REGION);

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
	put_area(way, &area);
	return end - begin;
}

static double took[SCALED_WAYS][MAX_THREADS_LOG + 1][MAX_ROUNDS];

/* All beside each other, so that a slow moment of the host hits all; by turns first. */
static void run_round(int round, int steps)
{
	for (int i = 0; i < SCALED_WAYS; i++) {
		int w = (i + round) % SCALED_WAYS;

		begin_way(&ways[scaled[w]]);
		for (int step = 0; step < steps; step++)
			took[w][step][round] = time_of(&ways[scaled[w]], 1 << step);
	}
}

static void summarise(int w, int rounds, int steps, struct scaling *s)
{
	double values[MAX_ROUNDS], spread;

	s->way = &ways[scaled[w]];
	s->rounds = rounds;
	for (int step = 0; step < steps; step++) {
		for (int i = 0; i < rounds; i++)
			values[i] = took[w][step][i];
		s->ns[step] = median(values, rounds, &s->spread[step]);
		for (int i = 0; i < rounds; i++)
			values[i] = took[w][0][i] / took[w][step][i];
		s->ratio[step] = median(values, rounds, &s->ratio_spread[step]);
	}
	if (steps < 2)
		return;
	for (int i = 0; i < rounds; i++)
		values[i] = took[w][0][i] / took[w][1][i] * took[0][1][i] / took[0][0][i];
	s->beside = median(values, rounds, &spread);
	/* The notch of a box plot: 1.57 times the quartiles' distance over sqrt(n). */
	s->beside_error = 1.57 * 2 * spread * s->beside / sqrt(rounds);
}

int measure_threads(struct scaling result[SCALED_WAYS])
{
	uint64_t start_ticks = ticks(), start = now();
	int steps = 1, rounds = 0;
	double error = 1, ns_a_tick;

	while (steps <= MAX_THREADS_LOG && 1 << steps <= sysconf(_SC_NPROCESSORS_ONLN))
		steps++;
	run_round(0, steps);	/* warms up, and is overwritten */
	while (rounds < MIN_ROUNDS || (error > STABLE && rounds < MAX_ROUNDS)) {
		run_round(rounds++, steps);
		error = 0;
		for (int w = 0; w < SCALED_WAYS; w++) {
			summarise(w, rounds, steps, &result[w]);
			error = fmax(error, result[w].beside_error);
		}
	}
	ns_a_tick = (double)(now() - start) / (ticks() - start_ticks);
	for (int w = 0; w < SCALED_WAYS; w++)
		for (int step = 0; step < steps; step++)
			result[w].ns[step] *= ns_a_tick;
	return steps;
}
