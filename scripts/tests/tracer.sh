#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tracer in system and user emulation, Linux on a string, and scripts/lab; the replay has
# userspace/test/tools/lab.sh.
# shellcheck disable=SC2016 # the guest's shell expands what is between single quotes
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
out=$PWD/build/userspace
replay=$out/lab/replay
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { make -s -C userspace OUT="$out" lab "$out/lab/trace-1.so" "$out/tools/test-belady"; }

# traced NAME COMMAND...: in the guest, with the launcher and Belady's program.
traced() {
	scripts/boot --retry --plugin "$out/lab/trace-1.so,out=$work/$1" --add "$out/lab/launch" \
		--add "$out/tools/test-belady" -- "${@:2}"
}
once='65537 65538 65539 65540 65537 65538 65541 65537 65538 65539 65540 65541'
# Code and data take turns: the page that the program prints, and the string's; then there is a
# jump to the next page and back.
exactly_belady() { # TRACE CODE
	local want='' page

	for page in $once $once $once; do want+="$((16#$2))f ${page}r "; done
	want+="$((16#$2))f $((16#$2 + 1))f $((16#$2))f"
	diff <("$replay" text --only data "$work/$1") <(echo "$once $once $once") &&
		diff <("$replay" text --kinds "$work/$1") <(echo "$want")
}
# With a process that never sleeps beside it.
in_system() {
	local code

	code=$(traced system sh -c 'while :; do :; done & /launch --marked /test-belady; s=$?; kill $!; exit $s') &&
		exactly_belady system "$code"
}
in_user() {
	local code

	code=$(qemu-x86_64 -plugin "$out/lab/trace-1.so,out=$work/user" "$out/tools/test-belady") &&
		exactly_belady user "$code" && cmp "$work/user" "$work/system"
}
alone_or_not() {
	traced alone sh -c ': & /launch /bin/busybox seq 1 500; s=$?; wait $!; exit $s' >"$work/out-alone" &&
		traced busy sh -c 'while :; do :; done & /launch /bin/busybox seq 1 500; s=$?; kill $!; exit $s' >"$work/out-busy" &&
		cmp "$work/out-alone" <(seq 1 500) && cmp "$work/out-busy" <(seq 1 500) && cmp "$work/alone" "$work/busy" &&
		"$replay" info "$work/busy" && [[ $("$replay" info "$work/busy" | awk '$1 == "references" { print $2 }') -gt 100000 ]]
}
two_cpus() { ends_with 125 'has to have one CPU, not 2' scripts/boot --plugin "$out/lab/trace-1.so,out=$work/two" --smp 2 -- true; }
too_large() { # a run of the shell is some ten thousand references
	qemu-x86_64 -plugin "$out/lab/trace-1.so,out=$work/large,from=start,max=0" /bin/sh -c : 2>&1 | grep 'too large for max=' &&
		ends_with 125 'it is empty' "$replay" info "$work/large"
}

