// SPDX-License-Identifier: GPL-2.0
/* replay: what a reference string costs under each policy. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "replay.h"

static const char usage[] =
	"usage: replay COMMAND [OPTION]... [TRACE]\n"
	"\n"
	"TRACE is a file of userspace/lab/trace.h's format or of page numbers; without one, standard\n"
	"input. --string \"1 2 3 4 1 2 5\" is one that is typed. First loads count as faults.\n"
	"\n"
	"  faults    faults of OPT, LRU, clock and FIFO by number of frames, and of --policy's\n"
	"  anomaly   where one frame more means more faults: Belady's anomaly\n"
	"  ws        working set: faults and mean size by tau\n"
	"  pff       page fault frequency: faults and mean size by theta\n"
	"  phases    what both hold in the course of time, for one --tau\n"
	"  sizes     pages of 4 to 256 kB: pages, memory touched, faults of LRU in --memory kB\n"
	"  reduce    a trace that is shorter and the same to OPT and LRU in --frames frames or more\n"
	"  text      the references as page numbers, with --kinds as well\n"
	"  trace     the string in the trace format\n"
	"  info      references, pages, and how many are fetched, read and written\n"
	"  batch     one string a line: the faults of each policy in 1, 2 ... frames\n"
	"\n"
	"  --string S         a typed string\n"
	"  --frames N[,N]...  only these numbers of frames\n"
	"  --points N         about so many numbers of frames, spread over all (default 24)\n"
	"  --all              every number of frames\n"
	"  --tau N[,N]...     for ws, and for pff as theta\n"
	"  --memory KB        for sizes (default 3072)\n"
	"  --page KB          pages of 8, 16 ... 256 kB instead of 4\n"
	"  --only data|code   reads and writes only, or fetches only\n"
	"  --policy FILE.so   a policy of one's own; userspace/lab/policy.h\n"
	"  --policies A,B     of opt,lru,clock,fifo: only these\n"
	"  --kinds            with text: 1f, 1r or 1w for a page fetched, read or written\n";

enum { OPT, LRU, CLOCK, FIFO, POLICIES };
static const char *const names[] = { "opt", "lru", "clock", "fifo" };
static const char *const titles[] = { "OPT", "LRU", "clock", "FIFO" };

static struct {
	const char *string, *own, *only;
	unsigned long *list;	/* of --frames, --tau */
	size_t listed;
	unsigned long points, memory, page;
	bool all, kinds, with[POLICIES];
} options = { .points = 24, .memory = 3072, .page = 4, .with = { true, true, true, true } };

static unsigned long number(const char *option, const char *text, unsigned long least)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		die("%s %s: that is no number", option, text);
	if (value < least)
		die("%s %s: it has to be %lu at least", option, text, least);
	return value;
}

static void numbers(const char *option, char *text)
{
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		options.list = realloc(options.list, (options.listed + 1) * sizeof(*options.list));
		if (!options.list)
			die("there is no memory left");
		options.list[options.listed++] = number(option, word, 1);
	}
	if (!options.listed)
		die("%s needs a number", option);
}

static void choose(char *text)
{
	memset(options.with, 0, sizeof(options.with));
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		int i = 0;

		while (i < POLICIES && strcmp(word, names[i]))
			i++;
		if (i == POLICIES)
			die("--policies %s: there are opt, lru, clock and fifo", word);
		options.with[i] = true;
	}
}

static void load(struct trace *trace, const char *path)
{
	struct trace other;
	FILE *file = stdin;

	if (options.string && path)
		die("--string or a file, not both");
	if (options.string) {
		trace_parse(trace, options.string, "--string");
	} else {
		if (path && !(file = fopen(path, "re")))
			die("%s: %s", path, strerror(errno));
		trace_read(trace, file, path ? path : "standard input");
	}
	if (options.only) {
		bool code = !strcmp(options.only, "code");

		if (!code && strcmp(options.only, "data"))
			die("--only %s: it is data or code", options.only);
		trace_select(trace, code, &other);
		trace_free(trace);
		*trace = other;
		if (!trace->length)
			die("the trace has no %s", code ? "fetches" : "reads or writes");
	}
	if (options.page != 4) {
		if (options.page < 4 || options.page > 256 || options.page & (options.page - 1))
			die("--page %lu: it is 4, 8, 16, 32, 64, 128 or 256", options.page);
		trace_coarsen(trace, __builtin_ctzl(options.page / 4), &other);
		trace_free(trace);
		*trace = other;
	}
}

