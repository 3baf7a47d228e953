#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The library and the tools on Debian's own kernel, which has no such call.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
top=$PWD
# shellcheck source=scripts/lib/kernel.sh
. scripts/lib/kernel.sh
tools=build/userspace/tools

on_stock() { # FILE... -- COMMAND...
	local add=()

	while [[ $1 != -- ]]; do
		add+=(--add "$tools/$1")
		shift
	done
	scripts/boot --smp 2 --kernel "$(debians_kernel)" "${add[@]}" "$@"
}
# Expects every point, so that one lost to a crash is noticed.
library() {
	local said status=0

	said=$(on_stock test-libtamalloc -- env EXPECT=0 /test-libtamalloc 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && $(grep -c '^ok' <<<"$said") -eq 13 ]]
}

tap_plan 7
tap_check "Debian's kernel is there" scripts/setup --stock
tap_check "libtamalloc's tests pass, by mmap" library
tap_check "tamrun says that the kernel cannot do it, and runs nothing" \
	ends_with 125 'this kernel has no PR_SET_TAMALLOC' on_stock tamrun -- /tamrun sh -c 'exit 3'
tap_check "tamrun --try runs the program" \
	ends_with 3 'this kernel has no PR_SET_TAMALLOC' on_stock tamrun -- /tamrun --try sh -c 'exit 3'
tap_check "tamtrace says that there is no tracepoint" \
	ends_with 125 'has no tamalloc/tamalloc_first_touch' on_stock tamtrace -- /tamtrace true
tap_check "tamstat says that there is no call" \
	ends_with 0 'this kernel has no tamalloc (system call 554: ENOSYS)' on_stock tamstat -- /tamstat
tap_check "tamstat --advise works there" ends_with 0 'tamalloc would save nothing' on_stock tamstat -- \
	sh -c '/tamstat --advise $$'
tap_end
