// SPDX-License-Identifier: GPL-2.0
/* A table with room for a billion visitors, of whom a few come. */
#include <stdio.h>
#include <stdlib.h>
#include <tamalloc.h>
#include <unistd.h>

#define ROOM 1000000000UL

struct visitor {
	char name[56];
	long visits;
};

int main(int argc, char **argv)
{
	struct visitor *table = tamalloc(ROOM * sizeof(*table));

	if (!table)
		return perror("tamalloc"), 1;
	for (int i = 0; i < 1000; i++)
		table[random() % ROOM].visits++;
	printf("%lu MB reserved, %s\n", ROOM * sizeof(*table) >> 20,
	       tamalloc_available() ? "by the system call" : "by mmap, as this kernel has no tamalloc");
	fflush(stdout);
	/* Time to look at it. */
	return sleep(argc > 1 ? atoi(argv[1]) : 0);
}
