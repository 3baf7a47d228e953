/* SPDX-License-Identifier: GPL-2.0 */
/* What Linux 6.12 and 7.3 have and the headers of Debian 12 do not, defined nowhere else. */
#ifndef UAPI_H
#define UAPI_H

#include <linux/types.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef MADV_COLLAPSE
# define MADV_COLLAPSE		25
#endif
#ifndef MADV_SOFT_OFFLINE
# define MADV_SOFT_OFFLINE	101
#endif
#ifndef MADV_GUARD_INSTALL
# define MADV_GUARD_INSTALL	102
# define MADV_GUARD_REMOVE	103
#endif
#ifndef PR_SET_MDWE
# define PR_SET_MDWE		65
# define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_SET_MEMORY_MERGE
# define PR_SET_MEMORY_MERGE	67
#endif
#ifndef SYS_mseal
# define SYS_mseal		462
#endif

#ifndef UFFD_FEATURE_WP_UNPOPULATED
# define UFFD_FEATURE_WP_UNPOPULATED	(1 << 13)
#endif
#ifndef UFFD_FEATURE_POISON
# define UFFD_FEATURE_POISON		(1 << 14)
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};
# define UFFDIO_POISON		_IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
# define UFFD_FEATURE_WP_ASYNC		(1 << 15)
#endif
#ifndef UFFD_FEATURE_MOVE
# define UFFD_FEATURE_MOVE		(1 << 16)
struct uffdio_move {
	__u64 dst, src, len, mode;
	__s64 move;
};
# define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES (1 << 1)
# define UFFDIO_MOVE		_IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif
#ifndef UFFD_FEATURE_RWP
# define UFFD_FEATURE_RWP		(1 << 17)
# define UFFDIO_REGISTER_MODE_RWP	(1 << 3)
struct uffdio_rwprotect {
	struct uffdio_range range;
	__u64 mode;
};
# define UFFDIO_RWPROTECT_MODE_RWP	(1 << 0)
# define UFFDIO_RWPROTECT	_IOWR(UFFDIO, 0x09, struct uffdio_rwprotect)
#endif

#ifndef PAGEMAP_SCAN
struct page_region {
	__u64 start, end, categories;
};
struct pm_scan_arg {
	__u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
	__u64 category_inverted, category_mask, category_anyof_mask, return_mask;
};
# define PAGEMAP_SCAN		_IOWR('f', 16, struct pm_scan_arg)
# define PAGE_IS_WPALLOWED	(1 << 0)
# define PAGE_IS_WRITTEN	(1 << 1)
# define PAGE_IS_FILE		(1 << 2)
# define PAGE_IS_PRESENT	(1 << 3)
# define PAGE_IS_SWAPPED	(1 << 4)
# define PAGE_IS_PFNZERO	(1 << 5)
# define PAGE_IS_HUGE		(1 << 6)
# define PAGE_IS_SOFT_DIRTY	(1 << 7)
# define PM_SCAN_WP_MATCHING	(1 << 0)
# define PM_SCAN_CHECK_WPASYNC	(1 << 1)
#endif

#ifndef PROCMAP_QUERY
# define PROCMAP_QUERY		_IOWR('f', 17, struct procmap_query)
# define PROCMAP_QUERY_VMA_READABLE		0x01
# define PROCMAP_QUERY_VMA_WRITABLE		0x02
# define PROCMAP_QUERY_COVERING_OR_NEXT_VMA	0x10
struct procmap_query {
	__u64 size, query_flags, query_addr;
	__u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	__u32 dev_major, dev_minor, vma_name_size, build_id_size;
	__u64 vma_name_addr, build_id_addr;
};
#endif

#endif /* UAPI_H */
