// SPDX-License-Identifier: GPL-2.0
/*
 * exercises fit|segments en|es: what no machine does any more, worked out. The holes and the
 * segment table are those of Silberschatz, Galvin and Gagne's exercises.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool spanish;

static const char *say(const char *in_english, const char *in_spanish)
{
	return spanish ? in_spanish : in_english;
}

enum fit { FIRST, BEST, WORST };

/* The hole to take for @size, or -1: the process has to wait. */
static int choose(const int *holes, int count, int size, enum fit fit)
{
	int chosen = -1;

	for (int i = 0; i < count; i++) {
		if (holes[i] < size)
			continue;
		if (chosen < 0 || (fit == BEST && holes[i] < holes[chosen]) || (fit == WORST && holes[i] > holes[chosen]))
			chosen = i;
	}
	return chosen;
}

static void run_fit(void)
{
	static const int sizes[] = { 212, 417, 112, 426 };
	const char *const names[] = { say("first fit", "primer ajuste"), say("best fit", "mejor ajuste"),
				      say("worst fit", "peor ajuste") };

	printf("%s: 100, 500, 200, 300, 600 kB\n", say("holes", "huecos"));
	for (enum fit fit = FIRST; fit <= WORST; fit++) {
		int holes[] = { 100, 500, 200, 300, 600 };

		printf("%-14s", names[fit]);
		for (int i = 0; i < 4; i++) {
			int at = choose(holes, 5, sizes[i], fit);

			printf("  %d ", sizes[i]);
			if (at < 0) {
				fputs(say("waits", "espera"), stdout);
			} else {
				printf("-> %d", holes[at]);
				holes[at] -= sizes[i];
			}
		}
		printf("   %s:", say("left", "quedan"));
		for (int i = 0; i < 5; i++)
			printf(" %d", holes[i]);
		putchar('\n');
	}
}

/* <s,d> is legal if s is below the length of the table (STLR) and d below the segment's. */
static void run_segments(void)
{
	static const struct { unsigned int base, length; } table[] = {
		{ 219, 600 }, { 2300, 14 }, { 90, 100 }, { 1327, 580 }, { 1952, 96 } };
	static const unsigned int addresses[][2] = { { 0, 430 }, { 1, 10 }, { 2, 500 }, { 3, 400 }, { 4, 112 }, { 5, 0 } };
	/* Segment 3 again, in pages of 256 bytes that lie in these frames. */
	static const unsigned int frames[] = { 7, 2, 9 };
	const unsigned int stlr = sizeof(table) / sizeof(*table), page = 256;

	for (unsigned int s = 0; s < stlr; s++)
		printf("%s %u: base %4u, %s %3u\n", say("segment", "segmento"), s, table[s].base,
		       say("length", "tamaño"), table[s].length);
	for (unsigned int i = 0; i < 6; i++) {
		unsigned int s = addresses[i][0], d = addresses[i][1];

		printf("<%u,%u> ", s, d);
		if (s >= stlr)
			printf("%s: s >= STLR = %u\n", say("exception", "excepción"), stlr);
		else if (d >= table[s].length)
			printf("%s: %u >= %u\n", say("exception", "excepción"), d, table[s].length);
		else
			printf("-> %u + %u = %u\n", table[s].base, d, table[s].base + d);
	}
	printf("%s: <3,400> -> %s 400 / 256 = %u, d = %u -> %s %u -> %u\n",
	       say("segment 3 in pages of 256 bytes", "segmento 3 en páginas de 256 bytes"), say("page", "página"),
	       400 / page, 400 % page, say("frame", "marco"), frames[400 / page], frames[400 / page] * page + 400 % page);
}

int main(int argc, char **argv)
{
	spanish = argc == 3 && !strcmp(argv[2], "es");
	if (argc == 3 && !strcmp(argv[1], "fit"))
		return run_fit(), 0;
	if (argc == 3 && !strcmp(argv[1], "segments"))
		return run_segments(), 0;
	fputs("usage: exercises fit|segments en|es\n", stderr);
	return 125;
}
