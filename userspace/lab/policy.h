/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A replacement policy of your own: one C file that defines lab_policy, for
 *
 *	make lab T=faults POLICY=mine.c
 *
 * The replay calls start() for each number of frames. Pages and frames are counted from 0. It
 * fills the frames in order, and asks for a victim once all of them hold a page. Allocate what
 * you need in start() and free it in end(). userspace/lab/examples/ has policies to begin with.
 */
#ifndef LAB_POLICY_H
#define LAB_POLICY_H

struct lab_policy {
	const char *name;
	/* What it returns is passed to the others as @self. */
	void *(*start)(unsigned int frames, unsigned int pages);
	/* @page, in @frame, is accessed; @write: it is written. May be NULL. */
	void (*hit)(void *self, unsigned int frame, unsigned int page, int write);
	/* All frames are full: the frame to take for @page. */
	unsigned int (*victim)(void *self, unsigned int page);
	/* @page has been loaded into @frame, by an access that writes it or not. May be NULL. */
	void (*loaded)(void *self, unsigned int frame, unsigned int page, int write);
	void (*end)(void *self);	/* may be NULL */
};

extern const struct lab_policy lab_policy;

#endif /* LAB_POLICY_H */
