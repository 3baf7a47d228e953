# SPDX-License-Identifier: GPL-2.0
# Says, from the lines of run.sh, who gains and who loses by tamalloc memory, and which goals
# adaptive memory meets. A run that failed, or computed something else, judges nothing.

function right(app, memory) {
	return (app, memory, "result") in value && value[app, memory, "result"] == result[app]
}

# One figure next to that of another memory: less is a gain.
function beside(app, memory, other, key,    ratio) {
	if (!right(app, memory) || !right(app, other) || !value[app, other, key])
		return "-  "
	ratio = value[app, memory, key] / value[app, other, key]
	return sprintf("%.3f%s", ratio, ratio < 0.98 ? " +" : ratio > 1.02 ? " -" : "  ")
}

function goal(app, what, got, target, met) {
	return sprintf("%-7s adaptive, %s, %s: %s (target <= %s)\n", met ? "met" : "missed", app, what, got,
		       target)
}

# The fewest or the most of several runs; there may be one only.
function at(app, memory, end) {
	return (app, memory, "cpu_us_" end) in value ? value[app, memory, "cpu_us_" end] : value[app, memory, "cpu_us"]
}

# The most instructions that a memory can have taken relative to another, or the fewest.
function extreme(app, memory, other, most) {
	return at(app, memory, most ? "max" : "min") / at(app, other, most ? "min" : "max")
}

function goals(app,    text, plain, thp, adaptive, limit, ratio, best) {
	if (!right(app, "plain") || !right(app, "thp") || !right(app, "adaptive"))
		return ""
	plain = value[app, "plain", "peak"]
	thp = value[app, "thp", "peak"]
	adaptive = value[app, "adaptive", "peak"]
	if ((app, "plain", "zero") in value) {
		limit = int(1.05 * plain + 2048 + value[app, "plain", "zero"])
		text = goal(app, "peak in kB", adaptive, limit, adaptive <= limit)
	} else
		text = sprintf("unknown adaptive, %s, peak: not measured what plain had of the zero page\n", app)
	if (thp >= 0.95 * plain && thp <= 1.05 * plain) {
		ratio = value[app, "adaptive", "faults"] / value[app, "thp", "faults"]
		text = text goal(app, "faults relative to thp's", sprintf("%.3f", ratio), "1.500", ratio <= 1.5)
	}
	best = value[app, "plain", "cpu_us"] <= value[app, "thp", "cpu_us"] ? "plain" : "thp"
	ratio = value[app, "adaptive", "cpu_us"] / value[app, best, "cpu_us"]
	text = text goal(app, "instructions relative to " best "'s", sprintf("%.3f", ratio), "1.020", ratio <= 1.02)
	# Several runs, too far apart to say.
	if (extreme(app, "adaptive", best, 1) > 1.02 && extreme(app, "adaptive", best, 0) <= 1.02)
		sub(/(met|missed) +adaptive, [^,]*, instr/, "unknown adaptive, " app ", instr", text)
	return text
}

BEGIN {
	keys = split("peak faults cpu_us", key)
	split("tamrun adaptive", ours)
	split("plain thp", others)
}

{
	if (!($1 in known)) {
		known[$1] = 1
		apps[++count] = $1
	}
	value[$1, $2, $3] = $4
	if ($3 == "result" && !($1 in result))
		result[$1] = $4
}

END {
	print "\nPeak, faults and instructions relative to plain's and to thp's. + is a gain and - a loss\nof more than 2 %.\n"
	if (markdown)
		print "| | | peak / plain | faults | instr. | peak / thp | faults | instr. |\n|---|---|---:|---:|---:|---:|---:|---:|"
	else {
		printf "%-11s %-9s %32s  %32s\n", "", "", "relative to plain's:", "to thp's:"
		printf "%-11s %-9s %10s %10s %10s  %10s %10s %8s\n", "", "", "peak  ", "faults  ", "instr.  ", "peak  ", "faults  ", "instr."
	}
	for (a = 1; a <= count; a++) {
		app = apps[a]
		for (m = 1; m <= 2; m++) {
			line = sprintf(markdown ? "| %s | %s |" : "%-11s %-9s", m == 1 ? app : "", ours[m])
			for (o = 1; o <= 2; o++)
				for (k = 1; k <= keys; k++)
					line = line sprintf(markdown ? " %s |" : (k == 1 && o == 2 ? "  %10s" : " %10s"),
							    beside(app, ours[m], others[o], key[k]))
			sub(/ +$/, "", line)
			print line
		}
		verdicts = verdicts goals(app)
	}
	if (!verdicts)
		exit
	print "\nThe goals of adaptive memory: a peak of at most 1.05 x plain's + 2 MiB + what plain had of\nthe zero page; where thp's peak is within 5 % of plain's, at most 1.5 x thp's faults; at most\n1.02 x the instructions of plain or thp, whichever has fewer.\n"
	printf(markdown ? "```\n%s```\n" : "%s", verdicts)
}
