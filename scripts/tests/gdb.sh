#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The session of docs/gdb.md, on a kernel with debug information: scripts/tests/gdb.sh IMAGE
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
kernel=${1:-build/${KERNEL:-6.12}-$target-gdb/vmlinuz}
work=$(mktemp -d)
boot=''
trap '[[ ! $boot ]] || kill "$boot" 2>/dev/null; rm -rf "$work"' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
scripts/boot --kernel "$kernel" --timeout 900 --gdb-port "$port" --add build/userspace/demo -- /demo 1 \
	>"$work/demo" 2>"$work/boot" &
boot=$!

# gdb is called as scripts/boot says.
session() {
	local status=0 hint=''

	until [[ $hint ]]; do
		kill -0 "$boot" 2>/dev/null || { cat "$work/boot"; return 1; }
		hint=$(sed -n 's/^boot: waiting for: //p' "$work/boot")
		sleep 0.1
	done
	eval "timeout 900 $hint -nx -batch -x scripts/first-touch.gdb" >"$work/session" 2>&1 </dev/null || status=$?
	cat "$work/session"
	[[ $status -eq 0 && $(<"$work/session") == *'Inferior 1 (process 1) detached'* ]]
}
shows() { # REGEX...: in this order
	local rest regex

	rest=$(<"$work/session")
	echo "$rest"
	for regex; do
		[[ $rest =~ $regex ]] || { echo "not seen: $regex"; return 1; }
		rest=${rest#*"${BASH_REMATCH[0]}"}
	done
}
same_address() {
	local address

	address=$(sed -n 's/^addr is \(0x[0-9a-f]*\)\..*/\1/p' "$work/demo")
	echo "the demo's address: $address"
	[[ $address ]] && shows real_address "= $address"
}
demo_ends() {
	cat "$work/boot" "$work/demo"
	[[ $status -eq 0 && $(<"$work/demo") == *MAP_POPULATE* ]]
}
# The document shows the commands of the file.
documented() { diff <(sed -n 's/^+//p' docs/gdb.md) <(sed '1,/trace-commands/d; /^#/d; /^$/d' scripts/first-touch.gdb); }

tap_plan 10
tap_check "the session of scripts/first-touch.gdb goes to its end" session
# Without gdb, the guest waits for ever.
((!tap_failed)) || kill "$boot"
status=0
wait "$boot" || status=$?
boot=''
tap_check "it stops in tamalloc_fault(), with its argument" shows 'Temporary breakpoint 1, tamalloc_fault \(vmf='
tap_check "the kernel's scripts are loaded: they know the program" shows 'lx_current' '= "demo'
tap_check "the kernel goes on, and the demo ends well" demo_ends
tap_check "the address is the one that the demo was given" same_address
tap_check "the flags have their names" shows 'FAULT_FLAG_USER'
tap_check "the backtrace leads from the exception to the fault, with its lines" \
	shows $'#0 +tamalloc_fault [^\n]*tamalloc\\.c:' $'handle_mm_fault [^\n]*memory\\.c:' exc_page_fault
tap_check "the entry is not there before, and afterwards present and writable" \
	shows 'PAGE ENTRY IS NOT PRESENT' 'Value returned' 'level 1:' 'entry present +True' 'read/write access allowed +True'
tap_check "docs/gdb.md shows these commands" documented
tap_check "a port that is no number is refused" ends_with 125 'is not the number of a port' scripts/boot --gdb-port x -- true
tap_end
