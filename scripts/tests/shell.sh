#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make shell, as somebody meets it at a terminal.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
terminal=''
trap '[[ ! $terminal ]] || kill "$terminal" 2>/dev/null; rm -rf "$work"' EXIT

# A terminal of 30 by 100, at which somebody types when there is a prompt.
mkfifo "$work/keys"
exec 3<>"$work/keys"
timeout 300 script -qefc 'stty rows 30 columns 100; make -s shell PROG=userspace/examples/sparse.c' "$work/typescript" \
	<"$work/keys" >/dev/null 2>&1 &
terminal=$!
until grep -q '^guest:.*# ' "$work/typescript" 2>/dev/null || ! kill -0 $terminal 2>/dev/null; do sleep 0.2; done
echo 'sparse 60 & sleep 1; tamstat; tamrun --stats tamstat; tamtrace demo 1; run.sh zero; stty size; exit' >&3
status=0
wait $terminal || status=$?
terminal=''
tr -d '\r' <"$work/typescript" >"$work/screen"

ended() { cat "$work/screen"; [[ $status -eq 0 ]]; }
shows() { cat "$work/screen"; grep -qE "$1" "$work/screen"; }
# The prompt, with the greeting above it, on a screen of 24 lines.
greeted() {
	sed '/^guest:.*# /q' "$work/screen" >"$work/first"
	cat "$work/first"
	[[ $(wc -l <"$work/first") -le 24 ]] && [[ $(<"$work/first") == *"$(<initramfs/motd)"* ]]
}
all_found() { shows '^ +MAP_POPULATE' && ! grep -i 'not found' "$work/screen"; }

tap_plan 7
tap_check "make shell opens a shell, and exit powers the guest off" ended
tap_check "its greeting is on the first screen, and no log" greeted
tap_check "PROG= is there, and tamstat sees its memory" shows '[0-9]+ sparse +1 +62500000'
tap_check "so is tamrun" shows 'peak committed'
tap_check "so is the demo, under tamtrace, and nothing is missing" all_found
tap_check "so are the tests" shows '^# exit zero 0'
tap_check "the guest knows the size of the terminal" shows '^30 100'
tap_end
