// SPDX-License-Identifier: GPL-2.0
/* Runs a policy of the user's own, a shared object; policy.h is its interface. */
#include <dlfcn.h>
#include <stdlib.h>

#include "own.h"

const struct lab_policy *own_load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW);
	const struct lab_policy *policy;

	if (!object)
		die("%s; compile a policy with: gcc -shared -fPIC -I userspace/lab", dlerror());
	policy = dlsym(object, "lab_policy");
	if (!policy)
		die("%s defines no lab_policy; userspace/lab/policy.h tells what it has to define", path);
	if (!policy->name || !policy->start || !policy->victim)
		die("%s: lab_policy needs a name, start() and victim()", path);
	return policy;
}

uint64_t own_faults(const struct lab_policy *policy, const struct trace *trace, unsigned int frames)
{
	uint32_t *frame_of = allocate(trace->count, sizeof(*frame_of));	/* + 1; 0: not resident */
	uint32_t *held = allocate(frames, sizeof(*held));
	void *self = policy->start(frames, trace->count);
	uint64_t faults = 0;
	unsigned int used = 0;

	for (size_t t = 0; t < trace->length; t++) {
		uint32_t page = page_of(trace->refs[t]), frame;
		int write = (trace->refs[t] & 3) == WRITE;

		if (frame_of[page]) {
			if (policy->hit)
				policy->hit(self, frame_of[page] - 1, page, write);
			continue;
		}
		faults++;
		frame = used < frames ? used++ : policy->victim(self, page);
		if (frame >= frames)
			die("%s: victim() says frame %u of %u at reference %zu; frames are counted from 0",
			    policy->name, frame, frames, t);
		if (faults > used)
			frame_of[held[frame]] = 0;
		held[frame] = page;
		frame_of[page] = frame + 1;
		if (policy->loaded)
			policy->loaded(self, frame, page, write);
	}
	if (policy->end)
		policy->end(self);
	free(held);
	free(frame_of);
	return faults;
}