/* The numbers of frames asked for; by default a geometric and an even series, merged. */
static unsigned int *frame_counts(const struct trace *trace, size_t *count)
{
	unsigned int *frames = allocate(trace->count + options.listed + 1, sizeof(*frames));
	size_t n = 0;

	for (size_t i = 0; i < options.listed; i++) {
		if (options.list[i] > trace->count)
			die("--frames %lu: the string has %u pages, and none is evicted from that many frames",
			    options.list[i], trace->count);
		if (options.list[i] < trace->reduced)
			die("--frames %lu: the trace is reduced, and right from %u frames on",
			    options.list[i], trace->reduced);
		frames[n++] = options.list[i];
	}
	for (unsigned int i = trace->reduced ? trace->reduced : 1; !options.listed && i <= trace->count; ) {
		unsigned int step = trace->count / options.points;

		frames[n++] = i;
		if (i == trace->count)
			break;
		i += options.all || step < 2 ? 1 : i < step ? (i + 3) / 4 : step;
		if (i > trace->count)
			i = trace->count;
	}
	*count = n;
	return frames;
}

struct curves { uint64_t *faults[POLICIES]; };	/* each in the order of the frame counts */

static struct curves all_curves(const struct trace *trace, const unsigned int *frames, size_t count)
{
	void (*const stack[])(const struct trace *, uint64_t *) = { opt_faults, lru_faults };
	void (*const bits[])(const struct trace *, const unsigned int *, size_t, uint64_t *) = {
		[CLOCK] = clock_faults, [FIFO] = fifo_faults };
	struct curves curves = { 0 };

	for (int i = 0; i < POLICIES; i++) {
		if (!options.with[i])
			continue;
		curves.faults[i] = allocate(count, sizeof(uint64_t));
		if (i == OPT || i == LRU) {
			uint64_t *every = allocate(trace->count + 1, sizeof(*every));

			stack[i](trace, every);
			for (size_t n = 0; n < count; n++)
				curves.faults[i][n] = every[frames[n]];
			free(every);
		} else {
			bits[i](trace, frames, count, curves.faults[i]);
		}
	}
	return curves;
}

static void only_full(const struct trace *trace, const char *what)
{
	if (trace->reduced)
		die("%s: the trace is reduced, which is exact for OPT and LRU only; take the full one", what);
}

static void faults(const struct trace *trace)
{
	const struct lab_policy *own = options.own ? own_load(options.own) : NULL;
	struct curves curves;
	unsigned int *frames;
	size_t count;

	if (options.with[CLOCK] || options.with[FIFO] || own)
		only_full(trace, "clock, FIFO and policies of one's own");
	frames = frame_counts(trace, &count);
	curves = all_curves(trace, frames, count);
	printf("%8s", "frames");
	for (int i = 0; i < POLICIES; i++) {
		if (options.with[i])
			printf(" %11s", titles[i]);
	}
	if (own)
		printf(" %11s", own->name);
	putchar('\n');
	for (size_t n = 0; n < count; n++) {
		printf("%8u", frames[n]);
		for (int i = 0; i < POLICIES; i++) {
			if (options.with[i])
				printf(" %11llu", (unsigned long long)curves.faults[i][n]);
		}
		if (own)
			printf(" %11llu", (unsigned long long)own_faults(own, trace, frames[n]));
		putchar('\n');
	}
}

