#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tracer in system and user emulation, and what scripts/lab refuses. The replay has
# userspace/test/tools/replay.sh, what runs in the guest scripts/tests/lab.sh.
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
two_cpus() { ends_with 125 'has to have one CPU, not 2' scripts/boot --plugin "$out/lab/trace-1.so,out=$work/two" --smp 2 -- true; }
too_large() { # a run of the shell is some ten thousand references
	qemu-x86_64 -plugin "$out/lab/trace-1.so,out=$work/large,from=start,max=0" /bin/sh -c : 2>&1 | grep 'too large for max=' &&
		ends_with 125 'it is empty' "$replay" info "$work/large"
}

refuses() { ends_with "$1" "$2" scripts/lab --output "$work/lab" "${@:3}"; } # STATUS WORDS ARG...
typed() {
	scripts/lab --output "$work/lab" --lang es --string '1 2 3 4 1 2 5 1 2 3 4 5' >"$work/typed" strings anomaly || return
	cat "$work/typed"
	grep -qE '^ +3 +7 +10 +9 +9$' "$work/typed" && grep -qE '^ +marcos +OPT +LRU +reloj +FIFO$' "$work/typed" &&
		grep -q '^    FIFO        3        4           9          10$' "$work/typed"
}
# Of a typed string all that needs no more than that; a policy's name is that of its experiment.
by_default() {
	scripts/lab --output "$work/lab" --lang en --string '1 2 3 4 1 2 5 1 2 3 4 5' >"$work/default" &&
		scripts/lab --output "$work/lab" --lang en --string '1 2 3 4 1 2 5 1 2 3 4 5' clock lru >"$work/clock" || return
	cat "$work/default" "$work/clock"
	[[ $(grep -c '^== ' "$work/default") -eq 6 && $(grep -c '^== ' "$work/clock") -eq 1 ]] &&
		grep -qE '^ +3 +7 +10 +9 +9$' "$work/clock" && grep -qx '  LRU within twice the first loads from 3 frames, 12 kB' "$work/clock"
}
# A file that is no kernel: what did work is on the page.
failed_guest() {
	rm -f "$work/lab/index.html"
	ends_with 125 'did not come out as it has to: mmu' scripts/lab --output "$work/lab" --lang en \
		--string '1 2 3' --kernel scripts/lab faults mmu && grep -q 'id="stepper"' "$work/lab/index.html"
}
# sort, which the lab has input of its own for.
own_sort() {
	echo one >"$work/one"
	scripts/lab --mode user --output "$work/own" --prog sort --args "$work/one" ws >"$work/own.said" &&
		cat "$work/own.said" && cmp "$work/one" "$work/own/data/sort.trace.output"
}
# The page is one file: no placeholder, no address of another.
page() { ! grep -nE "\\{\\{|(src|href)=[\"'][^#]|url\\([\"']?[^#\"']|@import" "$work/lab/index.html" && grep -q 'id="stepper"' "$work/lab/index.html"; }

tap_plan 17
tap_check "it compiles" build
tap_check "a program in the guest that touches Belady's string three times gives that, beside a busy one" in_system
tap_check "more than one CPU is refused" two_cpus
if type -P qemu-x86_64 >/dev/null; then
	tap_check "user emulation gives the same string" in_user
	tap_check "a trace that grows too large is given up" too_large
	tap_check "a program that does not end is said to" refuses 124 'did not end in 1 s' --mode user --timeout 1 --prog sleep --args 30 faults
	tap_check "a sort of one's own runs with its own arguments" own_sort
else
	for what in "the same string" "too large" "does not end" "arguments"; do
		echo "ok $((++tap_count)) - user emulation: $what # SKIP no qemu-user; scripts/setup --lab installs it"
	done
fi
tap_check "a typed string, in Spanish" typed
tap_check "without an experiment, those of a string; a policy's name is one" by_default
tap_check "a guest that fails leaves what was found on the page" failed_guest
tap_check "the page is whole and needs no other file" page
tap_check "a typed string with letters is refused" refuses 125 "'x' is no page number" --string '1 x' strings
tap_check "an unknown experiment is refused" refuses 125 'there are: strings' guess
tap_check "an unknown program is refused" refuses 125 'no program is called' --prog /none faults
tap_check "a policy that does not compile is refused" refuses 125 'does not compile' --policy README.md strings
tap_check "too few pages for Linux are refused" refuses 125 'too few' --string '1 2 3' linux
tap_check "another language is refused" refuses 125 'the language is en or es' --lang fr strings
tap_end
