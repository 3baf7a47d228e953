#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The rule of adaptive first touch: it keeps fewer than twice the touched pages, in every
# state of a small region; a rule that is a little different does not; and what the kernel
# does is the rule.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rule=$top/build/userspace/rule
objects=$(realpath "$top/build/${KERNEL:-6.12}-$target")
header=${objects%/*}/mm/tamalloc_group.h

# keeps "WORST" [OPTION]...: the bound, and the worst case there is was found.
keeps() {
	local said

	said=$("$rule" "${@:2}") || { echo "$said"; return 1; }
	echo "$said"
	[[ $said == *", at worst $1" ]]
}
# fails [OPTION]...: twice as many pages as were touched, by the way that it shows.
fails() {
	local said status=0

	said=$("$rule" "$@") || status=$?
	echo "$said"
	[[ $status -eq 1 && $said == *', 2.'* && $said == *' touch '* ]]
}
# kernel ORDER [HEADER]: the kernel's choice, with page tables of that size.
kernel() {
	mkdir -p "$work/$1"
	cp "${2:-$header}" "$work/$1/tamalloc_group.h" &&
		gcc -O2 -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE "-DPMD_ORDER=$1" -I "$work/$1" \
			-o "$work/$1/kernel" "$top/userspace/test/rule/kernel.c" && "$work/$1/kernel"
}
# An edit of the header that the programs above have to notice.
notices() { # ORDER SED
	sed -E "$2" "$header" >"$work/broken.h"
	! cmp -s "$header" "$work/broken.h" || { echo "$2 changes nothing"; return 1; }
	! kernel "$1" "$work/broken.h" >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
	! grep -E 'error:' "$work/said"
}

tap_plan 13
tap_check "12 pages: at worst 8 for 5" keeps '8 populated for 5 touched, 1.600' --pages 12
tap_check "13 pages: at worst 8 for 5" keeps '8 populated for 5 touched, 1.600' --pages 13
tap_check "page tables that lend to their neighbours" keeps '4 populated for 3 touched, 1.333' \
	--pages 9 --largest 4 --lend
tap_check "half of a group is too little" fails --break half
tap_check "windows in the direction of a walk break it" fails --break windows
tap_check "lending a whole page table breaks it" fails --largest 4 --lend --break lend
tap_check "pages that become young without a touch break it" fails --break young
tap_check "pages that move away from their evidence break it" fails --break move
tap_check "the kernel finds nothing but such groups, in each small table" kernel 4
tap_check "the kernel finds them in walks over tables of full size" kernel 9
tap_check "half is noticed in the kernel's" notices 4 's/(sum) <= (BIT\(order\))( \/ 2)?/\1 < \2\3/'
tap_check "a group beyond the mapping is noticed" notices 4 's/<= in\.end/<= in.end + 8/'
tap_check "the zero page as evidence is noticed" notices 9 's/!pte_special\(any\)/((void)any, true)/'
tap_end
