// SPDX-License-Identifier: GPL-2.0
/* Touches as lines of CSV, written and read again. */
#include <errno.h>
#include <string.h>

#include "tamtrace.h"

/* More than any touch has, and so little that no sum of them overflows. */
#define MOST_SECONDS	1e9
#define MOST_PAGES	(1U << 20)

#define HEADER "seconds,tid,address,pages,access,fallback\n"

void csv_header(FILE *to)
{
	fputs(HEADER, to);
}

void csv_line(FILE *to, const struct touch *touch)
{
	fprintf(to, "%.6f,%d,0x%lx,%u,%s,%d\n", touch->seconds, touch->tid, touch->address,
		touch->pages, touch->write ? "write" : "read", touch->fallback);
}

static bool parse(const char *line, struct touch *touch)
{
	char access[6];
	int fallback;

	if (sscanf(line, "%lf,%d,%lx,%u,%5[a-z],%d", &touch->seconds, &touch->tid, &touch->address,
		   &touch->pages, access, &fallback) != 6)
		return false;
	touch->write = !strcmp(access, "write");
	touch->fallback = fallback;
	return touch->seconds >= 0 && touch->seconds < MOST_SECONDS &&
	       touch->pages && touch->pages < MOST_PAGES && (long)touch->address >= 0;
}

void read_csv(const char *path, see_touch see, void *arg)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	unsigned long number = 1;
	char line[256];

	if (!file)
		die("%s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), file) || strcmp(line, HEADER))
		die("%s does not begin with %.*s: it is not from tamtrace --csv", path,
		    (int)strlen(HEADER) - 1, HEADER);
	while (fgets(line, sizeof(line), file)) {
		struct touch touch;

		number++;
		if (!parse(line, &touch))
			die("%s:%lu is no touch: %.*s", path, number, (int)strcspn(line, "\n"), line);
		see(&touch, arg);
	}
	if (file != stdin)
		fclose(file);
}
