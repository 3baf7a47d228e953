// SPDX-License-Identifier: GPL-2.0
/*
 * Draws a heat map by gnuplot: time to the right, addresses upwards, the colour says how
 * many pages were touched, and where they were given back; below it what is resident.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tamtrace.h"

#define COLUMNS		200
#define ROWS		160
#define LEAST_ROWS	6	/* of a band, for its label */

struct picture {
	struct layout layout;
	unsigned int (*touched)[COLUMNS], (*released)[COLUMNS];
	long change[COLUMNS];
};

static const char *terminal(const char *path)
{
	const char *suffix = strrchr(path, '.');

	if (suffix && !strcmp(suffix, ".png"))
		return "pngcairo size 1000,800";
	if (suffix && !strcmp(suffix, ".svg"))
		return "svg size 1000,800 background rgb 'white'";
	return NULL;
}

static void __attribute__((noreturn)) no_gnuplot(void)
{
	die("gnuplot could not be run; it is in Debian's package gnuplot-nox");
}

void check_picture(const char *path)
{
	if (!terminal(path))
		die("--plot %s: the name has to end in .png or .svg", path);
	if (system("command -v gnuplot >/dev/null"))
		no_gnuplot();
}

static void fill(struct picture *picture, const struct run *run)
{
	const struct layout *layout = &picture->layout;

	for (size_t i = 0; i < run->count; i++) {
		const struct event *event = &run->events[i];
		int column = event->seconds / layout->seconds * (COLUMNS - 1);

		picture->change[column] += gain(event);
		for (unsigned int j = 0; j < event->pages; j++) {
			int cell = cell_of(layout, event->address + j * layout->page);

			if (cell >= 0 && is_touch(event))
				picture->touched[cell][column]++;
			/* At its end a program gives back everything, which says nothing. */
			else if (cell >= 0 && is_release(event) && event->what != EXITED)
				picture->released[cell][column]++;
		}
	}
}

static double mb(const struct picture *picture, double pages)
{
	return pages * picture->layout.page / 1e6;
}

/* gnuplot takes what is between single quotes as it is, and a quote twice as one. */
static void quote(FILE *gnuplot, const char *text)
{
	for (; *text; text++)
		fprintf(gnuplot, *text == '\'' ? "''" : "%c", (unsigned char)*text < ' ' ? '?' : *text);
}

static void write_labels(const struct picture *picture, FILE *gnuplot)
{
	for (size_t i = 0; i < picture->layout.count; i++) {
		const struct band *band = &picture->layout.bands[i];

		if (i)
			fprintf(gnuplot, "set arrow from graph 0, first %u to graph 1, first %u nohead front "
				"linecolor rgb '#888888'\n", band->cell, band->cell);
		fprintf(gnuplot, band->ranges > 1 ? "set ytics add ('%lu small ranges, %.1f MB' %u)\n" :
						    "set ytics add ('%lx, %.1f MB' %u)\n",
			band->ranges > 1 ? band->ranges : band->start, band->bytes / 1e6, band->cell);
	}
}

static void write_cells(const struct picture *picture, unsigned int (*cells)[COLUMNS], FILE *gnuplot)
{
	for (unsigned int row = 0; row < picture->layout.cells; row++)
		for (int column = 0; column < COLUMNS; column++)
			fprintf(gnuplot, "%u%c", cells[row][column], column == COLUMNS - 1 ? '\n' : ' ');
	fputs("e\n", gnuplot);
}

static void write_curve(const struct picture *picture, FILE *gnuplot)
{
	long resident = 0;

	for (int column = 0; column < COLUMNS; column++) {
		resident += picture->change[column];
		fprintf(gnuplot, "%g %g\n", (column + 0.5) / COLUMNS * picture->layout.seconds,
			mb(picture, resident));
	}
	fputs("e\n", gnuplot);
}

static void write_script(const struct picture *picture, const struct run *run, const char *path,
			 FILE *gnuplot)
{
	const struct layout *layout = &picture->layout;
	unsigned long released = run->gone[DONTNEED] + run->gone[UNMAPPED] + run->gone[UNSEEN];

	fprintf(gnuplot, "set terminal %s noenhanced\nset multiplot\nset title '", terminal(path));
	quote(gnuplot, run->title);
	fprintf(gnuplot, ": %lu first touches, %.1f MB; at most %.1f MB resident; %.1f MB given back%s'\n",
		run->touches, mb(picture, run->pages), mb(picture, run->peak), mb(picture, released),
		released ? " (blue)" : "");
	fprintf(gnuplot, "set lmargin at screen 0.22\nset rmargin at screen 0.88\nset xrange [0:%g]\nset tics out nomirror\n"
		"set origin 0, 0.28\nset size 1, 0.72\nset format x ''\n"
		"set cblabel 'pages first touched'\nset cbrange [0:]\n"
		"set palette defined (0 '#fee8c8', 1 '#fdbb84', 2 '#e34a33', 3 '#7f0000')\n"
		"set yrange [0:%u]\nset ytics () \n", layout->seconds, layout->cells);
	write_labels(picture, gnuplot);
	fputs("plot ", gnuplot);
	if (released)
		fprintf(gnuplot, "'-' matrix using (($1 + 0.5) * %g):($3 > 0 ? $2 + 0.5 : NaN) with points "
			"pointtype 5 pointsize 0.3 linecolor rgb '#3182bd' notitle, ",
			layout->seconds / COLUMNS);
	fprintf(gnuplot, "'-' matrix using (($1 + 0.5) * %g):($2 + 0.5):($3 > 0 ? $3 : NaN) with image notitle\n",
		layout->seconds / COLUMNS);
	if (released)
		write_cells(picture, picture->released, gnuplot);
	write_cells(picture, picture->touched, gnuplot);
	fputs("unset title\nunset arrow\nset origin 0, 0\nset size 1, 0.3\nset format x\nset xlabel 'seconds'\n"
	      "set ylabel 'MB resident'\nset yrange [0:*]\nset ytics autofreq\nset grid\n"
	      "plot '-' with filledcurves y1=0 linecolor rgb '#fdbb84' notitle\n", gnuplot);
	write_curve(picture, gnuplot);
	fputs("unset multiplot\n", gnuplot);
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
static void run_gnuplot(const struct picture *picture, const struct run *run, const char *path)
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
	write_script(picture, run, path, script);
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

void plot(const struct run *run, const char *path)
{
	static struct picture picture;

	lay_out(&picture.layout, run, ROWS, LEAST_ROWS);
	picture.touched = calloc(picture.layout.cells, sizeof(*picture.touched));
	picture.released = calloc(picture.layout.cells, sizeof(*picture.released));
	if (!picture.touched || !picture.released)
		die("no memory for a picture");
	fill(&picture, run);
	run_gnuplot(&picture, run, path);
}
