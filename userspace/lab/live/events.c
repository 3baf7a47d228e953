// SPDX-License-Identifier: GPL-2.0
/* Tracepoints and probes of kernel functions, by tracefs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define TRACING	"/sys/kernel/tracing/"

void probe(const char *definition)
{
	int fd = open(TRACING "kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 || write(fd, definition, strlen(definition)) != (ssize_t)strlen(definition))
		fail(definition);
	close(fd);
}

void event_on(const char *name, const char *filter)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "events/%s/filter", name);
	write_file(path, filter ? filter : "0");
	snprintf(path, sizeof(path), TRACING "events/%s/enable", name);
	write_file(path, "1");
}

void events_clear(void)
{
	close(open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

void events_off(void)
{
	write_file(TRACING "events/enable", "0");
}

/* "   live-52   [000] d..1.   12.345678: name: text" */
bool events_each(bool (*see)(const struct event *event, void *data), void *data)
{
	char line[1024];
	bool more = true;
	FILE *file = fopen(TRACING "trace", "re");

	if (!file)
		fail(TRACING "trace");
	while (more && fgets(line, sizeof(line), file)) {
		struct event event;
		char *cpu = strstr(line, " [");

		if (line[0] == '#' || !cpu ||
		    sscanf(cpu, " [%*u] %*s %*f: %31[^:]: %511[^\n]", event.name, event.text) != 2)
			continue;
		*cpu = '\0';
		sscanf(line, " %31s", event.task);
		more = see(&event, data);
	}
	fclose(file);
	return !more;
}

static bool count(const struct event *event, void *data)
{
	struct { const char *name; unsigned int n; } *counted = data;

	counted->n += !strcmp(event->name, counted->name);
	return true;
}

unsigned int events_count(const char *name)
{
	struct { const char *name; unsigned int n; } counted = { name, 0 };

	events_each(count, &counted);
	return counted.n;
}
