/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions that do nothing and that the tracer knows: between LAB_START and LAB_STOP it
 * writes page references. They are long nops, told by their displacement.
 */
#ifndef LAB_MARKER_H
#define LAB_MARKER_H

#define LAB_MARK_START	0x4c414201	/* here */
#define LAB_MARK_EXEC	0x4c414202	/* after the next system call: execve(2)'s new program */
#define LAB_MARK_STOP	0x4c414203

#define LAB_STRING_(x)	#x
#define LAB_STRING(x)	LAB_STRING_(x)
#define LAB_MARK(n)	".byte 0x0f, 0x1f, 0x80; .long " LAB_STRING(n) "\n"
#define LAB_START()	__asm__ volatile(LAB_MARK(LAB_MARK_START) ::: "memory")
#define LAB_STOP()	__asm__ volatile(LAB_MARK(LAB_MARK_STOP) ::: "memory")

#endif /* LAB_MARKER_H */
