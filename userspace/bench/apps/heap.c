// SPDX-License-Identifier: GPL-2.0
/*
 * A tree of texts of many sizes: build, walk, free most of it, build again. It is compiled
 * with AddressSanitizer, whose shadow of the address space is terabytes of sparse memory.
 */
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES 60000

struct item {
	uint32_t key, length;
	char text[];
};

static uint64_t sum;

static void at(const char *moment)
{
	char command[64];

	snprintf(command, sizeof(command), "/run.sh at %s heap", moment);
	if (system(command))
		exit(1);
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static void add(void **tree, uint32_t n)
{
	uint32_t length = 16 + n * 7919 % 700;
	struct item *item = malloc(sizeof(*item) + length);

	if (!item)
		exit(1);
	/* Odd, so no two are the same. */
	item->key = n * 0x9E3779B1u;
	item->length = length;
	memset(item->text, n, length);
	if (*(struct item **)tsearch(item, tree, compare) != item)
		exit(1);
}

static void count(const void *node, VISIT visit, int depth)
{
	const struct item *item = *(struct item *const *)node;

	(void)depth;
	if (visit != postorder && visit != leaf)
		return;
	for (uint32_t i = 0; i < item->length; i++)
		sum = sum * 31 + item->text[i];
}

static void drop(void **tree, uint32_t n)
{
	struct item key = { .key = n * 0x9E3779B1u }, **found = tfind(&key, tree, compare);
	struct item *item = found ? *found : NULL;

	if (!item || !tdelete(&key, tree, compare))
		exit(1);
	free(item);
}

int main(void)
{
	void *tree = NULL;

	at("start");
	for (uint32_t n = 0; n < ENTRIES; n++)
		add(&tree, n);
	twalk(tree, count);
	printf("%016llx\n", (unsigned long long)sum);
	at("load");
	for (uint32_t n = 0; n < ENTRIES; n++)
		if (n % 16)
			drop(&tree, n);
	sleep(15);
	at("idle");
	for (uint32_t n = ENTRIES; n < ENTRIES + ENTRIES / 4; n++)
		add(&tree, n);
	twalk(tree, count);
	printf("%016llx\n", (unsigned long long)sum);
	for (uint32_t n = 0; n < ENTRIES + ENTRIES / 4; n++)
		if (n % 16 == 0 || n >= ENTRIES)
			drop(&tree, n);
	return tree != NULL;
}
