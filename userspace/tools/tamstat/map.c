// SPDX-License-Identifier: GPL-2.0
/* Draws regions: a letter for each cell, which is one page or as many as it must be. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tamstat.h"

#define MAX_ROWS	8
#define MAX_COLUMNS	512
#define LABEL		13	/* an address and a blank */

/* A page is drawn as the first of these that it is. */
enum { IN_SWAP, IN_FOLIO, IS_DIRTY, IS_RESIDENT, KINDS };
static const char letters[KINDS + 1] = "SHDR";

struct map {
	const struct region *region;
	unsigned long page, pages_per_cell, columns;
	unsigned long cells[MAX_ROWS * MAX_COLUMNS][KINDS];
	unsigned long resident, dirty, swapped, large;
};

static unsigned long terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? atoi(columns) : 80;
}

/* Powers of two, so that each row begins at a round address and no folio is torn. */
static void scale(struct map *map)
{
	unsigned long width = terminal_width();
	unsigned long pages = (map->region->end - map->region->start) / map->page;

	map->columns = 8;
	while (map->columns < MAX_COLUMNS && map->columns * 2 + LABEL <= width)
		map->columns *= 2;
	map->pages_per_cell = 1;
	while (map->pages_per_cell * map->columns * MAX_ROWS < pages)
		map->pages_per_cell *= 2;
}

static int kind_of(unsigned int state)
{
	if (state & SWAPPED)
		return IN_SWAP;
	if (state & LARGE)
		return IN_FOLIO;
	return state & DIRTY ? IS_DIRTY : IS_RESIDENT;
}

static void count_run(const struct run *run, void *arg)
{
	struct map *map = arg;
	unsigned long first = (run->start - map->region->start) / map->page;
	unsigned long last = (run->end - map->region->start) / map->page;
	unsigned long pages = last - first;

	if (run->state & ZERO)
		return;
	map->resident += run->state & RESIDENT ? pages : 0;
	map->dirty += run->state & DIRTY ? pages : 0;
	map->swapped += run->state & SWAPPED ? pages : 0;
	map->large += run->state & LARGE ? pages : 0;
	while (first < last) {
		unsigned long cell = first / map->pages_per_cell;
		unsigned long end = (cell + 1) * map->pages_per_cell;

		if (end > last)
			end = last;
		map->cells[cell][kind_of(run->state)] += end - first;
		first = end;
	}
}

/* What most of its pages are; a small letter when less than half of it is anything. */
static char letter(const unsigned long *cell, unsigned long pages)
{
	unsigned long sum = 0;
	int most = 0;

	for (int kind = 0; kind < KINDS; kind++) {
		sum += cell[kind];
		if (cell[kind] > cell[most])
			most = kind;
	}
	if (!sum)
		return '.';
	return 2 * sum < pages ? tolower(letters[most]) : letters[most];
}

static void draw(const struct map *map)
{
	unsigned long pages = (map->region->end - map->region->start) / map->page;
	unsigned long cells = (pages + map->pages_per_cell - 1) / map->pages_per_cell;

	for (unsigned long i = 0; i < cells; i++) {
		unsigned long left = pages - i * map->pages_per_cell;

		if (i % map->columns == 0)
			printf("%s%0*lx ", i ? "\n" : "", LABEL - 1,
			       map->region->start + i * map->pages_per_cell * map->page);
		putchar(letter(map->cells[i], left < map->pages_per_cell ? left : map->pages_per_cell));
	}
	printf("\n%*s %lu pages, %lu a letter: %lu resident, %lu swapped; of these %lu dirty, %lu in large folios\n\n",
	       LABEL - 1, "", pages, map->pages_per_cell, map->resident, map->swapped,
	       map->dirty, map->large);
}

int text_map(const struct process *process)
{
	struct map *map = malloc(sizeof(*map));
	int error = 0;

	if (!map)
		return errno;
	for (size_t i = 0; i < process->count && !error; i++) {
		memset(map, 0, sizeof(*map));
		map->region = &process->regions[i];
		map->page = sysconf(_SC_PAGESIZE);
		scale(map);
		error = scan_pages(process->pid, map->region, count_run, map);
		if (error)
			break;
		printf("%lx-%lx %lu kB, %s, %s\n", map->region->start, map->region->end,
		       kilobytes(map->region), map->region->adaptive ? "adaptive" : "strict",
		       map->region->name);
		draw(map);
	}
	free(map);
	if (error || !process->count)
		return error;
	puts(". untouched   R resident   D dirty   H in a large folio   S swapped\n"
	     "a small letter: less than half of what it stands for is touched");
	if (folios_error())
		printf("kpageflags cannot be read (%s): no large folio smaller than a huge page is shown\n",
		       folios_error() == EACCES ? "only root can" : strerror(folios_error()));
	return 0;
}
