// SPDX-License-Identifier: GPL-2.0
#include "half.h"
#include "matrix.h"
#include "sigbus.h"

/*
 * The first half of the memory, so that a row which is about all of the memory does not part the
 * mapping: what came ahead would go. The touch of page 4 has 4 accessed ones beside it, and brings
 * in the rest of the 8, of which page 5 is touched: page 4, which took the fault, is soft-dirty,
 * and no batch has it and the others.
 */
#define WINDOW_SIZE	(SIZE / 2)
#define TOUCHED		(PAGES / 4 + 2)

static char *window;

char *half_touched(char *p, size_t size)
{
	if (size != SIZE || window || (uintptr_t)p % SIZE)
		return p;
	window = p;
	for (size_t i = 0; i < TOUCHED; i++)
		poke(p + i * page, 'x');
	return p;
}

bool spared(const char *p)
{
	return window && p >= window + TOUCHED * page && p < window + SIZE;
}

size_t half_resident(void)
{
	return window ? resident(window, WINDOW_SIZE) : PAGES;
}

size_t half_filled_behind(void)
{
	char *behind = window + WINDOW_SIZE;

	if (!window || !is_region(behind) || resident(behind, WINDOW_SIZE))
		return 0;
	sigbus_catch();
	return try_poke(behind, 'x') ? resident(behind, WINDOW_SIZE) : 0;
}
