/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libtamalloc: memory that takes no page until it is touched, for C and C++.
 *
 * On a kernel without the tamalloc system call the memory comes from mmap(2), as near
 * to it as that kernel can: see tamalloc(3). Sizes are in bytes. All functions are
 * thread-safe, and a child of fork(2) may use them and the memory.
 */
#ifndef TAMALLOC_H
#define TAMALLOC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reserves @size bytes, rounded up to whole pages; 0 counts as 1. Returns the first,
 * aligned to a page; all of them read as zero. NULL with errno ENOMEM on failure.
 */
void *tamalloc(size_t size);

/*
 * Gives back @size bytes at @addr: all that tamalloc() reserved, or some pages of it.
 * A null @addr is no error. Returns 0, or -1 with errno EINVAL when @addr does not
 * begin a page, or ENOMEM when the process has too many mappings for a hole.
 */
int tamalloc_release(void *addr, size_t size);

/*
 * Makes a region of @old_size bytes at @addr one of @new_size bytes (0 counts as 1),
 * perhaps elsewhere; what it gains reads as zero. No page is copied. A null @addr
 * makes it tamalloc(@new_size). Returns the first byte, or NULL with errno ENOMEM, or
 * EFAULT or EINVAL when there is no such region; the old region is then as it was.
 */
void *tamalloc_resize(void *addr, size_t old_size, size_t new_size);

/*
 * Turns adaptive first touch on (@on not 0) or off for @size bytes at @addr, whole
 * pages. Without the system call, on means transparent huge pages: fewer faults, and
 * no bound on what is resident. Returns 0, or -1 with errno EINVAL when @addr does not
 * begin a page or the kernel has no huge pages, or ENOMEM when part is not mapped.
 */
int tamalloc_adaptive(void *addr, size_t size, int on);

/*
 * Makes @size bytes at @addr resident, whole pages of private anonymous memory, so that no
 * first touch there can fail. From then on a fault there for which there is no memory, as
 * one that brings a page back from swap, gives SIGBUS and kills nothing: MADV_OOM_SIGBUS in
 * tamalloc(2). Returns 0, or -1 with errno ENOMEM when there is no memory, or part is not
 * mapped, or EINVAL when @addr does not begin a page, this is other memory or cannot be
 * written, or the kernel has no MADV_OOM_SIGBUS; rarely EFAULT or EHWPOISON, when it cannot be
 * read from swap or a page is broken. After an error part of it may be resident, which
 * tamalloc_release() or MADV_DONTNEED gives back, and the range has the advice all the same.
 * A part that was committed is a mapping of its own to tamalloc_resize().
 */
int tamalloc_commit(void *addr, size_t size);

/*
 * 1 when the kernel has the system call, 0 when mmap(2) stands in for it: also once a
 * seccomp filter has refused the call, with whatever error. Sets no errno.
 */
int tamalloc_available(void);

#ifdef __cplusplus
}
#endif

#endif /* TAMALLOC_H */
