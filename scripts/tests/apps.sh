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

tap_plan 9
tap_check "equal results pass" ends_with 0 4711 equal
tap_check "a result that differs from the first memory's is wrong" ends_with 1 WRONG other_result
tap_check "a missing result is a failure" ends_with 1 FAILED no_result
tap_check "no findings at all are a failure" ends_with 1 'nothing was found' none
tap_check "--markdown prints the table as markdown" ends_with 0 '| x | plain | - | 4711 |' as_markdown
tap_check "the JSON is valid and has the figures" json_is_valid
tap_check "each kind of memory is run, explained and documented" each_memory
tap_check "an unknown program gives status 125" ends_with 125 'no program is called none' scripts/apps none
tap_check "an unknown option gives status 125" ends_with 125 'what is --none' scripts/apps --none
tap_end
