# SPDX-License-Identifier: GPL-2.0
# Turns the lines of run.sh into a table and JSON. Exits with 1 if a program failed or
# computed something else than on the first memory it ran on. A run that cannot be is a row
# of "-", and the reason is a line below.

function row(run,    text, i) {
	for (i = 1; i <= columns; i++) {
		text = (run, column[i]) in value ? value[run, column[i]] : "-"
		if (text != "-" && column[i] == "cpu_us")
			text = int(text / 1000 + 0.5)
		printf(markdown ? " %s |" : " %9s", text)
	}
}

BEGIN {
	keys = split("rss_start rss_load rss_idle tamalloc_start tamalloc_load tamalloc_idle peak faults cpu_us zero", key)
	columns = split("rss_start rss_load tamalloc_load rss_idle peak faults cpu_us", column)
	split("start load tamalloc idle peak faults Minstr", title)
}

{
	run = $1 SUBSEP $2
	if (!(run in seen)) {
		seen[run] = 1
		runs[++count] = run
		if (!($1 in first))
			first[$1] = run
	}
	value[run, $3] = $4
	if ($3 == "none") {
		without[$1] = without[$1] " " $2
		reason[$1] = substr($0, index($0, " none ") + 6)
	}
}

END {
	if (!count) {
		print "apps: nothing was found" >"/dev/stderr"
		exit 1
	}
	if (markdown)
		print "| | | start | load | of it tamalloc | idle | peak | faults | M instr. |\n|---|---|---:|---:|---:|---:|---:|---:|---:|"
	else {
		printf "%-11s %-9s", "", ""
		for (i = 1; i <= columns; i++)
			printf " %9s", title[i]
		print ""
	}
	text = ""
	for (r = 1; r <= count; r++) {
		split(runs[r], part, SUBSEP)
		app = part[1]
		verdict = "right"
		if ((runs[r], "none") in value) {
			verdict = "none"
			if (app in reason)
				reasons = reasons sprintf("\nNone for %s on%s: %s.\n", app, without[app], reason[app])
			delete reason[app]
		} else if (!((runs[r], "result") in value))
			verdict = "FAILED"
		else if (value[runs[r], "result"] != value[first[app], "result"])
			verdict = "WRONG"
		if (verdict ~ /[A-Z]/)
			bad = 1

		printf(markdown ? "| %s | %s |" : "%-11s %-9s", app == last ? "" : app, part[2])
		row(runs[r])
		print (verdict ~ /[A-Z]/ ? " " verdict : "")
		last = app

		text = text sprintf("%s\n{\"app\": \"%s\", \"memory\": \"%s\", \"verdict\": \"%s\"",
			text ? "," : "", app, part[2], verdict)
		for (i = 1; i <= keys; i++)
			if ((runs[r], key[i]) in value)
				text = text sprintf(", \"%s\": %s", key[i], value[runs[r], key[i]])
		text = text "}"
	}
	printf "%s", reasons
	print "[" text "\n]" >json
	exit bad
}
