// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "process.h"
#include "tap.h"

void settle(void)
{
	char stack[64 << 10];

	memset(stack, 1, sizeof(stack));
	asm volatile("" : : "r"(stack) : "memory");
	free(malloc(sizeof(stack)));
	mlockall(MCL_CURRENT);
	munlockall();
}

void pin_to_cpu(int cpu)
{
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	CHECK(!sched_setaffinity(0, sizeof(only), &only));
}
