// SPDX-License-Identifier: GPL-2.0
/* The treatment of a page fault, step by step: one page comes back from the disk. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "live.h"

#define CGROUP	"major"

enum { EXCEPTION, FRAME, ISSUE, SLEEP, COMPLETE, WAKE, RUN, STEPS };

static struct {
	char task[32], *page;
	uint64_t frame, offset;
	unsigned int next;
} fault;

static bool is_step(const struct event *event, unsigned int step)
{
	static const char *const names[] = { "page_fault_user", "mm_page_alloc", "block_rq_issue", "sched_switch",
					     "block_rq_complete", "sched_waking", "sched_switch" };
	char text[64];
	const char *from = strchr(fault.task, '-') + 1;

	if (strcmp(event->name, names[step]))
		return false;
	switch (step) {
	case EXCEPTION: snprintf(text, sizeof(text), "address=0x%lx ", (unsigned long)fault.page); break;
	case FRAME: snprintf(text, sizeof(text), "pfn=0x%lx ", fault.frame); break;
	case ISSUE:
	case COMPLETE: snprintf(text, sizeof(text), " %lu + 8 ", fault.offset * 8); break;
	case SLEEP: snprintf(text, sizeof(text), "prev_pid=%s prev_prio=120 prev_state=D", from); break;
	case WAKE: snprintf(text, sizeof(text), " pid=%s ", from); break;
	default: snprintf(text, sizeof(text), "next_pid=%s ", from); break;
	}
	return strstr(event->text, text);
}

/* In this order, others in between. */
static bool see(const struct event *event, void *nothing)
{
	const char *const what[] = {
		say("exception: the entry is not present", "excepción: la entrada no está presente"),
		say("a frame is found", "se encuentra un marco"), say("the disk is asked to read", "se pide la lectura al disco"),
		say("the process sleeps (D), others run", "el proceso se bloquea (D), otros se ejecutan"),
		say("the disk has read", "el disco ha leído"), say("the process is woken", "se desbloquea el proceso"),
		say("it runs again", "vuelve a ejecutarse") };

	(void)nothing;
	if (!is_step(event, fault.next))
		return true;
	printf("%u  %-*s %s", fault.next + 1, PADDED(44, what[fault.next]), event->name);
	if (fault.next == FRAME)
		printf(" %lx", fault.frame);
	if (fault.next == ISSUE)
		printf(" %s %lu = 8 x %lu", say("sector", "sector"), fault.offset * 8, fault.offset);
	putchar('\n');
	return ++fault.next < STEPS;
}

/* The disk has more to read than it can at once: who asks it for a page has to wait. */
static void keep_busy(void)
{
	int fd = open("/dev/vda", O_RDONLY | O_CLOEXEC);

	write_file("/proc/sys/vm/drop_caches", "1");
	for (int i = 1; i < 60; i++) {
		if (fd < 0 || posix_fadvise(fd, i << 20, PAGE, POSIX_FADV_WILLNEED))
			fail("/dev/vda");
	}
	close(fd);
}

void run_major(void)
{
	static const char *const events[] = { "exceptions/page_fault_user", "kmem/mm_page_alloc", "block/block_rq_issue",
					      "block/block_rq_complete", "sched/sched_switch", "sched/sched_waking" };
	struct rusage before, after;
	volatile char *page;
	uint64_t entry;
	char value;

	swap_on_disk(true);
	cgroup_make(CGROUP, 0);
	cgroup_enter(CGROUP);
	page = tamalloc_pages(1);
	*page = 42;
	/* What belongs to this process otherwise stays in memory; a page keeps its cgroup. */
	cgroup_enter("");
	swap_out(CGROUP, (char *)page, 1);
	write_file("/proc/sys/vm/page-cluster", "0");
	entry = pagemap((char *)page);
	expect(entry >> 62 == 1, "the entry is not present and tells where the page is swapped to");
	fault.page = (char *)page;
	fault.offset = (entry & ((1ULL << 55) - 1)) >> 5;
	snprintf(fault.task, sizeof(fault.task), "live-%d", getpid());
	printf("%s: %s %lu, %s %lu\n", say("in the entry of the absent page", "en la entrada de la página ausente"),
	       say("swap area", "área de intercambio"), entry & 31, say("offset", "desplazamiento"), fault.offset);

	events_clear();
	for (unsigned int i = 0; i < sizeof(events) / sizeof(*events); i++)
		event_on(events[i], NULL);
	keep_busy();
	getrusage(RUSAGE_SELF, &before);
	value = *page;
	getrusage(RUSAGE_SELF, &after);
	events_off();
	fault.frame = frame_of((char *)page);
	expect(events_each(see, NULL), "exception, frame, request, sleep, completion, wake-up and run, in this order");
	printf("8  %-44s PTE -> %s %lx, %s %d\n",
	       say("the entry is set, the access is repeated", "se actualiza la entrada, se repite el acceso"),
	       say("frame", "marco"), fault.frame, say("read", "leído"), value);
	expect(value == 42 && after.ru_majflt - before.ru_majflt == 1, "one major fault, and the value that was there");
	write_file("/proc/sys/vm/page-cluster", "3");
	swap_on_disk(false);
	cgroup_end(CGROUP);
}
