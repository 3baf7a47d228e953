// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include "pages.h"
#include "settings.h"

size_t page, huge;

__attribute__((constructor)) static void find_page_sizes(void)
{
	long pmd = number(THP "hpage_pmd_size");

	page = sysconf(_SC_PAGESIZE);
	huge = pmd > 0 ? (size_t)pmd : 512 * page;
}