static void anomaly(const struct trace *trace)
{
	static const int suspects[] = { FIFO, CLOCK };
	struct curves curves;
	unsigned int *frames;
	size_t count;
	bool any = false;

	only_full(trace, "anomaly");
	options.all = true;
	options.listed = 0;
	frames = frame_counts(trace, &count);
	options.with[OPT] = options.with[LRU] = false;
	curves = all_curves(trace, frames, count);
	for (int i = 0; i < 2; i++) {
		const uint64_t *of = curves.faults[suspects[i]];

		for (size_t n = 1; of && n < count; n++) {
			if (of[n] <= of[n - 1])
				continue;
			if (!any)
				printf("%8s %8s %8s %11s %11s\n", "policy", "frames", "more", "faults", "more");
			any = true;
			printf("%8s %8u %8u %11llu %11llu\n", titles[suspects[i]], frames[n - 1], frames[n],
			       (unsigned long long)of[n - 1], (unsigned long long)of[n]);
		}
	}
	if (!any)
		puts("none: no frame more means more faults here");
}

/* Two parameters in each factor of two, up to the length of the string. */
static struct varying *parameters(const struct trace *trace, size_t *count)
{
	struct varying *points = allocate(options.listed + 128, sizeof(*points));
	size_t n = 0;

	for (size_t i = 0; i < options.listed; i++)
		points[n++].parameter = options.list[i];
	for (uint64_t i = 1; !options.listed && i <= trace->length; i *= 2) {
		points[n++].parameter = i;
		if (i > 1 && i + i / 2 <= trace->length)
			points[n++].parameter = i + i / 2;
	}
	*count = n;
	return points;
}

static void print_varying(const char *name, const struct varying *points, size_t count)
{
	printf("%12s %11s %11s\n", name, "mean pages", "faults");
	for (size_t i = 0; i < count; i++)
		printf("%12llu %11.1f %11llu\n", (unsigned long long)points[i].parameter, points[i].mean,
		       (unsigned long long)points[i].faults);
}

static void ws(const struct trace *trace)
{
	struct intervals *intervals;
	struct varying *points;
	size_t count;

	only_full(trace, "ws");
	points = parameters(trace, &count);
	intervals = intervals_of(trace);
	for (size_t i = 0; i < count; i++)
		working_set(intervals, &points[i]);
	print_varying("tau", points, count);
	intervals_free(intervals);
}

static void frequency(const struct trace *trace)
{
	struct varying *points;
	size_t count;

	only_full(trace, "pff");
	points = parameters(trace, &count);
	pff(trace, points, count);
	print_varying("theta", points, count);
}

static void course(const struct trace *trace)
{
	only_full(trace, "phases");
	if (options.listed != 1)
		die("phases needs one --tau N");
	phases(trace, options.list[0], options.points);
}

static void sizes(const struct trace *trace)
{
	only_full(trace, "sizes");
	if (options.memory < 256)
		die("--memory %lu: one page of 256 kB has to fit", options.memory);
	printf("%8s %8s %12s %8s %11s\n", "page kB", "pages", "touched kB", "frames", "LRU faults");
	for (unsigned int shift = 0; shift <= 6; shift++) {
		unsigned long kb = 4UL << shift, frames = options.memory / kb;
		struct trace coarse;
		uint64_t *every;

		trace_coarsen(trace, shift, &coarse);
		every = allocate(coarse.count + 1, sizeof(*every));
		lru_faults(&coarse, every);
		printf("%8lu %8u %12lu %8lu %11llu\n", kb, coarse.count, coarse.count * kb, frames,
		       (unsigned long long)every[frames < coarse.count ? frames : coarse.count]);
		free(every);
		trace_free(&coarse);
	}
}

static void shorten(const struct trace *trace)
{
	struct trace shorter;

	if (options.listed != 1)
		die("reduce needs --frames N: the smallest memory that the result is meant for");
	reduce(trace, options.list[0], &shorter);
	trace_write(&shorter, stdout);
}

static void text(const struct trace *trace)
{
	for (size_t t = 0; t < trace->length; t++) {
		printf("%s%llu", t ? " " : "", (unsigned long long)trace->pages[page_of(trace->refs[t])]);
		if (options.kinds)
			putchar("frw"[trace->refs[t] & 3]);
	}
	putchar('\n');
}

