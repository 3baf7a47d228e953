// SPDX-License-Identifier: GPL-2.0
/* The same for programs: one object, on one line. */
#include <ctype.h>
#include <stdio.h>

#include "tamstat.h"

/* What comes here is printable, which leaves two that JSON escapes. */
static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_amount(const struct amount *amount)
{
	printf("\"reserved_kb\":%lu,\"resident_kb\":%lu,\"swapped_kb\":%lu,"
	       "\"committed_kb\":%lu,\"committed_percent\":%.3f,\"first_touch\":\"%s\"",
	       amount->reserved, amount->resident, amount->swapped,
	       amount->resident + amount->swapped, committed_percent(amount), first_touch(amount));
}

static void begin_process(const struct process *process)
{
	printf("{\"pid\":%d,\"command\":", process->pid);
	print_string(process->command);
	printf(",\"oom_score\":%d,", process->oom_score);
}

void json_table(const struct table *table)
{
	struct amount sum = { 0 };

	printf("{\"processes\":[");
	for (size_t i = 0; i < table->count; i++) {
		struct amount amount = amount_of(&table->processes[i]);

		printf("%s", i ? "," : "");
		begin_process(&table->processes[i]);
		printf("\"regions\":%zu,", amount.regions);
		print_amount(&amount);
		printf("}");
		add_amount(&sum, &amount);
	}
	printf("],\"all\":{\"regions\":%zu,", sum.regions);
	print_amount(&sum);
	printf("},\"not_readable\":%zu,", table->denied);
	if (table->memory)
		printf("\"memory_kb\":%lu,\"available_kb\":%lu,\"swap_kb\":%lu,",
		       table->memory, table->available, table->swap);
	else
		printf("\"memory_kb\":null,\"available_kb\":null,\"swap_kb\":null,");
	printf("\"tamalloc_available\":%s}\n", tamalloc_error() ? "false" : "true");
}

static void print_run(const struct run *run, void *arg)
{
	bool *first = arg;

	if (run->state & ZERO)
		return;
	printf("%s{\"start\":\"%lx\",\"end\":\"%lx\",\"state\":\"%s\",\"dirty\":%s,\"large_folio\":%s}",
	       *first ? "" : ",", run->start, run->end,
	       run->state & SWAPPED ? "swapped" : "resident",
	       run->state & DIRTY ? "true" : "false", run->state & LARGE ? "true" : "false");
	*first = false;
}

static int print_process(const struct process *process, bool with_pages)
{
	int error = 0;

	begin_process(process);
	printf("\"regions\":[");
	for (size_t i = 0; i < process->count && !error; i++) {
		const struct region *region = &process->regions[i];
		struct amount amount = {
			1, region->adaptive, kilobytes(region), region->resident, region->swapped
		};
		bool first = true;

		printf("%s{\"start\":\"%lx\",\"end\":\"%lx\",\"name\":", i ? "," : "",
		       region->start, region->end);
		print_string(region->name);
		printf(",");
		print_amount(&amount);
		if (with_pages) {
			printf(",\"touched\":[");
			error = scan_pages(process->pid, region, print_run, &first);
			printf("]");
		}
		printf("}");
	}
	if (with_pages)
		printf("],\"folios_seen\":%s}\n", folios_error() ? "false" : "true");
	else
		printf("]}\n");
	return error;
}

void json_process(const struct process *process)
{
	print_process(process, false);
}

int json_map(const struct process *process)
{
	return print_process(process, true);
}

/* As figure_name() has it, in the form of a key. */
static void print_key(int figure)
{
	putchar('"');
	for (const char *c = figure_name(figure); *c; c++) {
		if (isalpha((unsigned char)*c))
			putchar(*c);
		else if (*c == ' ')
			putchar('_');
	}
	putchar('"');
}

void json_advice(const struct advice *advice)
{
	const struct process *process = &advice->process;

	begin_process(process);
	printf("\"command_line\":");
	print_string(advice->command_line);
	printf(",\"tamalloc_available\":%s,\"huge_pages\":\"%s\",\"not_read_kb\":%lu,\"figures\":{",
	       advice->call_error ? "false" : "true", advice->setting, advice->unread);
	for (int i = 0; i < FIGURES; i++) {
		const struct figure *figure = &advice->figures[i];

		printf("%s", i ? "," : "");
		print_key(i);
		printf(figure->known ? ":{\"kb\":%lu" : ":{\"kb\":null", figure->kilobytes);
		printf(",\"known_by\":");
		print_string(figure->how);
		printf("}");
	}
	printf("}}\n");
}
