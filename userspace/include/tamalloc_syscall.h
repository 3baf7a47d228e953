/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers of the tamalloc system call and of PR_SET_TAMALLOC, which makes all that
 * a process maps such memory, for C libraries that do not know them:
 *
 *	unsigned long addr;
 *	long ret = syscall(__NR_tamalloc, size, &addr);
 *
 * reserves size bytes and stores their start in addr. ret is 0, or -1 with errno
 * EINVAL (size is 0), ENOMEM, EACCES (READ_IMPLIES_EXEC refused), EAGAIN
 * (RLIMIT_MEMLOCK), EFAULT (addr) or ENOSYS (a kernel without it). See
 * docs/man/tamalloc.2.
 *
 *	prctl(PR_SET_TAMALLOC, PR_TAMALLOC_STRICT, 0, 0, 0);
 */
#ifndef TAMALLOC_SYSCALL_H
#define TAMALLOC_SYSCALL_H

#include <sys/syscall.h>

#ifndef __NR_tamalloc
# if defined(__alpha__)
#  define __NR_tamalloc 664
# elif defined(__x86_64__) && defined(__ILP32__)
#  define __NR_tamalloc (0x40000000 + 554)	/* x32 */
# elif defined(__mips__)
#  define __NR_tamalloc (__NR_Linux + 554)
# else
#  define __NR_tamalloc 554
# endif
#endif

#ifndef SYS_tamalloc
# define SYS_tamalloc __NR_tamalloc
#endif

#ifndef PR_SET_TAMALLOC
# define PR_SET_TAMALLOC	0x54414d01
# define PR_TAMALLOC_OFF	0
# define PR_TAMALLOC_STRICT	1
# define PR_TAMALLOC_ADAPTIVE	2
# define PR_GET_TAMALLOC	0x54414d02
#endif

#endif /* TAMALLOC_SYSCALL_H */
