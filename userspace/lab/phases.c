// SPDX-License-Identifier: GPL-2.0
/* What the working set and page fault frequency hold in the course of time. */
#include <stdio.h>
#include <stdlib.h>

#include "replay.h"

void phases(const struct trace *trace, uint64_t tau, unsigned long points)
{
	size_t *used = allocate(trace->count, sizeof(*used));	/* when, counted from 1; 0: not yet */
	char *held = allocate(trace->count, 1);			/* by page fault frequency */
	uint64_t ws = 0, ws_faults = 0, pff_held = 0, pff_faults = 0;
	size_t last_fault = 0, step = (trace->length + points - 1) / points;

	printf("%10s %9s %10s %11s %11s\n", "time", "WS pages", "PFF pages", "WS faults", "PFF faults");
	for (size_t t = 1; t <= trace->length; t++) {
		uint32_t page = page_of(trace->refs[t - 1]);

		if (!used[page] || t - used[page] > tau) {
			ws_faults++;
			ws++;
		}
		if (!held[page]) {
			if (last_fault && t - last_fault > tau) {
				for (uint32_t i = 0; i < trace->count; i++) {
					pff_held -= held[i] && used[i] <= last_fault;
					held[i] = held[i] && used[i] > last_fault;
				}
			}
			pff_faults++;
			pff_held++;
			held[page] = 1;
			last_fault = t;
		}
		used[page] = t;
		/* The window ]t - tau, t] has moved on past one reference; was it its page's last? */
		ws -= t > tau && used[page_of(trace->refs[t - 1 - tau])] == t - tau;
		if (t % step == 0 || t == trace->length)
			printf("%10zu %9llu %10llu %11llu %11llu\n", t, (unsigned long long)ws, (unsigned long long)pff_held,
			       (unsigned long long)ws_faults, (unsigned long long)pff_faults);
	}
	free(used);
	free(held);
}