static void binary(const struct trace *trace)
{
	trace_write(trace, stdout);
}

static void info(const struct trace *trace)
{
	unsigned char *kinds = allocate(trace->count, 1);
	uint64_t refs[3] = { 0 }, pages[3] = { 0 };

	for (size_t t = 0; t < trace->length; t++) {
		refs[trace->refs[t] & 3]++;
		kinds[page_of(trace->refs[t])] |= 1 << (trace->refs[t] & 3);
	}
	for (uint32_t i = 0; i < trace->count; i++) {
		for (int kind = FETCH; kind <= WRITE; kind++)
			pages[kind] += kinds[i] >> kind & 1;
	}
	printf("references %zu\npages %u\n", trace->length, trace->count);
	for (int kind = FETCH; kind <= WRITE; kind++)
		printf("%s %llu references, %llu pages\n", (const char *[]){ "fetched", "read", "written" }[kind],
		       (unsigned long long)refs[kind], (unsigned long long)pages[kind]);
	if (trace->reduced)
		printf("reduced for %u frames and more\n", trace->reduced);
}

/* POLICY and its faults in 1, 2 ... frames; one line for each policy. */
static void batch(void)
{
	char *line = NULL;
	size_t room = 0;

	options.all = true;
	while (getline(&line, &room, stdin) > 0) {
		struct trace trace;
		struct curves curves;
		unsigned int *frames;
		size_t count;

		trace_parse(&trace, line, "standard input");
		frames = frame_counts(&trace, &count);
		curves = all_curves(&trace, frames, count);
		for (int i = 0; i < POLICIES; i++) {
			if (!options.with[i])
				continue;
			printf("%s", names[i]);
			for (size_t n = 0; n < count; n++)
				printf(" %llu", (unsigned long long)curves.faults[i][n]);
			putchar('\n');
			free(curves.faults[i]);
		}
		free(frames);
		trace_free(&trace);
	}
	free(line);
}

static const struct command {
	const char *name;
	void (*run)(const struct trace *trace);
} commands[] = {
	{ "faults", faults }, { "anomaly", anomaly }, { "ws", ws }, { "pff", frequency },
	{ "phases", course }, { "sizes", sizes }, { "reduce", shorten }, { "text", text }, { "trace", binary },
	{ "info", info },
};

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "string", required_argument, 0, 's' }, { "frames", required_argument, 0, 'f' },
		{ "points", required_argument, 0, 'n' }, { "all", no_argument, 0, 'a' },
		{ "tau", required_argument, 0, 't' }, { "memory", required_argument, 0, 'm' },
		{ "page", required_argument, 0, 'p' }, { "only", required_argument, 0, 'o' },
		{ "policy", required_argument, 0, 'P' }, { "policies", required_argument, 0, 'w' },
		{ "kinds", no_argument, 0, 'k' }, { "help", no_argument, 0, 'h' }, { 0 } };
	struct trace trace;
	int option;

	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (option) {
		case 's': options.string = optarg; break;
		case 'f': numbers("--frames", optarg); break;
		case 't': numbers("--tau", optarg); break;
		case 'n': options.points = number("--points", optarg, 1); break;
		case 'a': options.all = true; break;
		case 'm': options.memory = number("--memory", optarg, 1); break;
		case 'p': options.page = number("--page", optarg, 1); break;
		case 'o': options.only = optarg; break;
		case 'P': options.own = optarg; break;
		case 'w': choose(optarg); break;
		case 'k': options.kinds = true; break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 125;
		}
	}
	if (optind == argc || argc - optind > 2) {
		fputs(usage, stderr);
		return 125;
	}
	if (!strcmp(argv[optind], "batch")) {
		batch();
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[optind], commands[i].name))
			continue;
		load(&trace, argv[optind + 1]);
		commands[i].run(&trace);
		if (fflush(stdout) || ferror(stdout))
			die("the result cannot be written: %m");
		return 0;
	}
	die("what is %s? see --help", argv[optind]);
}
