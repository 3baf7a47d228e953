#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CRIU: what a process had touched is there after a restore, and no page more; below tamrun it
# is tamalloc memory again: scripts/tests/criu.sh IMAGE
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
kernel=${1:-build/${KERNEL:-6.12}-$target/vmlinuz}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

guest() {
	scripts/boot --kernel "$kernel" --mem 1G --timeout 600 --program criu --add build/userspace/sparse \
		--add build/userspace/tools/tamrun --add userspace/test/criu/run.sh -- /run.sh </dev/null >"$work/found"
}
of() { # CASE REGEX: of what was found
	cat "$work/found"
	grep -Eqx "$1: $2" "$work/found"
}
# Of 256 MB, each 211th page: 311.
few() { # CASE REGEX
	of "$1" "ready: resident 311;goes on: resident 311, wrong 0, $2;"
}

report=$(guest 2>&1)
status=$?
# Debian 12's does not on 7.3, whatever it is to dump.
if [[ ${KERNEL:-6.12} != 6.12 && $report == *'kerndat_vdso_fill_symtable failed'* ]]; then
	echo "1..0 # SKIP $(criu --version | head -n 1) does not start on this kernel: it cannot read the vDSO"
	exit
fi
dumps_and_restores() { echo "$report" && return "$status"; }

tap_plan 7
tap_check "criu dumps and restores, with tamrun and without" dumps_and_restores
tap_check "below tamrun a region is one again, a page for each first touch" few strict 'region yes, advice no, a read adds 1, a write 1'
tap_check "so is what mmap() gave a process with the mode" few mode 'region yes, advice no, a read adds 1, a write 1'
tap_check "below tamrun --adaptive it is adaptive again" few adaptive 'region yes, advice yes, a read adds 1, a write 1'
tap_check "a pre-dump with tracked writes and what it leaves to the dump restore the same" \
	few incremental 'region yes, advice no, a read adds 1, a write 1'
tap_check "without tamrun a region comes back as plain memory" of plain '.*region no, advice no, .*'
tap_check "an image holds what was touched" of strict '1[0-9]{3} kB of pages'
tap_end
