#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make apps: its verdicts on made-up findings. The programs themselves take too long.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

table() { # MARKDOWN, and findings on stdin
	awk -f userspace/bench/apps/table.awk -v json="$work/json" -v markdown="$1"
}
right() { printf '%s\n' "x $1 rss_load 4711" "x $1 faults 12" "x $1 cpu_us 1500" "x $1 result abc"; }
equal() { { right plain; right tamrun; } | table 0; }
other_result() { { right plain; right tamrun | sed s/abc/abd/; } | table 0; }
no_result() { { right plain; echo 'x tamrun failed 139'; } | table 0; }
none() { table 0 </dev/null; }
as_markdown() { right plain | table 1; }
unserved() { { right plain; echo 'x mimalloc none it is static: all of it'; right tamrun; } | table "$1"; }
no_row() { ends_with 0 'None for x on mimalloc: it is static: all of it.' unserved 0 && unserved 1 | grep -Fx '|  | mimalloc | - | - | - | - | - | - | - |'; }
json_says_none() { unserved 0 >/dev/null && python3 -c '
import json, sys
assert [f["verdict"] for f in json.load(open(sys.argv[1]))] == ["right", "none", "right"]' "$work/json"; }

# finding MEMORY PEAK FAULTS CPU_US ZERO
finding() { printf "x $1 %s\n" "peak $2" "faults $3" "cpu_us $4" "zero $5" "result abc"; }
# What is judged by default: of adaptive, PEAK FAULTS CPU_US; of plain, ZERO; of thp, PEAK.
found() {
	finding plain 100000 1000 5000 "${4:-0}"
	finding thp "${5:-100000}" 800 6000 0
	finding tamrun 98001 1021 4899 0
	finding adaptive "$1" "$2" "$3" 0
}
judge() { awk -f userspace/bench/apps/judge.awk -v markdown="${markdown:-0}"; }
judges() { # LINE, and what was found
	local line=$1

	shift
	found "$@" | judge | tee "$work/judged"
	grep -Fx -e "$line" "$work/judged"
}
peak_goal() {
	judges 'met     adaptive, x, peak in kB: 107048 (target <= 107048)' 107048 1 1 &&
		judges 'missed  adaptive, x, peak in kB: 107049 (target <= 107048)' 107049 1 1
}
zero_page() {
	judges 'met     adaptive, x, peak in kB: 111048 (target <= 111048)' 111048 1 1 4000 &&
		judges 'missed  adaptive, x, peak in kB: 111049 (target <= 111048)' 111049 1 1 4000 &&
		found 1 1 1 | grep -v zero | judge | grep '^unknown adaptive, x, peak'
}
faults_goal() {
	judges "met     adaptive, x, faults relative to thp's: 1.500 (target <= 1.500)" 1 1200 1 0 105000 &&
		judges "missed  adaptive, x, faults relative to thp's: 1.501 (target <= 1.500)" 1 1201 1
}
no_faults_goal() { found 1 1201 1 0 105001 | judge | tee "$work/judged" && ! grep 'x, faults' "$work/judged"; }
instructions_goal() {
	judges "met     adaptive, x, instructions relative to plain's: 1.020 (target <= 1.020)" 1 1 5100 &&
		judges "missed  adaptive, x, instructions relative to plain's: 1.021 (target <= 1.020)" 1 1 5105 &&
		found 1 1 5000 | sed 's/plain cpu_us 5000/plain cpu_us 7000/' | judge |
		grep -Fx "met     adaptive, x, instructions relative to thp's: 0.833 (target <= 1.020)"
}
who_gains() {
	markdown=1 judges '| x | tamrun | 0.980   | 1.021 - | 0.980 + | 0.980   | 1.276 - | 0.817 + |' 1 1 1 &&
		markdown=1 judges '|  | adaptive | 1.020   | 0.500 + | 2.000 - | 1.020   | 0.625 + | 1.667 - |' 102000 500 10000
}
# A figure that does not count, and one that is not there.
judges_nothing() {
	found 1 1 1 | sed '/^x adaptive result/s/abc/abd/' | judge | tee "$work/judged"
	! grep -e '^met' -e '^missed' "$work/judged" && grep -E '^ +adaptive( +-){6} *$' "$work/judged" &&
		grep -E '^x +tamrun .*0.980' "$work/judged"
}

median() { awk -f userspace/bench/apps/median.awk; }
runs() { # CPU_US of three runs of adaptive; plain's and thp's are 5000 and 6000
	found 1 1 "$1"
	finding adaptive 2 30 "$2" 0
	finding adaptive 3 20 "$3" 0
}
takes_the_median() {
	runs 3 20 10 | median | tee "$work/median" && grep -Fx 'x adaptive peak 2' "$work/median" && grep -Fx 'x adaptive faults 20' "$work/median" &&
		grep -Fx 'x adaptive cpu_us 10' "$work/median" && grep -Fx 'x adaptive cpu_us_min 3' "$work/median" &&
		grep -Fx 'x adaptive cpu_us_max 20' "$work/median" && grep -Fx 'x plain cpu_us 5000' "$work/median" &&
		! grep 'plain cpu_us_' "$work/median"
}
# What is not a figure stands, each time.
keeps_what_is_wrong() {
	[[ $({ right plain; right plain | sed s/abc/abd/; right plain; } | median | grep result) == 'x plain result abd' ]] &&
		[[ $({ right plain; echo 'x plain failed lost'; right plain; } | median | grep -e result -e failed) == 'x plain failed lost' ]] &&
		[[ $(echo 'x tamrun none it is static: all of it' | median) == 'x tamrun none it is static: all of it' ]]
}
too_far_apart() {
	runs 5000 5090 5200 | median | judge | grep "^unknown adaptive, x, instructions relative to plain's: 1.018" &&
		runs 5000 5110 5200 | median | judge | grep "^unknown adaptive, x, instructions relative to plain's: 1.022" &&
		runs 5000 5090 5100 | median | judge | grep "^met     adaptive, x, instructions" &&
		runs 5101 5110 5200 | median | judge | grep "^missed  adaptive, x, instructions"
}

# It has what it needs, work to do, --help and the docs.
each_program() {
	local name names

	names=$(sed -n 's/^all=(\(.*\))$/\1/p' scripts/apps)
	[[ $names ]] || return
	for name in $names; do
		grep "^app_$name() " userspace/bench/apps/run.sh || return
		scripts/apps --help | grep -w "$name" || return
		grep "^| $name | plain | " docs/benchmarks.md || return
	done
}
# In the guest, in --help and in docs/benchmarks.md.
each_memory() {
	local name names

	names=$(sed -n "s/^memory='\([^']*\)'.*/\1/p" scripts/apps)
	[[ $names ]] || return
	for name in $names; do
		grep "^	$name) with=" userspace/bench/apps/run.sh || return
		scripts/apps --help | grep -w "$name" || return
		grep "^| .* | $name | [0-9]" docs/benchmarks.md || return
	done
}
json_is_valid() { equal >/dev/null && python3 -c '
import json, sys
found = json.load(open(sys.argv[1]))
assert [f["memory"] for f in found] == ["plain", "tamrun"] and found[1]["rss_load"] == 4711
assert all(f["verdict"] == "right" for f in found)' "$work/json"; }

tap_plan 22
tap_check "equal results pass" ends_with 0 4711 equal
tap_check "a result that differs from the first memory's is wrong" ends_with 1 WRONG other_result
tap_check "a missing result is a failure" ends_with 1 FAILED no_result
tap_check "no findings at all are a failure" ends_with 1 'nothing was found' none
tap_check "--markdown prints the table as markdown" ends_with 0 '| x | plain | - | 4711 |' as_markdown
tap_check "the JSON is valid and has the figures" json_is_valid
tap_check "what cannot be run is no failure, and the reason is given" no_row
tap_check "the JSON says so too" json_says_none
tap_check "adaptive's peak may be 1.05 x plain's and 2 MiB" peak_goal
tap_check "and as much more as plain had of the zero page, if that is known" zero_page
tap_check "adaptive's faults may be 1.5 x thp's" faults_goal
tap_check "where thp's peak is another than plain's, they are not judged" no_faults_goal
tap_check "adaptive's instructions may be 1.02 x those of plain or thp, whichever has fewer" instructions_goal
tap_check "more than 2 % less is a gain, more than 2 % more is a loss" who_gains
tap_check "a wrong result judges nothing" judges_nothing
tap_check "of several runs the median counts" takes_the_median
tap_check "a run that failed or is wrong is not lost among them" keeps_what_is_wrong
tap_check "what differs too much between runs is unknown, not met or missed" too_far_apart
tap_check "each program is run, explained and documented" each_program
tap_check "each kind of memory is run, explained and documented" each_memory
tap_check "an unknown program gives status 125" ends_with 125 'no program is called none' scripts/apps none
tap_check "an unknown option gives status 125" ends_with 125 'what is --none' scripts/apps --none
tap_end
