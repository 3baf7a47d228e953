#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/lib/judge: saved logs of runs that ended well and badly, each with its status.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A case is one file in logs/, with "--- NAME" before what each file of a run held.
lay_out() { mkdir -p "$1" && awk -v dir="$1" '/^--- / { file = dir "/" $2; printf "" >file; next } { print >file }'; }
gives() { # STATUS CASE [WORDS]
	local status=0 said

	lay_out "$work/$2" <"$here/logs/$2"
	said=$("$here/../lib/judge" "$work/$2" 2>&1) || status=$?
	echo "status $status; $said"
	[[ $status -eq $1 && $said == *"${3-}"* ]]
}

# A race counts by the name of a function.
knows_functions() {
	local name names

	names=$(awk '/^diff --git/ { ours = / b\/mm\/tamalloc/ } ours' "$here"/../../patches/linux-*/*.patch |
		sed -nE 's/^\+[a-z].*[ *]([a-z_0-9]+)\(.*/\1/p' | sort -u)
	[[ $names == *tamalloc_fault* ]] || return
	for name in $names; do
		rm -rf "$work/race"
		sed "s/map_ahead/$name/" "$here/logs/kcsan-ahead" | lay_out "$work/race"
		"$here/../lib/judge" "$work/race" >/dev/null 2>&1
		[[ $? -eq 122 ]] || { echo "$name is not known"; return 1; }
	done
}

relative_tmpdir() {
	cd "$work" && mkdir t && TMPDIR=t "$here/../lib/judge" pass && rmdir t
}

tap_plan 26
tap_check "a pass is 0, whatever happened to programs in the guest" gives 0 pass
tap_check "a relative TMPDIR does not matter" relative_tmpdir
tap_check "a failed command keeps its status" gives 42 status-42
tap_check "how a command was killed is said" gives 139 segfault 'killed by signal 11 (Segmentation fault)'
tap_check "of an OOM kill the kernel's line is shown" gives 137 oom 'Out of memory: Killed process 33 (hungry)'
tap_check "and who called the OOM killer" gives 137 oom 'hungry invoked oom-killer: gfp_mask='
tap_check "a panic is 123, and its Oops is shown" gives 123 panic 'RIP: 0010:tamalloc_fault'
tap_check "a hang is 124" gives 124 hang 'time was up, 120 s: give more with --timeout'
tap_check "a run that was cut off is 121" gives 121 cut-off 'status 139'
tap_check "half a verdict is 121 too" gives 121 half-verdict
tap_check "a WARNING makes a passing run red" gives 122 warning-while-passing 'mm/tamalloc.c:88'
tap_check "of a run that hangs after a WARNING, the WARNING is told" \
	gives 122 warning-then-hang 'a problem; later the time was up, 120 s
  | WARNING: CPU: 1 PID: 37 at mm/tamalloc.c:88'
tap_check "lockdep makes a passing run red" gives 122 lockdep
tap_check "KASAN makes a passing run red" gives 122 kasan
tap_check "UBSAN makes a passing run red" gives 122 ubsan
tap_check "kmemleak makes a passing run red" gives 122 kmemleak
tap_check "a blocked task makes a passing run red" gives 122 stall
tap_check "a data race in tamalloc makes a passing run red" gives 122 kcsan-ours 'tamalloc_fault+0x82'
tap_check "a data race in what comes ahead does too" gives 122 kcsan-ahead 'map_ahead+0x14c'
tap_check "and one in any function of mm/tamalloc*.c" knows_functions
tap_check "a data race in the system call does too" gives 122 kcsan-syscall '__x64_sys_luis_tamalloc+0x4d'
tap_check "a data race elsewhere in the kernel is shown with the memory in use, and is no failure" \
	gives 0 kcsan-theirs '1 tamalloc memory: data-race in mas_walk / mas_wr_node_store'
tap_check "a taint without a report makes a passing run red" gives 122 taint 512
tap_check "an int3 Oops where TCG runs CPUs at the same time is 120" gives 120 int3-race
tap_check "an int3 Oops anywhere else is a panic" gives 123 int3-in-turn
tap_check "a crash of QEMU where TCG runs CPUs at the same time is 120" gives 120 qemu-crash 'status 139'
tap_end
