// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "settings.h"
#include "tap.h"
#include "tracing.h"

void tracing_mount(void)
{
	mount_at(TRACING, "tracefs");
}

void truncate_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	CHECK(fd >= 0);
	close(fd);
}

static void write_event(const char *event, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "/events/%s/%s", event, file);
	write_file(path, value);
}

void tracing_start(const char *event)
{
	char filter[64];

	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	write_event(event, "filter", filter);
	truncate_file(TRACING "/trace");
	write_event(event, "enable", "1");
}

void tracing_stop(const char *event)
{
	write_event(event, "enable", "0");
	write_event(event, "filter", "0");
}
