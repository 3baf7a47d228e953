// SPDX-License-Identifier: GPL-2.0
/*
 * One array, initialised by 1, 2 and 4 threads, each its own part: how much
 * faster than by one. Time, since -icount goes with one CPU only.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define REGION	(64 * MIB)
#define ROUNDS	21

static const int scaled[SCALED_WAYS] = { PLAIN, THP, STRICT, ADAPTIVE };

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
	part->begin = now();
	for (size_t i = 0; i < part->bytes; i += page)
		*(volatile char *)(part->start + i) = 1;
	part->end = now();
	return NULL;
}

/* From the first thread's beginning to the last one's end, in ns. */
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

int measure_threads(struct scaling result[SCALED_WAYS])
{
	static double ns[SCALED_WAYS][MAX_THREADS_LOG + 1][ROUNDS + 1];
	double ratio[ROUNDS], beside[ROUNDS];
	int steps = 1;

	while (steps <= MAX_THREADS_LOG && 1 << steps <= sysconf(_SC_NPROCESSORS_ONLN))
		steps++;
	/* All beside each other in each round, so that a slow moment of the host hits all. */
	for (int round = 0; round <= ROUNDS; round++)
		for (int step = 0; step < steps; step++)
			for (int w = 0; w < SCALED_WAYS; w++) {
				begin_way(&ways[scaled[w]]);
				ns[w][step][round] = time_of(&ways[scaled[w]], 1 << step);
			}
	for (int w = 0; w < SCALED_WAYS; w++) {
		struct scaling *s = &result[w];

		s->way = &ways[scaled[w]];
		for (int step = 0; step < steps; step++) {
			/* The first round warms up. */
			for (int i = 0; i < ROUNDS; i++) {
				ratio[i] = ns[w][0][i + 1] / ns[w][step][i + 1];
				beside[i] = ratio[i] * ns[0][step][i + 1] / ns[0][0][i + 1];
			}
			s->ratio[step] = median(ratio, ROUNDS, &s->ratio_spread[step]);
			s->beside[step] = median(beside, ROUNDS, &s->beside_spread[step]);
		}
		/* Sorting loses the rounds: last. */
		for (int step = 0; w && step < steps; step++)
			s->ns[step] = median(ns[w][step] + 1, ROUNDS, &s->spread[step]);
	}
	for (int step = 0; step < steps; step++)
		result[0].ns[step] = median(ns[0][step] + 1, ROUNDS, &result[0].spread[step]);
	return steps;
}
