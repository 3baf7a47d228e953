// SPDX-License-Identifier: GPL-2.0
/*
 * Draws a heat map by gnuplot: time to the right, addresses upwards, the colour says how
 * many pages were touched. Where no address was touched for long, there is no axis.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tamtrace.h"

#define COLUMNS		200
#define ROWS		160
#define LONGEST_GAP	(4UL << 20)
#define MOST_LABELS	20

/* Addresses with no long gap in them; @base is where they begin on the axis. */
struct range {
	unsigned long start, end, base;
};

struct picture {
	struct range *ranges;
	size_t count;
	unsigned long page, row_bytes;
	double seconds;
	unsigned int cells[ROWS][COLUMNS];
};

static const char *terminal(const char *path)
{
	const char *suffix = strrchr(path, '.');

	if (suffix && !strcmp(suffix, ".png"))
		return "pngcairo size 1000,700";
	if (suffix && !strcmp(suffix, ".svg"))
		return "svg size 1000,700 background rgb 'white'";
	return NULL;
}

static void __attribute__((noreturn)) no_gnuplot(void)
{
	die("gnuplot could not be run; it is in Debian's package gnuplot-nox");
}

void check_picture(const char *path)
{
	char *copy = strdup(path);

	if (!terminal(path))
		die("--plot %s: the name has to end in .png or .svg", path);
	if (!copy || access(dirname(copy), W_OK))
		die("--plot %s: %s", path, strerror(errno));
	free(copy);
	if (system("command -v gnuplot >/dev/null"))
		no_gnuplot();
}

static int by_address(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void find_ranges(struct picture *picture, const struct touches *touches)
{
	struct touch *sorted = reallocarray(NULL, touches->count, sizeof(*sorted));
	struct range *range = NULL;

	picture->ranges = reallocarray(NULL, touches->count, sizeof(*range));
	if (!sorted || !picture->ranges)
		die("no memory for %zu touches", touches->count);
	memcpy(sorted, touches->touch, touches->count * sizeof(*sorted));
	qsort(sorted, touches->count, sizeof(*sorted), by_address);
	for (size_t i = 0; i < touches->count; i++) {
		unsigned long start = sorted[i].address;
		unsigned long end = start + sorted[i].pages * picture->page;

		if (!range || start > range->end + LONGEST_GAP) {
			unsigned long base = range ? range->base + range->end - range->start : 0;

			range = &picture->ranges[picture->count++];
			*range = (struct range){ start, end, base };
		} else if (end > range->end) {
			range->end = end;
		}
	}
	free(sorted);
	picture->row_bytes = (range->base + range->end - range->start + ROWS - 1) / ROWS;
}

static unsigned long place(const struct picture *picture, unsigned long address)
{
	size_t low = 0, high = picture->count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (picture->ranges[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	return picture->ranges[low].base + address - picture->ranges[low].start;
}

static void fill(struct picture *picture, const struct touches *touches)
{
	for (size_t i = 0; i < touches->count; i++) {
		const struct touch *touch = &touches->touch[i];
		int column = touch->seconds / picture->seconds * (COLUMNS - 1);

		for (unsigned int j = 0; j < touch->pages; j++) {
			unsigned long at = place(picture, touch->address + j * picture->page);

			picture->cells[at / picture->row_bytes][column]++;
		}
	}
}

static void write_script(const struct picture *picture, const char *path, FILE *gnuplot)
{
	size_t step = picture->count / MOST_LABELS + 1;

	fprintf(gnuplot, "set terminal %s\n", terminal(path));
	fprintf(gnuplot, "set title 'first touches: %zu range%s of addresses'\n", picture->count,
		picture->count == 1 ? "" : "s");
	fprintf(gnuplot, "set xlabel 'seconds'\nset cblabel 'pages'\nset cbrange [0:]\n"
		"set palette defined (0 '#fee8c8', 1 '#fdbb84', 2 '#e34a33', 3 '#7f0000')\n"
		"set xrange [0:%g]\nset yrange [0:%d]\nset tics out nomirror\nset ytics (",
		picture->seconds, ROWS);
	for (size_t i = 0; i < picture->count; i += step)
		fprintf(gnuplot, "%s'%lx' %g", i ? ", " : "", picture->ranges[i].start,
			(double)picture->ranges[i].base / picture->row_bytes);
	fprintf(gnuplot, ")\nset grid ytics\n"
		"plot '-' matrix using (($1 + 0.5) * %g):($2 + 0.5):($3 > 0 ? $3 : NaN) with image notitle\n",
		picture->seconds / COLUMNS);
	for (int row = 0; row < ROWS; row++)
		for (int column = 0; column < COLUMNS; column++)
			fprintf(gnuplot, "%u%c", picture->cells[row][column],
				column == COLUMNS - 1 ? '\n' : ' ');
	fputs("e\n", gnuplot);
}

/* By how a PNG or an SVG ends: on a full disk gnuplot's status is 0. */
static bool is_whole(int fd)
{
	char end[16];
	off_t size = lseek(fd, 0, SEEK_END);

	return size >= (off_t)sizeof(end) &&
	       pread(fd, end, sizeof(end), size - sizeof(end)) == sizeof(end) &&
	       (memmem(end, sizeof(end), "IEND", 4) || memmem(end, sizeof(end), "</svg>", 6));
}

/*
 * Its output is a file, so that no name of a file comes into its script; a whole one gets
 * the name that was asked for.
 */
static void run_gnuplot(const struct picture *picture, const char *path)
{
	int fd, fds[2], status;
	FILE *script;
	char *part;
	pid_t pid;

	if (asprintf(&part, "%s.tmp", path) < 0)
		die("%s", strerror(errno));
	unlink(part);
	fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		die("%s: %s", part, strerror(errno));
	if (pipe(fds))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		dup2(fds[0], STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execlp("gnuplot", "gnuplot", NULL);
		_exit(127);
	}
	close(fds[0]);
	/* Where there is no gnuplot, nobody reads the script. */
	signal(SIGPIPE, SIG_IGN);
	script = fdopen(fds[1], "w");
	if (!script)
		die("fdopen: %s", strerror(errno));
	write_script(picture, path, script);
	fclose(script);
	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	if (status == 127 << 8) {
		unlink(part);
		no_gnuplot();
	}
	if (status || !is_whole(fd)) {
		unlink(part);
		die("gnuplot failed; %s is as it was", path);
	}
	if (rename(part, path))
		die("%s: %s", path, strerror(errno));
	close(fd);
	free(part);
}

void plot(const struct touches *touches, const char *path)
{
	static struct picture picture;

	if (!touches->count) {
		fputs("tamtrace: there was no first touch, so there is nothing to draw\n", stderr);
		return;
	}
	picture.page = sysconf(_SC_PAGESIZE);
	picture.seconds = 1e-6;
	for (size_t i = 0; i < touches->count; i++)
		picture.seconds = fmax(picture.seconds, touches->touch[i].seconds);
	find_ranges(&picture, touches);
	fill(&picture, touches);
	run_gnuplot(&picture, path);
	free(picture.ranges);
}
