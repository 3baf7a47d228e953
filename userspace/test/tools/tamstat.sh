#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tamstat: on memory in a known state in the guest, and on a made-up procfs here.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
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

	said=$(scripts/boot --smp 2 --timeout 300 --add "$tools/tamstat" --add "$tools/test-tamstat" \
		-- /test-tamstat 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && $(grep '^ok' <<<"$said" | grep -vc SKIP) -eq 23 ]]
}

# process PID NAME, with its smaps on stdin.
process() {
	mkdir -p "$work/proc/$1"
	printf '%s\n' "$2" >"$work/proc/$1/comm"
	echo 700 >"$work/proc/$1/oom_score"
	cat >"$work/proc/$1/smaps"
}
mapping() { # RANGE RSS SWAP FLAGS [NAME [HUGE]]
	printf '%s rw-p 00000000 00:00 0                          %s\n' "$1" "${5-}"
	printf 'Size:    0 kB\nRss:  %d kB\nAnonHugePages: %d kB\nFilePmdMapped: 0 kB\nSwap:   %d kB\nSwapPss:  9 kB\nVmFlags: rd wr mr %s\n' "$2" "${6-0}" "$3" "$4"
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

# Its main thread has ended, and 31 has not. No meminfo, as in a procfs with subset=pid.
mkdir -p "$work/other/30/task"/{30,31}
printf 'caf\xc3\xa9 \xe2\x82\xac \xe2\x80\xae\xe9\nx\n' >"$work/other/30/comm"
: >"$work/other/30/smaps"
echo 0 0 0 0 0 0 0 | tee "$work/other/30/statm" "$work/other/30/task/30/statm" >/dev/null
echo 9 1 0 0 0 0 0 >"$work/other/30/task/31/statm"
mapping 7f0000000000-7f0000400000 512 0 tm $'[anon:\xc3\xa9]' >"$work/other/30/task/31/smaps"

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
# Wherever the C library finds its locales.
other() { # STATUS "WORDS" [TAMSTAT ARG]...
	LOCPATH=/none ends_with "$1" "$2" "$tools/tamstat" --proc "$work/other" "${@:3}"
}
name=$'caf\xc3\xa9 \xe2\x82\xac ???x'
not_known() {
	other 0 'What memory the machine has is not known' && other 0 '"memory_kb":null,"available_kb":null' --json
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
# A process like 20, with something else.
like_20() { # PID
	mkdir "$work/proc/$1"
	cp --sparse=always "$work"/proc/20/* "$work/proc/$1"
}
# 8 MB: two huge pages, with 502 and 50 zero pages; 16 pages of the page of zeroes, and nothing
# else present in these 2 MB, where mem is not to be looked at; 512 small pages, 100 of them zero.
{
	printf '10000-20000 r-xp 00000000 fe:00 77          /usr/lib/libc.so.6\nVmFlags: rd ex mr mw me\n'
	mapping 100000000-100800000 6144 0 ac '' 4096
	mapping 100900000-100a00000 16 8 ac '[heap]'
	mapping 100b00000-100c00000 64 0 'gd ac' '[stack]'
	printf '100d00000-100e00000 rw-p 00000000 fe:00 77  /usr/lib/libc.so.6\nRss: 32 kB\nVmFlags: rd wr mr\n'
} | process 20 $'new\nline'
printf '%s\0' /bin/x 'a b' "it's" $'\e[2J' >"$work/proc/20/cmdline"
python3 - "$work/proc/20" <<'END'
import sys
pagemap, mem = (open(f"{sys.argv[1]}/{name}", "wb") for name in ("pagemap", "mem"))
def page(number, contents, present=True):
    mem.seek((0x100000 + number) * 4096)
    mem.write(contents * 4096)
    pagemap.seek((0x100000 + number) * 8)
    pagemap.write((1 << 63 if present else 0).to_bytes(8, "little"))
for n in range(512):
    page(n, b"x" if n < 10 else b"\0")
    page(512 + n, b"x" if n >= 50 else b"\0")
    page(1024 + n, b"\0", n < 16)
    page(1536 + n, b"x" if n >= 100 else b"\0")
for n in range(256):
    page(0x900 + n, b"\0", n < 4)
END
like_20 21 && sed -i 's/VmFlags:.* ac$/& um/' "$work/proc/21/smaps"
like_20 22 && rm "$work/proc/22/mem"
like_20 23 && : >"$work/proc/23/cmdline"
like_20 24 && sed -i '/AnonHuge/d' "$work/proc/24/smaps"
like_20 25 && : >"$work/proc/25/pagemap"
: | process 26 kthread
advice() {
	local pid

	for pid in {20..25}; do
		"$tools/tamstat" --proc "$work/proc" --json --advise "$pid" >"$work/$pid" || return
	done
	python3 - "$work"/2{0..5} <<-'END'
		import json, sys
		said = [json.load(open(name)) for name in sys.argv[1:]]
		figures = [{name: f["kb"] for name, f in s["figures"].items()} for s in said]
		assert figures[0] == {
		    "reserved": 9216, "untouched": 9216 - 6160 - 8, "resident": 6160, "swapped": 8,
		    "in_huge_pages": 4096, "in_smaller_folios": None, "zero_pages_in_these": 602 * 4,
		    "read_not_written": 64, "strict_saves_up_to": 602 * 4,
		    "adaptive_saves_up_to": 492 * 4, "tamalloc_already": 0}, figures[0]
		assert said[0]["command"] == "new?line", said[0]
		assert said[0]["command_line"] == r"/bin/x 'a b' 'it'\''s' '?[2J'", said[0]
		for i in 1, 2, 5:
		    assert said[i]["not_read_kb"] == figures[i]["strict_saves_up_to"] == 4096, said[i]
		    assert figures[i]["zero_pages_in_these"] is None, said[i]
		assert figures[2]["read_not_written"] == 64 and figures[5]["read_not_written"] is None, said[5]
		assert figures[4]["in_huge_pages"] is None, said[4]
		for i, why in (1, "userfaultfd:"), (2, "mem: No such file"), (5, "pagemap: Input/output"):
		    assert said[i]["figures"]["zero_pages_in_these"]["known_by"].startswith(why), said[i]
		assert all(f["known_by"] for s in said for f in s["figures"].values())
	END
}
narrow() {
	local pid

	for pid in {20..26}; do
		"$tools/tamstat" --proc "$work/proc" --advise "$pid"
	done >"$work/said" && ! grep -E '.{81}' "$work/said"
}
says_how() {
	"$tools/tamstat" --proc "$work/proc" --advise 20 | grep '^  [a-z]' >"$work/said"
	cat "$work/said"
	[[ $(wc -l <"$work/said") -eq 10 ]] &&
		! grep -vE '^  [a-z, ]{20} +([0-9.]+ MB|not known   )  [a-z]' "$work/said"
}
# A process of this machine, whatever kernel that has.
on_this_machine() {
	local status=0

	sleep 60 &
	ends_with 0 'read, not written' "$tools/tamstat" --advise $! || status=$?
	kill $!
	return "$status"
}
full_disk() {
	local status=0

	"$tools/tamstat" 2>"$work/said" >/dev/full || status=$?
	[[ $status -eq 1 ]] && grep 'standard output: No space left' "$work/said"
}

tap_plan 35
tap_check "it compiles" make -s -C userspace tools tool-tests OUT="$PWD/build/userspace"
tap_check "its output matches memory in a known state" in_guest
tap_check "the table lists the processes with regions, and the sum" table
tap_check "a process has a line for each region" fake 0 '[anon:a b]' 9
tap_check "a process without regions is reported as such" fake 0 'none of ours has no tamalloc memory' 11
tap_check "the JSON is valid and has the figures" json
tap_check "a process whose main thread has ended is read from another thread" other 0 '4096        512          0        512'
tap_check "a name shows whole, its UTF-8 as it is" other 0 "$name  "
tap_check "so does a region's" other 0 $'[anon:\xc3\xa9]' 30
tap_check "a procfs without meminfo does not make 0 kB of memory" not_known
tap_check "--watch replaces the table on a terminal" in_place
tap_check "--watch --json prints an object a line" in_lines
tap_check "a process that has gone is 1" fake 1 '12 is no process' 12
tap_check "pages that cannot be read are 1" fake 1 'no PAGEMAP_SCAN' --map 9
tap_check "a missing procfs is 1" gives 1 'is procfs mounted there?' --proc /none
tap_check "output that cannot be written is 1" full_disk
tap_check "--advise counts, where pagemap says that pages are present" advice
tap_check "--advise says it in 80 columns" narrow
tap_check "--advise says of each figure how it is known" says_how
tap_check "--advise begins with the verdict" \
	fake 0 '20 new?line: up to 2.4 of 6.0 MB resident could be saved' --advise 20
tap_check "--advise says how to try it" fake 0 "tamrun --stats /bin/x 'a b'" --advise 20
tap_check "also of what has no command line" fake 0 'tamrun --adaptive --stats PROGRAM' --advise 23
tap_check "--advise does not guess contents" \
	fake 0 'how much could be saved is not known; 4.0 MB at most' --advise 22
tap_check "--advise on a kernel thread finds nothing to replace" \
	fake 0 'it has no memory that tamalloc could replace' --advise 26
tap_check "--advise works on this machine" on_this_machine
tap_check "--help prints the usage" gives 0 'usage: tamstat' --help
tap_check "an unknown option is 125" gives 125 'usage: tamstat' --none
tap_check "a PID that is not a number is 125" gives 125 '12x is not a PID' 12x
tap_check "a negative PID is 125" gives 125 '-5 is not a PID' -- -5
tap_check "two PIDs are 125" gives 125 '2 is one argument too many' 1 2
tap_check "--map without a PID is 125" gives 125 '--map needs a PID' --map
tap_check "--advise without a PID is 125" gives 125 '--advise needs a PID' --advise
tap_check "--map with --advise is 125" gives 125 'not both' --map --advise 9
tap_check "--watch 0 is 125" gives 125 '--watch 0 is not' --watch 0
tap_check "--watch without a number is 125" gives 125 '--watch x is not' --watch x
tap_end
