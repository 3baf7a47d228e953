// SPDX-License-Identifier: GPL-2.0
/* Not recently used: every 64 faults all reference bits are cleared; clean pages go first. */
#include <stdlib.h>
#include <policy.h>

struct nru { unsigned int frames, faults; unsigned char class[]; };	/* 2: used, 1: written */

static void *start(unsigned int frames, unsigned int pages)
{
	struct nru *self = calloc(1, sizeof(*self) + frames);

	(void)pages;
	self->frames = frames;
	return self;
}

static void hit(void *self, unsigned int frame, unsigned int page, int write)
{
	(void)page;
	((struct nru *)self)->class[frame] |= 2 | write;
}

static void loaded(void *self, unsigned int frame, unsigned int page, int write)
{
	(void)page;
	((struct nru *)self)->class[frame] = 2 | write;
}

static unsigned int victim(void *all, unsigned int page)
{
	struct nru *self = all;
	unsigned int best = 0;

	(void)page;
	if (++self->faults % 64 == 0)
		for (unsigned int i = 0; i < self->frames; i++)
			self->class[i] &= 1;
	for (unsigned int i = 1; i < self->frames; i++)
		if (self->class[i] < self->class[best])
			best = i;
	return best;
}

const struct lab_policy lab_policy = { "NRU", start, hit, victim, loaded, free };
