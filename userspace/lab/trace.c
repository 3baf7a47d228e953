// SPDX-License-Identifier: GPL-2.0
/* Reads, writes and converts reference strings; trace.h has the format. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define MAX_PAGE	(UINT64_MAX >> TRACE_SHIFT)
#define MAX_PAGES	(UINT32_MAX >> 2)

void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("replay: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(125);
}

void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		die("%zu MB of memory are not to be had; take a shorter trace, or larger pages",
		    count * size >> 20);
	return memory;
}

static void *grow(void *memory, size_t count, size_t size)
{
	memory = realloc(memory, count * size);
	if (!memory)
		die("%zu MB of memory are not to be had; take a shorter trace",
		    count * size >> 20);
	return memory;
}

static void append(struct trace *trace, uint32_t index, unsigned int kind)
{
	if (trace->length && page_of(trace->refs[trace->length - 1]) == index) {
		uint32_t *last = &trace->refs[trace->length - 1];

		if ((*last & 3) < kind)
			*last = index << 2 | kind;
		return;
	}
	if (trace->length == trace->room) {
		trace->room = trace->room ? 2 * trace->room : 1024;
		trace->refs = grow(trace->refs, trace->room, sizeof(*trace->refs));
	}
	trace->refs[trace->length++] = index << 2 | kind;
}

static uint32_t new_page(struct trace *trace, uint64_t page)
{
	if (trace->count == MAX_PAGES)
		die("more than %u pages: take larger ones", MAX_PAGES);
	if (trace->count == trace->page_room) {
		trace->page_room = trace->page_room ? 2 * trace->page_room : 256;
		trace->pages = grow(trace->pages, trace->page_room, sizeof(*trace->pages));
	}
	trace->pages[trace->count] = page;
	return trace->count++;
}

/* From page numbers to indices: open addressing, at most half full. */
struct index {
	uint32_t *slots;	/* index + 1 */
	size_t size;
};

static uint32_t *slot(const struct index *table, const struct trace *trace, uint64_t page)
{
	size_t i = (page * 0x9e3779b97f4a7c15ULL) >> 20 & (table->size - 1);

	while (table->slots[i] && trace->pages[table->slots[i] - 1] != page)
		i = (i + 1) & (table->size - 1);
	return &table->slots[i];
}

static uint32_t find(struct index *table, struct trace *trace, uint64_t page)
{
	uint32_t *place;

	if (2 * (size_t)trace->count >= table->size) {
		table->size = table->size ? 4 * table->size : 256;
		free(table->slots);
		table->slots = allocate(table->size, sizeof(*table->slots));
		for (uint32_t i = 0; i < trace->count; i++)
			*slot(table, trace, trace->pages[i]) = i + 1;
	}
	place = slot(table, trace, page);
	if (!*place)
		*place = new_page(trace, page) + 1;
	return *place - 1;
}

void trace_parse(struct trace *trace, const char *text, const char *name)
{
	struct index table = { 0 };

	memset(trace, 0, sizeof(*trace));
	for (const char *at = text; *at;) {
		char *end;
		unsigned long long page;

		if (isspace((unsigned char)*at) || *at == ',') {
			at++;
			continue;
		}
		if (!isdigit((unsigned char)*at))
			die("%s: '%.*s' is no page number; give numbers, as in \"1 2 3 4 1 2 5\"", name,
			    (int)strcspn(at, " ,\t\n"), at);
		page = strtoull(at, &end, 10);
		if (page > MAX_PAGE)
			die("%s: page %.*s is beyond the last one, %llu", name, (int)(end - at), at,
			    (unsigned long long)MAX_PAGE);
		append(trace, find(&table, trace, page), READ);
		at = end;
	}
	free(table.slots);
	if (!trace->length)
		die("%s: no references in it; give page numbers, as in \"1 2 3 4 1 2 5\"", name);
}

