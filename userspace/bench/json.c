// SPDX-License-Identifier: GPL-2.0
/* The figures as JSON, one a line. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static void json_begin(FILE *out, const char *unit)
{
	struct utsname name;

	uname(&name);
	fprintf(out, "{\n\"kernel\": \"%s\", \"machine\": \"%s\", \"cpus\": %ld, \"unit\": \"%s\",\n",
		name.release, name.machine, sysconf(_SC_NPROCESSORS_ONLN), unit);
}

static void json_verdicts(FILE *out, const struct verdict *v, int count)
{
	static const char *const words[] = { "met", "missed", "unknown" };

	fprintf(out, "\"verdicts\": [");
	for (int i = 0; i < count; i++)
		fprintf(out, "%s\n{\"what\": \"%s\", \"got\": %.4f, \"target\": \"%s\", \"is\": \"%s\"}",
			i ? "," : "", v[i].what, v[i].got, v[i].target, words[v[i].is]);
	fprintf(out, "\n]\n}\n");
}

static void json_figure(FILE *out, const struct bench_case *c, const struct kind *kind,
			const struct figures *f)
{
	fprintf(out, "{\"case\": \"%s\", \"kind\": \"%s\", ", c->id, kind->id);
	if (c->density)
		fprintf(out, "\"density\": %.6g, ", c->density);
	fprintf(out, "\"%s\": %zu, \"cost\": %.1f, \"spread\": %.4f, \"runs\": %d",
		c->untouched ? "calls" : "touched", f->touched, f->cost, f->spread, f->runs);
	if (!c->untouched)
		fprintf(out, ", \"faults\": %.5f, \"resident\": %.4f, \"release\": %.1f",
			f->faults, f->resident, f->release);
	if (f->huge)
		fprintf(out, ", \"huge\": %.4f", f->huge);
	fprintf(out, "}");
}

void json_figures(FILE *out, const struct verdict *v, int count, bool exact)
{
	bool first = true;

	json_begin(out, exact ? "guest instructions" : "ns");
	fprintf(out, "\"figures\": [");
	for (int c = 0; c < case_count; c++)
		for (int k = 0; k < KINDS; k++) {
			if (!figures[c][k].valid)
				continue;
			fprintf(out, "%s\n", first ? "" : ",");
			json_figure(out, &cases[c], &kinds[k], &figures[c][k]);
			first = false;
		}
	fprintf(out, "\n],\n");
	json_verdicts(out, v, count);
}

void json_threads(FILE *out, const struct scaling *s, int steps, const struct verdict *v, int count)
{
	json_begin(out, "ns");
	fprintf(out, "\"threads\": [");
	for (int k = 0; k < SCALED_KINDS; k++)
		for (int step = 0; step < steps; step++)
			fprintf(out, "%s\n{\"kind\": \"%s\", \"threads\": %d, \"ns\": %.1f, "
				"\"spread\": %.4f, \"scaling\": %.4f, \"scaling_spread\": %.4f}",
				k || step ? "," : "", s[k].kind->id, 1 << step,
				s[k].ns[step] / (32 * MIB / page), s[k].spread[step],
				s[k].ratio[step], s[k].ratio_spread[step]);
	fprintf(out, "\n],\n");
	json_verdicts(out, v, count);
}
