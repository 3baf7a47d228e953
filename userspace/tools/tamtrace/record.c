// SPDX-License-Identifier: GPL-2.0
/*
 * Records tamalloc:tamalloc_first_touch through libtracefs, in an instance of its own:
 * whatever else traces on this machine is not disturbed.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tracefs.h>
#include <unistd.h>

#include "tamtrace.h"

#define SYSTEM	"tamalloc"
#define EVENT	"tamalloc_first_touch"

static struct tracefs_instance *instance;
static struct tep_handle *tep;
static double began;

static void stop_recording(void)
{
	tracefs_event_disable(instance, SYSTEM, EVENT);
	tracefs_instance_destroy(instance);
	tracefs_instance_free(instance);
}

static void find_event(void)
{
	static const char * const systems[] = { SYSTEM, NULL };
	static const char * const fields[] = { "address", "nr_pages", "write", "fallback" };
	const char *dir = tracefs_tracing_dir();
	struct tep_event *event;

	if (!dir || access(dir, R_OK | X_OK))
		die("tracefs cannot be read: %s; run as root, on a kernel with CONFIG_FTRACE",
		    strerror(errno));
	if (!tracefs_event_file_exists(NULL, SYSTEM, EVENT, "format"))
		die("%s/events has no %s/%s: this kernel's tamalloc, if it has one, has no tracepoint",
		    dir, SYSTEM, EVENT);
	tep = tracefs_local_events_system(dir, systems);
	if (!tep)
		die("the format of " EVENT " could not be read: %s", strerror(errno));
	event = tep_find_event_by_name(tep, SYSTEM, EVENT);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!event || !tep_find_any_field(event, fields[i]))
			die(EVENT " has no field %s: this kernel is not of this version of tamalloc",
			    fields[i]);
}

void start_recording(unsigned long buffer_kb)
{
	struct timespec now;
	char name[32];

	find_event();
	snprintf(name, sizeof(name), "tamtrace.%d", getpid());
	instance = tracefs_instance_create(name);
	if (!instance)
		die("%s/instances/%s could not be made: %s; run as root", tracefs_tracing_dir(),
		    name, strerror(errno));
	atexit(stop_recording);
	if (tracefs_instance_set_buffer_size(instance, buffer_kb, -1))
		die("no memory for a buffer of %lu kB for each CPU; see --buffer", buffer_kb);
	/* Nobody is followed yet: an empty set_event_pid would mean everybody. */
	if (tracefs_instance_file_write(instance, "trace_clock", "mono") < 0 ||
	    tracefs_option_enable(instance, TRACEFS_OPTION_EVENT_FORK) ||
	    tracefs_instance_file_write(instance, "set_event_pid", "0") < 0 ||
	    tracefs_event_enable(instance, SYSTEM, EVENT))
		die(EVENT " could not be enabled: %s", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &now);
	began = now.tv_sec + now.tv_nsec / 1e9;
}

void follow(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		die("there is no process %d", pid);
	while ((entry = readdir(threads)))
		/* What has ended meanwhile is refused, and touches nothing. */
		if (entry->d_name[0] != '.')
			tracefs_instance_file_append(instance, "set_event_pid", entry->d_name);
	closedir(threads);
}

struct taker {
	see_touch see;
	void *arg;
};

static unsigned long long field(struct tep_event *event, struct tep_record *record,
				const char *name)
{
	unsigned long long value = 0;

	tep_get_field_val(NULL, event, name, record, &value, 0);
	return value;
}

static int take(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	struct taker *taker = arg;
	struct touch touch;

	(void)cpu;
	if (strcmp(event->name, EVENT))
		return 0;
	touch = (struct touch){
		.seconds = record->ts / 1e9 - began,
		.tid = tep_data_pid(tep, record),
		.address = field(event, record, "address"),
		.pages = field(event, record, "nr_pages"),
		.write = field(event, record, "write"),
		.fallback = field(event, record, "fallback"),
	};
	taker->see(&touch, taker->arg);
	return 0;
}

void take_touches(see_touch see, void *arg)
{
	struct taker taker = { see, arg };

	tracefs_iterate_raw_events(tep, instance, NULL, 0, take, &taker);
}

unsigned long lost_touches(void)
{
	unsigned long lost = 0;

	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		char name[64], *stats, *overrun;

		snprintf(name, sizeof(name), "per_cpu/cpu%ld/stats", cpu);
		stats = tracefs_instance_file_read(instance, name, NULL);
		overrun = stats ? strstr(stats, "overrun: ") : NULL;
		if (overrun)
			lost += strtoul(overrun + strlen("overrun: "), NULL, 10);
		free(stats);
	}
	return lost;
}