static uint64_t number(FILE *file, const char *name)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		int byte = getc_unlocked(file);

		if (byte == EOF)
			die("%s: it was cut off; was the disk full, or the program ended from outside?", name);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	die("%s: it is damaged: a number of more than 64 bits", name);
}

static void read_text(struct trace *trace, FILE *file, const char *name, const char *begun)
{
	size_t length = strlen(begun), room = length + 65536;
	char *text = allocate(room, 1);
	size_t got;

	memcpy(text, begun, length);
	while ((got = fread(text + length, 1, room - length - 1, file))) {
		length += got;
		if (room - length < 4096)
			text = grow(text, room *= 2, 1);
	}
	text[length] = 0;
	if (strlen(text) != length)
		die("%s: it is neither a trace nor page numbers", name);
	trace_parse(trace, text, name);
	free(text);
}

void trace_read(struct trace *trace, FILE *file, const char *name)
{
	static char buffer[1 << 20];
	char line[64] = "";
	char after = 0;

	memset(trace, 0, sizeof(*trace));
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	if (!fgets(line, sizeof(line), file))
		die("%s: it is empty", name);
	if (strncmp(line, TRACE_MAGIC, strlen(TRACE_MAGIC))) {
		read_text(trace, file, name, line);
		return;
	}
	if (strcmp(line, TRACE_MAGIC "\n") &&
	    (sscanf(line, TRACE_MAGIC " reduced %u%c", &trace->reduced, &after) != 2 || after != '\n'))
		die("%s: a trace of a kind that is not known here: %s", name, line);
	for (;;) {
		uint64_t value = number(file, name);
		uint64_t index = value >> 2;

		if (value == TRACE_END)
			break;
		if ((value & 3) == 3 || index > trace->count)
			die("%s: it is damaged at reference %zu", name, trace->length);
		if (index == trace->count)
			new_page(trace, number(file, name));
		append(trace, index, value & 3);
	}
	if (!trace->length)
		die("%s: no references in it; did the program run between the markers?", name);
}

static void put(uint64_t value, FILE *file)
{
	for (; value >= 0x80; value >>= 7)
		putc_unlocked(value | 0x80, file);
	putc_unlocked(value, file);
}

void trace_write(const struct trace *trace, FILE *file)
{
	uint32_t seen = 0;

	if (trace->reduced)
		fprintf(file, TRACE_MAGIC " reduced %u\n", trace->reduced);
	else
		fputs(TRACE_MAGIC "\n", file);
	for (size_t i = 0; i < trace->length; i++) {
		put(trace->refs[i], file);
		if (page_of(trace->refs[i]) == seen)
			put(trace->pages[seen++], file);
	}
	put(TRACE_END, file);
	if (fflush(file) || ferror(file))
		die("the trace cannot be written: %m");
}

void trace_coarsen(const struct trace *from, unsigned int shift, struct trace *to)
{
	uint32_t *new_index = allocate(from->count, sizeof(*new_index));
	struct index table = { 0 };

	memset(to, 0, sizeof(*to));
	/* In the order of first references, which is that of the old indices. */
	for (uint32_t i = 0; i < from->count; i++)
		new_index[i] = find(&table, to, from->pages[i] >> shift);
	for (size_t i = 0; i < from->length; i++)
		append(to, new_index[page_of(from->refs[i])], from->refs[i] & 3);
	free(table.slots);
	free(new_index);
}

void trace_select(const struct trace *from, bool fetches, struct trace *to)
{
	uint32_t *new_index = allocate(from->count, sizeof(*new_index));

	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < from->length; i++) {
		uint32_t page = page_of(from->refs[i]);

		if (((from->refs[i] & 3) == FETCH) != fetches)
			continue;
		if (!new_index[page])
			new_index[page] = new_page(to, from->pages[page]) + 1;
		append(to, new_index[page] - 1, from->refs[i] & 3);
	}
	free(new_index);
}

void trace_free(struct trace *trace)
{
	free(trace->refs);
	free(trace->pages);
}
