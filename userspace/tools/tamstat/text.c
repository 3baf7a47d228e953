// SPDX-License-Identifier: GPL-2.0
/* The tables for people. */
#include <stdio.h>
#include <string.h>

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
	printf("\nSizes are in kB. ");
	if (table->memory)
		printf("The machine has %lu kB of memory, %lu of it available, and %lu of swap.\n",
		       table->memory, table->available, table->swap);
	else
		printf("What memory the machine has is not known: %s has no meminfo.\n", procfs);
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

#define MB(kilobytes) ((kilobytes) / 1024.)

/* What one who reads no further wants to know. */
static void print_verdict(const struct advice *advice)
{
	const struct figure *figures = advice->figures;
	double saved = MB(figures[FIG_STRICT].kilobytes), more = MB(figures[FIG_READ_ONLY].kilobytes);
	double resident = MB(figures[FIG_RESIDENT].kilobytes);
	bool saves = matters(advice, FIG_STRICT), takes = matters(advice, FIG_READ_ONLY);
	const char *seen = figures[FIG_FOLIOS].known ? "" : " that can be seen";

	printf("%d %s: ", advice->process.pid, advice->process.command);
	if (!figures[FIG_RESERVED].kilobytes)
		printf("it has no memory that tamalloc could replace\n");
	else if (!figures[FIG_HUGE].known)
		printf("what tamalloc would save cannot be told here\n");
	else if (saves && advice->unread == figures[FIG_STRICT].kilobytes)
		printf("how much could be saved is not known; %.1f MB at most\n", saved);
	else if (saves && takes)
		printf("up to %.1f of %.1f MB saved, but %.1f MB more taken\n", saved, resident, more);
	else if (saves)
		printf("up to %.1f of %.1f MB resident could be saved\n", saved, resident);
	else if (takes)
		printf("nothing saved%s, and up to %.1f MB more taken\n", seen, more);
	else if (figures[FIG_STRICT].kilobytes)
		printf("next to nothing saved, %.1f of %.1f MB at most\n", saved, resident);
	else
		printf("tamalloc would save nothing%s\n", seen);
}

static void print_figure(const struct advice *advice, int which)
{
	const struct figure *figure = &advice->figures[which];

	if (figure->known)
		printf("  %-20s %10.1f MB  %s\n", figure_name(which), MB(figure->kilobytes), figure->how);
	else
		printf("  %-20s %10s     %s\n", figure_name(which), "not known", figure->how);
}

/* A longer command line would not be read, and its program is what matters. */
static void print_command(const char *options, const char *command_line)
{
	size_t length = strlen(command_line);
	size_t program = strcspn(command_line, " ");

	if (length <= 76 - strlen("tamrun  ") - strlen(options))
		printf("    tamrun %s %s\n", options, command_line);
	else
		printf("    tamrun %s %.*s ...\n", options, (int)program, command_line);
}

static void print_trial(const struct advice *advice)
{
	const char *command_line = *advice->command_line ? advice->command_line : "PROGRAM";

	puts(no_mode() ? "To try it, start it on a kernel with PR_SET_TAMALLOC, with" :
	     "To try it, start it anew with");
	print_command("--stats", command_line);
	print_command("--adaptive --stats", command_line);
}

void text_advice(const struct advice *advice)
{
	const struct figure *figures = advice->figures;

	print_verdict(advice);
	if (!figures[FIG_RESERVED].kilobytes && !figures[FIG_TAMALLOC].kilobytes)
		return;
	putchar('\n');
	for (int i = 0; i < FIGURES; i++)
		if (i != FIG_TAMALLOC || figures[i].kilobytes)
			print_figure(advice, i);
	putchar('\n');
	if (matters(advice, FIG_READ_ONLY))
		puts("What is read and not written shares one page of zeroes. tamalloc gives each page\n"
		     "of it memory of its own, and a write does not fault again.");
	if (matters(advice, FIG_STRICT))
		print_trial(advice);
	else if (figures[FIG_HUGE].known && !figures[FIG_HUGE].kilobytes)
		printf("It has no huge pages, which are what tamalloc saves on. Here they are at\n"
		       "\"%s\"%s\n", *advice->setting ? advice->setting : "none",
		       strcmp(advice->setting, "always") ? "; look again where they are at \"always\"." : ".");
	if (advice->call_error)
		printf("Note: %s.\n", no_tamalloc(advice->call_error));
}
