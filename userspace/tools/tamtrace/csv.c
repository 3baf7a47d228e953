// SPDX-License-Identifier: GPL-2.0
/* Touches, and what gives them back, as lines of CSV, written and read again. */
#include <errno.h>
#include <string.h>

#include "tamtrace.h"

/* More than any line has, and so little that no sum of them overflows. */
#define MOST_SECONDS	1e9
#define MOST_PAGES	(1U << 20)

#define HEADER "seconds,tid,address,pages,access,fallback\n"

void csv_header(FILE *to)
{
	fputs(HEADER, to);
}

/* As the column access has it. */
const char * const names_of_what[WHATS] = {
	[READ] = "read",
	[WRITE] = "write",
	[MOVED_HERE] = "mremap-to",
	[MOVED_AWAY] = "mremap-from",
	[DONTNEED] = "dontneed",
	[UNMAPPED] = "munmap",
	[EXITED] = "exit",
	[UNSEEN] = "unseen",
};

void csv_line(FILE *to, const struct event *event)
{
	fprintf(to, "%.6f,%d,0x%lx,%u,%s,%d\n", event->seconds, event->tid, event->address,
		event->pages, names_of_what[event->what], event->fallback);
}

static bool parse(const char *line, struct event *event)
{
	char access[12];
	int fallback;

	if (sscanf(line, "%lf,%d,%lx,%u,%11[a-z-],%d", &event->seconds, &event->tid,
		   &event->address, &event->pages, access, &fallback) != 6)
		return false;
	event->fallback = fallback;
	for (event->what = 0; event->what < WHATS; event->what++)
		if (!strcmp(access, names_of_what[event->what]))
			break;
	return event->what < WHATS && event->seconds >= 0 && event->seconds < MOST_SECONDS &&
	       event->pages && event->pages < MOST_PAGES && (long)event->address >= 0;
}

void read_csv(const char *path, see_event see)
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
		struct event event;

		number++;
		if (!parse(line, &event))
			die("%s:%lu is no touch: %.*s", path, number, (int)strcspn(line, "\n"), line);
		see(&event);
	}
	if (file != stdin)
		fclose(file);
}
