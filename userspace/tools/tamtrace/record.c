// SPDX-License-Identifier: GPL-2.0
/*
 * Records tamalloc:tamalloc_first_touch through libtracefs, and the calls that give memory
 * back, in an instance of its own: whatever else traces on this machine is not disturbed.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tracefs.h>
#include <unistd.h>

#include "tamtrace.h"

#define INITIAL_PID_NAMESPACE	0xeffffffc	/* PROC_PID_INIT_INO */
#define SYSTEM	"tamalloc"
#define EVENT	"tamalloc_first_touch"

static struct tracefs_instance *instance;
static struct tep_handle *tep;
static see_event see;

typedef void take(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid);
static take touched, enters, leaves, made, executes, ends;

#define STRING(x)	#x
#define IS(call)	"id == " STRING(call)
#define RELEASING	IS(SYS_munmap) " || " IS(SYS_madvise) " || " IS(SYS_mremap) " || " IS(SYS_mmap)

/* All but the first one tell what becomes of the pages; a kernel without them shows less. */
static struct {
	const char *system, *name;
	take *take;
	const char *filter;
	int id;
} sources[] = {
	{ SYSTEM, EVENT, touched, NULL, -1 },
	{ "raw_syscalls", "sys_enter", enters, RELEASING, -1 },
	{ "raw_syscalls", "sys_exit", leaves, RELEASING, -1 },
	{ "task", "task_newtask", made, NULL, -1 },
	{ "sched", "sched_process_exec", executes, NULL, -1 },
	{ "sched", "sched_process_exit", ends, NULL, -1 },
};

#define SOURCES		(sizeof(sources) / sizeof(*sources))

static void stop_recording(void)
{
	for (size_t i = 0; i < SOURCES; i++)
		tracefs_event_disable(instance, sources[i].system, sources[i].name);
	tracefs_instance_destroy(instance);
	tracefs_instance_free(instance);
}

static void find_events(void)
{
	static const char * const systems[] = { SYSTEM, "raw_syscalls", "task", "sched", NULL };
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
	for (size_t i = 0; i < SOURCES; i++) {
		event = tep_find_event_by_name(tep, sources[i].system, sources[i].name);
		if (event)
			sources[i].id = event->id;
		else
			fprintf(stderr, "tamtrace: this kernel has no tracepoint %s:%s; not all releases are seen\n",
				sources[i].system, sources[i].name);
	}
}

/* Numbers of processes are those of the initial namespace, whoever asks. */
static void check_namespace(void)
{
	struct stat namespace;

	if (!stat("/proc/self/ns/pid", &namespace) && namespace.st_ino != INITIAL_PID_NAMESPACE)
		die("the kernel traces by the process numbers of the initial PID namespace; "
		    "run tamtrace there, not in a container");
}

static bool enable(void)
{
	char *clocks = tracefs_instance_file_read(instance, "trace_clock", NULL);
	const char *clock = choose_clock(clocks);

	free(clocks);
	/* Nobody is followed yet: an empty set_event_pid would mean everybody. */
	if (tracefs_instance_file_write(instance, "trace_clock", clock) < 0 ||
	    tracefs_option_enable(instance, TRACEFS_OPTION_EVENT_FORK) ||
	    tracefs_instance_file_write(instance, "set_event_pid", "0") < 0)
		return false;
	for (size_t i = 0; i < SOURCES; i++) {
		const char *system = sources[i].system, *name = sources[i].name;

		if (sources[i].id < 0)
			continue;
		if (sources[i].filter &&
		    tracefs_event_file_write(instance, system, name, "filter", sources[i].filter) < 0)
			return false;
		if (tracefs_event_enable(instance, system, name))
			return false;
	}
	return true;
}

void start_recording(unsigned long buffer_kb, see_event shown)
{
	char name[32];

	see = shown;
	watch_spaces(shown);
	find_events();
	check_namespace();
	snprintf(name, sizeof(name), "tamtrace.%d", getpid());
	instance = tracefs_instance_create(name);
	if (!instance)
		die("%s/instances/%s could not be made: %s; run as root", tracefs_tracing_dir(),
		    name, strerror(errno));
	atexit(stop_recording);
	if (tracefs_instance_set_buffer_size(instance, buffer_kb, -1))
		die("no memory for a buffer of %lu kB for each CPU; see --buffer", buffer_kb);
	if (!enable())
		die(EVENT " could not be enabled: %s", strerror(errno));
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
	space_begins(pid, 0);
	while ((entry = readdir(threads))) {
		pid_t tid = atoi(entry->d_name);

		if (!tid)
			continue;
		if (tid != pid)
			space_begins(tid, pid);
		/* What has ended meanwhile is refused, and touches nothing. */
		tracefs_instance_file_append(instance, "set_event_pid", entry->d_name);
	}
	closedir(threads);
}

static unsigned long long field(struct tep_event *event, struct tep_record *record,
				const char *name)
{
	unsigned long long value = 0;

	tep_get_field_val(NULL, event, name, record, &value, 0);
	return value;
}

static void touched(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid)
{
	space_touched(&(struct event){
		.seconds = seconds,
		.tid = tid,
		.address = field(event, record, "address"),
		.pages = field(event, record, "nr_pages"),
		.what = field(event, record, "write") ? WRITE : READ,
		.fallback = field(event, record, "fallback"),
	});
}

static void enters(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid)
{
	struct tep_format_field *args = tep_find_field(event, "args");

	(void)seconds;
	if (args)
		space_calls(tid, (unsigned long *)((char *)record->data + args->offset));
}

/* What it asked for has happened, unless it failed. */
static void leaves(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid)
{
	const unsigned long *args = space_called(tid);
	unsigned long result = field(event, record, "ret");

	if (!args || result > -4096UL)
		return;
	switch (field(event, record, "id")) {
	case SYS_munmap:
		space_released(seconds, tid, args[0], args[1], UNMAPPED);
		break;
	case SYS_madvise:
		if (args[2] == MADV_DONTNEED || args[2] == MADV_DONTNEED_LOCKED)
			space_released(seconds, tid, args[0], args[1], DONTNEED);
		break;
	case SYS_mmap:
		if (args[3] & MAP_FIXED)
			space_released(seconds, tid, args[0], args[1], UNMAPPED);
		break;
	case SYS_mremap:
		if (args[2] < args[1])
			space_released(seconds, tid, args[0] + args[2], args[1] - args[2], UNMAPPED);
		if (result != args[0])
			space_moved(seconds, tid, args[0], result, args[1] < args[2] ? args[1] : args[2]);
		break;
	}
}

static void made(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid)
{
	(void)seconds;
	space_begins(field(event, record, "pid"),
		     field(event, record, "clone_flags") & CLONE_VM ? tid : 0);
}

static void executes(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid)
{
	space_ends(seconds, field(event, record, "old_pid"));
	space_begins(tid, 0);
}

static void ends(struct tep_event *event, struct tep_record *record, double seconds, pid_t tid)
{
	(void)event;
	(void)record;
	space_ends(seconds, tid);
}

static int take_one(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	for (size_t i = 0; i < SOURCES; i++)
		if (event->id == sources[i].id)
			sources[i].take(event, record, seconds_of(record->ts), tep_data_pid(tep, record));
	return 0;
}

void take_events(void)
{
	tracefs_iterate_raw_events(tep, instance, NULL, 0, take_one, NULL);
}

unsigned long lost_events(void)
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
