// SPDX-License-Identifier: GPL-2.0
/* The tables for people. */
#include <stdio.h>

#include "tamstat.h"

static void print_amount(const struct amount *amount)
{
	printf("%13lu %10lu %10lu %10lu %6.1f", amount->reserved, amount->resident, amount->swapped,
	       amount->resident + amount->swapped, committed_percent(amount));
}

#define AMOUNTS "     RESERVED   RESIDENT    SWAPPED  COMMITTED      %"

void text_table(const struct table *table)
{
	struct amount sum = { 0 };

	printf("%7s %-15s %7s%s  %-8s %5s\n", "PID", "COMMAND", "REGIONS", AMOUNTS, "TOUCH", "OOM");
	for (size_t i = 0; i < table->count; i++) {
		const struct process *process = &table->processes[i];
		struct amount amount = amount_of(process);

		printf("%7d %-15s %7zu", process->pid, process->command, amount.regions);
		print_amount(&amount);
		printf("  %-8s %5d\n", first_touch(&amount), process->oom_score);
		add_amount(&sum, &amount);
	}
	printf("%7s %-15zu %7zu", "all", table->count, sum.regions);
	print_amount(&sum);
	printf("\nSizes are in kB. The machine has %lu kB of memory, %lu of it available, and %lu of swap.\n",
	       table->memory, table->available, table->swap);
}

void text_process(const struct process *process)
{
	struct amount sum = amount_of(process);

	printf("%d %s, OOM score %d\n", process->pid, process->command, process->oom_score);
	printf("%-33s%s  %-8s %s\n", "REGION", AMOUNTS, "TOUCH", "NAME");
	for (size_t i = 0; i < process->count; i++) {
		const struct region *region = &process->regions[i];
		struct amount amount = {
			1, region->adaptive, kilobytes(region), region->resident, region->swapped
		};

		printf("%16lx-%-16lx", region->start, region->end);
		print_amount(&amount);
		printf("  %-8s %s\n", first_touch(&amount), region->name);
	}
	printf("%-33s", "all");
	print_amount(&sum);
	printf("  kB\n");
}
