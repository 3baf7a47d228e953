/* SPDX-License-Identifier: GPL-2.0 */
/* Of Linux 6.12's interface, what Debian 12's headers lack. */
#ifndef UAPI_H
#define UAPI_H

#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/userfaultfd.h>

#ifndef MADV_DONTNEED_LOCKED
# define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_COLLAPSE
# define MADV_COLLAPSE		25
#endif

#ifndef UFFD_FEATURE_WP_UNPOPULATED
# define UFFD_FEATURE_WP_UNPOPULATED	(1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
# define UFFD_FEATURE_WP_ASYNC		(1 << 15)
#endif
#ifndef UFFDIO_MOVE
# define UFFDIO_MOVE			_IOWR(UFFDIO, 0x05, struct uffdio_move)
# define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES	(1 << 1)
struct uffdio_move {
	__u64 dst, src, len, mode;
	__s64 move;
};
#endif

#ifndef PAGEMAP_SCAN
# define PAGEMAP_SCAN		_IOWR('f', 16, struct pm_scan_arg)
# define PAGE_IS_WRITTEN	(1 << 1)
# define PM_SCAN_WP_MATCHING	(1 << 0)
# define PM_SCAN_CHECK_WPASYNC	(1 << 1)
struct page_region {
	__u64 start, end, categories;
};

struct pm_scan_arg {
	__u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
	__u64 category_inverted, category_mask, category_anyof_mask, return_mask;
};
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
