/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* The number of tamalloc(2), for programs built against headers without it. */
#ifndef TAMALLOC_SYSCALL_H
#define TAMALLOC_SYSCALL_H

#ifndef __NR_tamalloc
# ifdef __alpha__
#  define __NR_tamalloc 664
# else
#  define __NR_tamalloc 554
# endif
#endif

#ifndef SYS_tamalloc
# define SYS_tamalloc __NR_tamalloc
#endif

#endif /* TAMALLOC_SYSCALL_H */
