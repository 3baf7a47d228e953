// SPDX-License-Identifier: GPL-2.0
/* Base and limit: one of the two base registers that x86-64 still has, %gs; the limit is simulated. */
#include <asm/prctl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "live.h"

static unsigned char read_gs(unsigned long offset)
{
	unsigned char value;

	__asm__ volatile("movb %%gs:(%1), %0" : "=q"(value) : "r"(offset));
	return value;
}

void run_mmu(void)
{
	static unsigned char place[2][64];
	static const unsigned long offsets[] = { 0, 16, 63, 64 };
	const unsigned long limit = sizeof(place[0]);

	for (unsigned int base = 0; base < 2; base++) {
		for (unsigned int i = 0; i < limit; i++)
			place[base][i] = 100 * base + i;
	}
	for (unsigned int base = 0; base < 2; base++) {
		if (syscall(SYS_arch_prctl, ARCH_SET_GS, place[base]))
			fail("arch_prctl");
		printf("%%gs = %p\n", (void *)place[base]);
		for (unsigned int i = 0; i < 4; i++) {
			unsigned long offset = offsets[i];

			if (offset >= limit) {
				printf("  %s %3lu: %s (%s)\n", say("address", "dirección"), offset,
				       say("beyond the limit: exception", "fuera del límite: excepción"),
				       say("simulated: in 64-bit mode %gs has no limit", "simulado: en modo de 64 bits %gs no tiene límite"));
				continue;
			}
			printf("  %s %3lu -> %p: %u\n", say("address", "dirección"), offset, (void *)(place[base] + offset),
			       read_gs(offset));
			expect(read_gs(offset) == 100 * base + offset, "the base is added to each address");
		}
	}
}
