// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"
#include "tap.h"

#define MAX_SAVED 32

/* Shared, so that the parent restores what a test set, however that ended. */
static struct saved {
	int count;
	struct {
		char path[128], value[64];
	} file[MAX_SAVED];
} *saved;

void settings_init(void)
{
	saved = mmap(NULL, sizeof(*saved), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static bool get(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, value, size - 1);

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return false;
	value[len] = '\0';
	return true;
}

/* False, and errno, if the file does not take the value. */
static bool put(const char *path, const char *value)
{
	size_t len = strlen(value);
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, value, len) == (ssize_t)len;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* "always [madvise] never": the value to write back is the chosen word. */
static void chosen_word(char *value)
{
	char *start = strchr(value, '['), *end = strchr(value, ']');

	if (start && end) {
		*end = '\0';
		memmove(value, start + 1, end - start);
	}
}

static bool is_saved(const char *path)
{
	for (int i = 0; i < saved->count; i++)
		if (!strcmp(saved->file[i].path, path))
			return true;
	return false;
}

void set(const char *path, const char *value)
{
	typeof(*saved->file) *file = &saved->file[saved->count];

	if (is_saved(path)) {
		write_file(path, value);
		return;
	}
	if (saved->count == MAX_SAVED)
		tap_fail(__FILE__, __LINE__, "more than %d settings", MAX_SAVED);
	if (!get(path, file->value, sizeof(file->value)))
		tap_fail(__FILE__, __LINE__, "cannot read %s: %s", path, strerror(errno));
	chosen_word(file->value);
	snprintf(file->path, sizeof(file->path), "%s", path);
	saved->count++;
	write_file(path, value);
}

void set_folios(size_t bytes, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), THP "hugepages-%zukB/enabled", bytes / 1024);
	set(path, value);
}

void settings_restore(void)
{
	while (saved->count) {
		typeof(*saved->file) *file = &saved->file[--saved->count];

		if (!put(file->path, file->value))
			tap_note("cannot restore %s", file->path);
	}
}

void write_file(const char *path, const char *value)
{
	if (!put(path, value))
		tap_fail(__FILE__, __LINE__, "cannot write '%s' to %s: %s", value,
			 path, strerror(errno));
}

long field(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	size_t len = strlen(name);
	long value = -1;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, len) || !strchr(": \t", line[len]))
			continue;
		value = atol(line + len + 1);
		break;
	}
	if (file)
		fclose(file);
	return value;
}

long number(const char *path)
{
	char value[64];

	return get(path, value, sizeof(value)) ? atol(value) : -1;
}

void mount_at(const char *dir, const char *type)
{
	mkdir("/tmp", 0755);
	mkdir(dir, 0755);
	CHECK(!unshare(CLONE_NEWNS));
	CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(!mount("none", dir, type, 0, NULL));
}
