// SPDX-License-Identifier: GPL-2.0
/* live EXPERIMENT en|es: in the guest; live.sh prepares it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tamalloc_syscall.h>

#include "live.h"

static bool spanish;

const char *say(const char *in_english, const char *in_spanish)
{
	return spanish ? in_spanish : in_english;
}

int padded(int width, const char *text)
{
	for (; *text; text++)
		width += (*text & 0xc0) == 0x80;
	return width;
}

void fail(const char *what)
{
	fprintf(stderr, "live: %s: %s\n", what, strerror(errno));
	exit(1);
}

void expect(bool holds, const char *what)
{
	if (holds)
		return;
	fflush(stdout);
	fprintf(stderr, "live: it does not hold: %s\n", what);
	exit(1);
}

char *tamalloc_pages(unsigned long pages)
{
	unsigned long address;

	if (syscall(__NR_tamalloc, pages * PAGE, &address))
		fail("tamalloc");
	return (char *)address;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	close(fd);
}

unsigned long field(const char *path, const char *name)
{
	char line[256];
	size_t length = strlen(name);
	unsigned long value = 0;
	bool found = false;
	FILE *file = fopen(path, "re");

	if (!file)
		fail(path);
	while (!found && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, length) || !strchr(": \t", line[length]))
			continue;
		value = strtoul(line + length + 1, NULL, 10);
		found = true;
	}
	fclose(file);
	expect(found, name);
	return value;
}

static const struct { const char *name; void (*run)(void); } experiments[] = {
	{ "virtual", run_virtual }, { "mmu", run_mmu }, { "space", run_space },
	{ "swapping", run_swapping }, { "locality", run_locality }, { "cache", run_cache },
	{ "lists", run_lists }, { "pages", run_pages }, { "walk", run_walk }, { "protect", run_protect },
	{ "major", run_major }, { "frames", run_frames }, { "fetch", run_fetch }, { "alloc", run_alloc },
	{ "slab", run_slab }, { "access", run_access }, { "thrash", run_thrash },
};

int main(int argc, char **argv)
{
	if (argc == 3) {
		spanish = !strcmp(argv[2], "es");
		for (size_t i = 0; i < sizeof(experiments) / sizeof(*experiments); i++) {
			if (strcmp(argv[1], experiments[i].name))
				continue;
			experiments[i].run();
			return 0;
		}
	}
	fputs("usage: live EXPERIMENT en|es; an EXPERIMENT is one of", stderr);
	for (size_t i = 0; i < sizeof(experiments) / sizeof(*experiments); i++)
		fprintf(stderr, " %s", experiments[i].name);
	fputs("\n", stderr);
	return 125;
}
