#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tamstat: on memory in a known state in the guest, and on a made-up procfs here.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
tools=$PWD/build/userspace/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gives() { ends_with "$1" "$2" "$tools/tamstat" "${@:3}"; } # STATUS "WORDS" [TAMSTAT ARG]...

# Expects every point, so that one lost to a crash is noticed.
in_guest() {
	local said status=0

	said=$(scripts/boot --single-thread --smp 2 --add "$tools/tamstat" --add "$tools/test-tamstat" \
		-- /test-tamstat 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && $(grep '^ok' <<<"$said" | grep -vc SKIP) -eq 13 ]]
}

# process PID NAME, with its smaps on stdin.
process() {
	mkdir -p "$work/proc/$1"
	printf '%s\n' "$2" >"$work/proc/$1/comm"
	echo 700 >"$work/proc/$1/oom_score"
	cat >"$work/proc/$1/smaps"
}
mapping() { # RANGE RSS SWAP FLAGS [NAME]
	printf '%s rw-p 00000000 00:00 0                          %s\n' "$1" "${5-}"
	printf 'Size:    0 kB\nRss:  %d kB\nFilePmdMapped: 0 kB\nSwap:   %d kB\nSwapPss:  9 kB\nVmFlags: rd wr mr %s\n' "$2" "$3" "$4"
}
printf 'MemTotal: 4000 kB\nMemAvailable: 3000 kB\nSwapTotal: 2000 kB\n' | process . none
mv "$work/proc/smaps" "$work/proc/meminfo"
{
	mapping 7f0000000000-7f0000400000 512 512 'hg tm' '[anon:tamalloc]'
	mapping 7f0000400000-7f0000800000 4096 0 'mw me'
	mapping 7f0001000000-7f0001100000 16 0 'tm nh' '[anon:a b]'
} | process 9 two
mapping 7f0000000000-7f8000000000 0 0 tm '[anon:tamalloc]' | process 10 $'\e[2Jq"\\\xff'
mapping 7f0000000000-7f0000400000 512 512 hg '[anon:tamalloc]' | process 11 'none of ours'
mkdir "$work/proc/12" "$work/proc/self"
echo >"$work/proc/9/pagemap"

fake() { gives "$1" "$2" --proc "$work/proc" "${@:3}"; }
table() {
	diff <("$tools/tamstat" --proc "$work/proc") - <<-'END'
		    PID COMMAND         REGIONS     RESERVED   RESIDENT    SWAPPED  COMMITTED      %  TOUCH      OOM
		      9 two                   2         5120        528        512       1040   20.3  mixed      700
		     10 ?[2Jq"\?              1    536870912          0          0          0    0.0  strict     700
		    all 2                     3    536876032        528        512       1040    0.0
		Sizes are in kB. The machine has 4000 kB of memory, 3000 of it available, and 2000 of swap.
	END
}
json() {
	"$tools/tamstat" --proc "$work/proc" --json >"$work/table" && "$tools/tamstat" --proc "$work/proc" --json 9 >"$work/9" &&
		python3 - "$work/table" "$work/9" <<-'END'
			import json, sys
			table, nine = (json.load(open(name)) for name in sys.argv[1:])
			assert [p["pid"] for p in table["processes"]] == [9, 10]
			assert table["processes"][1]["command"] == '?[2Jq"\\?'
			assert table["all"]["committed_kb"] == 1040 and table["swap_kb"] == 2000
			assert [r["first_touch"] for r in nine["regions"]] == ["adaptive", "strict"]
			assert nine["regions"][1]["name"] == "[anon:a b]"
			assert nine["regions"][0]["start"] == "7f0000000000"
		END
}
# Until PATTERN has come three times in what COMMAND prints, however long that takes.
three_times() { # PATTERN COMMAND...
	"${@:2}" >"$work/watched" </dev/null &
	for _ in {1..600}; do
		[[ $(grep -c "$1" "$work/watched") -lt 3 ]] || break
		sleep 0.1
	done
	kill $!
	wait $!
	[[ $(grep -c "$1" "$work/watched") -ge 3 ]]
}
# Output to a terminal, and to another command.
in_place() {
	three_times $'^\e\\[H\e\\[J    PID' script -qc "$tools/tamstat --proc $work/proc --watch 0.2" /dev/null
}
in_lines() {
	three_times '^{.*}$' "$tools/tamstat" --proc "$work/proc" --watch 0.2 --json &&
		[[ $(grep '^{.*}$' "$work/watched" | sort -u | wc -l) -eq 1 ]]
}
full_disk() {
	local status=0

	"$tools/tamstat" 2>"$work/said" >/dev/full || status=$?
	[[ $status -eq 1 ]] && grep 'standard output: No space left' "$work/said"
}

tap_plan 20
tap_check "it compiles" make -s -C userspace tools tool-tests OUT="$PWD/build/userspace"
tap_check "its output matches memory in a known state" in_guest
tap_check "the table lists the processes with regions, and the sum" table
tap_check "a process has a line for each region" fake 0 '[anon:a b]' 9
tap_check "a process without regions is reported as such" fake 0 'none of ours has no tamalloc memory' 11
tap_check "the JSON is valid and has the figures" json
tap_check "--watch replaces the table on a terminal" in_place
tap_check "--watch --json prints an object a line" in_lines
tap_check "a process that has gone is 1" fake 1 '12 is no process' 12
tap_check "pages that cannot be read are 1" fake 1 'no PAGEMAP_SCAN' --map 9
tap_check "a missing procfs is 1" gives 1 'is procfs mounted there?' --proc /none
tap_check "output that cannot be written is 1" full_disk
tap_check "--help prints the usage" gives 0 'usage: tamstat' --help
tap_check "an unknown option is 2" gives 2 'usage: tamstat' --none
tap_check "a PID that is not a number is 2" gives 2 '12x is not a PID' 12x
tap_check "a negative PID is 2" gives 2 '-5 is not a PID' -- -5
tap_check "two PIDs are 2" gives 2 'usage: tamstat' 1 2
tap_check "--map without a PID is 2" gives 2 'usage: tamstat' --map
tap_check "--watch 0 is 2" gives 2 '--watch 0 is not' --watch 0
tap_check "--watch without a number is 2" gives 2 '--watch x is not' --watch x
tap_end