# Pages 1 to 60 in turn, 20 times; and a string with locality.
linux() {
	local i

	for ((i = 0; i < 20; i++)); do seq -s ' ' 1 60; done >"$work/cyclic"
	awk 'BEGIN { srand(16); for (i = 0; i < 60000; i++) { if (rand() < .001) at = int(rand() * 80)
		printf "%d ", rand() < .9 ? at + int(rand() * 12) : int(rand() * 92) } }' >"$work/local"
	for i in cyclic local; do
		"$replay" trace "$work/$i" >"$work/$i.trace" &&
			scripts/boot --retry --add "$out/lab/linux" --add userspace/lab/linux.sh --add "$work/$i.trace" -- \
				sh /linux.sh "/$i.trace" 8 20 30 45 >"$work/$i.found" && cat "$work/$i.found" &&
			[[ $(wc -l <"$work/$i.found") -eq 9 ]] || return
	done
}
# Whatever Linux does, it cannot do better than OPT with the most that it has had.
above_opt() {
	local i kind limit mean most faults opt

	for i in cyclic local; do
		while read -r kind limit mean most faults; do
			opt=$("$replay" faults --policies opt --frames "$most" "$work/$i.trace" | awk 'END { print $2 }')
			echo "$i $kind $limit $mean: $faults, OPT in $most: $opt"
			((faults >= opt)) || return
		done <"$work/$i.found"
	done
}
within_limit() { awk '{ print } $4 > $2 || $3 > $4 || $3 < $2 / 2 { bad = 1 } END { exit bad || NR != 18 }' "$work"/*.found; }
always_faults() { awk '$1 != "mglru" { print; n++; if ($5 != 1200) bad = 1 } END { exit bad || n != 6 }' "$work/cyclic.found"; }

refuses() { ends_with "$1" "$2" scripts/lab --output "$work/lab" "${@:3}"; } # STATUS WORDS ARG...
typed() {
	scripts/lab --output "$work/lab" --lang es --string '1 2 3 4 1 2 5 1 2 3 4 5' >"$work/typed" strings anomaly || return
	cat "$work/typed"
	grep -qE '^ +3 +7 +10 +9 +9$' "$work/typed" && grep -qE '^ +marcos +OPT +LRU +reloj +FIFO$' "$work/typed" &&
		grep -q '^    FIFO        3        4           9          10$' "$work/typed"
}
# The page is one file: no placeholder, no address of another.
page() { ! grep -nE '\{\{|(src|href)="|url\(["h]|@import' "$work/lab/index.html" && grep -q 'id="stepper"' "$work/lab/index.html"; }
# Each checks itself; these are what a reader looks for.
live() {
	scripts/lab --output "$work/lab" --lang en virtual mmu space swapping locality cache lists pages >"$work/live" 2>&1 || {
		cat "$work/live"
		return 1
	}
	cat "$work/live"
	grep -q 'pages in memory: 0 -> 3 ' "$work/live" && grep -q 'for a thread 0, for a child [1-9]' "$work/live" &&
		grep -qE '^  second read +0 +0$' "$work/live" && grep -q 'address  64: beyond the limit' "$work/live" &&
		[[ $(awk '/Referenced/ { getline; for (i = 0; i < 4; i++) { print $2, $3; getline } }' "$work/live" | xargs) == \
			'100 100 300 300 50 50 200 200' ]] && grep -q 'every byte as it was' "$work/live" &&
		grep -qE '^  clean .* 0 +0$' "$work/live" && grep -qE '^  dirty .* 0 +[1-9][0-9]+$' "$work/live" &&
		grep -qE '^  locked .* 64 +0$' "$work/live" && grep -q 'a page: 1, after fork: 2' "$work/live" &&
		grep -qE '^  read once +\+0 +\+[0-9]{4}' "$work/live" && grep -qE '^  read again +\+[0-9]{4} +-' "$work/live" &&
		grep -q 'primera lectura' "$work/lab/data/live.cache.es"
}
stepper() { node userspace/test/tools/lab_stepper.js "$replay"; }

tap_plan 21
tap_check "it compiles" build
tap_check "a program in the guest that touches Belady's string three times gives that, beside a busy one" in_system
tap_check "a program's string is the same alone and beside a busy one" alone_or_not
tap_check "more than one CPU is refused" two_cpus
if type -P qemu-x86_64 >/dev/null; then
	tap_check "user emulation gives the same string" in_user
	tap_check "a trace that grows too large is given up" too_large
	tap_check "a program that does not end is said to" refuses 124 'did not end in 1 s' --mode user --timeout 1 --prog sleep --args 30 faults
else
	for what in "the same string" "too large" "does not end"; do
		echo "ok $((++tap_count)) - user emulation: $what # SKIP no qemu-user; scripts/setup --lab installs it"
	done
fi
tap_check "Linux replays strings in cgroups of three sizes, in three ways" linux
tap_check "it never takes fewer faults than OPT with the most that was resident" above_opt
tap_check "what is resident stays within the limit" within_limit
tap_check "cyclic access through active and inactive list faults at every reference" always_faults
tap_check "experiments on the running kernel come out as they have to" live
tap_check "a typed string, in Spanish" typed
tap_check "the page is whole and needs no other file" page
if type -P node >/dev/null; then
	tap_check "the page's stepper counts as the replay does" stepper
else
	echo "ok $((++tap_count)) - the page's stepper counts as the replay does # SKIP no node"
fi
tap_check "a typed string with letters is refused" refuses 125 "'x' is no page number" --string '1 x' strings
tap_check "an unknown experiment is refused" refuses 125 'there are: strings' guess
tap_check "an unknown program is refused" refuses 125 'no program is called' --prog /none faults
tap_check "a policy that does not compile is refused" refuses 125 'does not compile' --policy README.md strings
tap_check "too few pages for Linux are refused" refuses 125 'too few' --string '1 2 3' linux
tap_check "another language is refused" refuses 125 'the language is en or es' --lang fr strings
tap_end
