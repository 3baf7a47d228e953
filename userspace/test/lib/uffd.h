/* SPDX-License-Identifier: GPL-2.0 */
/* userfaultfd(2): open one, register memory with it, write-protect that. */
#ifndef UFFD_H
#define UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each gives -1 and errno if it fails. @flags: O_CLOEXEC, O_NONBLOCK, UFFD_USER_MODE_ONLY. */
int uffd_open(int flags, uint64_t features);
/* Whether the kernel has write protection by userfaultfd; the second skips the test if not. */
bool uffd_can_protect(void);
void uffd_need_protection(void);
int uffd_register(int uffd, const void *start, size_t bytes, int mode);
int uffd_protect(int uffd, const void *start, size_t bytes, bool on);

#endif /* UFFD_H */
