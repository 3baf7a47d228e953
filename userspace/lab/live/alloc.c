// SPDX-License-Identifier: GPL-2.0
/* Frames: struct page's flags and counts, zones, alloc_pages() with its order and gfp flags. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define DISK	"/dev/vda"

static uint64_t show(const char *when, const char *page)
{
	uint64_t frame = frame_of(page);

	printf("%-*s %6lx %2lu  %s\n", PADDED(30, when), frame, frame_count(frame), flag_names(frame_flags(frame)));
	return frame;
}

static bool has(uint64_t frame, int flag) { return frame_flags(frame) >> flag & 1; }

static void flags(void)
{
	char *page = tamalloc_pages(1), *file;
	int fd = open(DISK, O_RDWR | O_CLOEXEC), status;
	uint64_t frame;
	pid_t pid;

	printf("%-30s %6s %2s  %s\n", "struct page", say("frame", "marco"), "n", say("flags", "indicadores"));
	*page = 1;
	frame = show(say("anonymous", "anónima"), page);
	expect(frame_count(frame) == 1 && has(frame, FLAG_ANON), "an anonymous page, mapped once");

	fflush(stdout);
	pid = fork();
	if (!pid) {
		frame = show(say("after fork", "tras fork"), page);
		expect(frame_count(frame) == 2, "parent and child share the frame");
		*page = 2;
		expect(show(say("the child has written: a copy", "el hijo ha escrito: una copia"), page) != frame &&
		       frame_count(frame) == 1, "who writes gets a frame of his own");
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("fork");

	if (mlock(page, PAGE))
		fail("mlock");
	frame = show("mlock", page);
	expect(has(frame, FLAG_MLOCKED) && has(frame, FLAG_UNEVICTABLE), "a locked page is no victim");
	munlock(page, PAGE);

	if (fd < 0 || (file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		fail(DISK);
	if (fsync(fd) || !(*file + 1))
		fail(DISK);
	frame = show(say("of a file", "de un fichero"), file);
	expect(!has(frame, FLAG_DIRTY) && !has(frame, FLAG_ANON), "a file's page is clean once it is on the disk");
	if (pwrite(fd, "x", 1, 0) != 1)
		fail(DISK);
	expect(show(say("written to", "escrita"), file) == frame && has(frame, FLAG_DIRTY), "a write makes it dirty");
	if (fsync(fd))
		fail("fsync");
	show("fsync", file);
	expect(!has(frame, FLAG_DIRTY), "and fsync clean");
	munmap(file, PAGE);
	close(fd);
}

/* The last allocation that the trace has of the frame of @page. */
static struct { uint64_t frame; char text[512]; } allocated;
static bool find(const struct event *event, void *nothing)
{
	char frame[32];

	(void)nothing;
	snprintf(frame, sizeof(frame), "pfn=0x%lx ", allocated.frame);
	if (!strcmp(event->name, "mm_page_alloc") && strstr(event->text, frame))
		strcpy(allocated.text, event->text);
	return true;
}

static void allocation(const char *what, char *memory, int order)
{
	char filter[32], *text, of_order[16];

	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	events_clear();
	event_on("kmem/mm_page_alloc", filter);
	*memory = 1;
	events_off();
	allocated.frame = frame_of(memory) & -(1UL << order);
	allocated.text[0] = '\0';
	events_each(find, NULL);
	text = strstr(allocated.text, "order=");
	expect(text != NULL, "the tracepoint has seen the frame");
	printf("%s: %s\n", what, text);
	snprintf(of_order, sizeof(of_order), "order=%d ", order);
	expect(!strncmp(text, of_order, strlen(of_order)), "it has this order");
	expect(strstr(text, order ? "GFP_TRANSHUGE" : "GFP_HIGHUSER_MOVABLE") != NULL, "and the gfp flags of user memory");
}

/* From /proc/zoneinfo: what each zone has, and the marks that reclaim goes by. */
static void zones(void)
{
	static const char *const fields[] = { "pages free", "min", "low", "high", "present" };
	unsigned long values[5];
	char line[256], zone[32] = "";
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned int at = 0, seen = 0;

	if (!file)
		fail("/proc/zoneinfo");
	printf("%-8s %9s %7s %7s %7s %9s\n", say("zone", "zona"), say("free", "libres"), "min", "low", "high",
	       say("present", "presentes"));
	while (fgets(line, sizeof(line), file)) {
		char *text = line + strspn(line, " ");

		if (sscanf(line, "Node %*d, zone %31s", zone) == 1) {
			at = 0;
		} else if (at < 5 && !strncmp(text, fields[at], strlen(fields[at])) &&
			   sscanf(text + strlen(fields[at]), "%lu", &values[at]) == 1 && ++at == 5 && values[4]) {
			seen++;
			printf("%-8s %9lu %7lu %7lu %7lu %9lu\n", zone, values[0], values[1], values[2], values[3], values[4]);
			expect(values[1] <= values[2] && values[2] <= values[3], "min, low and high in this order");
		}
	}
	fclose(file);
	expect(seen >= 1, "there is a zone that has pages");
}

void run_alloc(void)
{
	char *huge;

	flags();
	allocation(say("a page of tamalloc", "una página de tamalloc"), tamalloc_pages(1), 0);
	huge = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	huge = (char *)(((uintptr_t)huge + (2 << 20) - 1) & -(2UL << 20));
	madvise(huge, 2 << 20, MADV_HUGEPAGE);
	allocation(say("a huge page", "una página enorme"), huge, 9);
	zones();
}
