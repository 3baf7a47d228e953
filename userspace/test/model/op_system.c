// SPDX-License-Identifier: GPL-2.0
/* What the system does to pages: NUMA nodes, soft-dirty, pins, splits, reclaim. */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>

#include "op.h"
#include "pin.h"
#include "settings.h"
#include "weather.h"

static bool two_nodes(void)
{
	return !access("/sys/devices/system/node/node1", F_OK);
}

void bind_node(struct world *w, const struct step *s)
{
	unsigned long mask = 1UL << (s->value & 1);
	unsigned int n = mapped_run(w, s);

	if (!two_nodes() || !n)
		return;
	expect(w, "mbind", syscall(SYS_mbind, address(w, s->page), n * PAGE, MPOL_BIND,
				   &mask, 64, MPOL_MF_MOVE), 0);
}

void migrate(struct world *w, const struct step *s)
{
	unsigned int n = least(mapped_run(w, s), 8);
	int node[8], status[8];
	void *pages[8];
	long left;

	if (!two_nodes() || !n)
		return;
	for (unsigned int i = 0; i < n; i++) {
		pages[i] = address(w, s->page + i);
		node[i] = s->value >> i & 1;
	}
	left = syscall(SYS_move_pages, 0, n, pages, node, status, MPOL_MF_MOVE);
	if (left < 0)
		fail(w, "move_pages gives %s", strerrorname_np(errno));
	/* If some could not be moved, the status of others may be missing. */
	if (left)
		return;
	for (unsigned int i = 0; i < n; i++) {
		const struct page_model *page = &w->page[s->page + i];

		if (surely_empty(page) && status[i] != -ENOENT)
			fail(w, "move_pages: page %u has status %d, not ENOENT",
			     s->page + i, status[i]);
	}
}

void clear_soft_dirty(struct world *, const struct step *)
{
	write_file("/proc/self/clear_refs", "4");
}

/* For io_uring, until the next one: a pin writes, as far as anyone can tell. */
void pin_buffer(struct world *w, const struct step *s)
{
	unsigned int n = 0;
	int ring;

	while (n < s->n && n < 8 && w->page[s->page + n].kind && w->page[s->page + n].prot == RW)
		n++;
	if (!n)
		return;
	ring = pin(address(w, s->page), n * PAGE);
	if (ring < 0)
		fail(w, "to pin %u pages gives %s", n, strerrorname_np(errno));
	for (unsigned int i = s->page; i < s->page + n; i++)
		model_touch(w, i, true, 0, NULL, 0);
	if (w->ring >= 0)
		close(w->ring);
	w->ring = ring;
}

/* Which it can or cannot; neither adds a page. */
void split_folios(struct world *w, const struct step *s)
{
	int fd = open("/sys/kernel/debug/split_huge_pages", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, "%d,%p,%p", getpid(), address(w, s->page), address(w, s->page + s->n));
	close(fd);
}

void weather(struct world *, const struct step *s)
{
	weather_change(s->value);
}
