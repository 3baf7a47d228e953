#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/apply: all of the series or nothing, on trees with git and without.
set -uo pipefail
shopt -s extglob
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=scripts/lib/kernel.sh
. "$top/scripts/lib/kernel.sh"
find_source
stock=$src/linux-$kernel-stock
patched=$src/linux-$kernel
series=("$top/patches/linux-$kernel"/!(0000)-*.patch)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A tree of just the files that the series touches, enough to be taken for a kernel.
mapfile -t files < <(sed -nE 's,^--- a/(.*),\1,p' "${series[@]}" | sort -u)
lay_out() {
	local file

	rm -rf "$work/tree"
	mkdir -p "$work/tree/mm"
	for file in Kbuild Makefile "${files[@]}"; do
		[[ ! -e $stock/$file ]] || (cd "$stock" && cp -a --parents "$file" "$work/tree")
	done
}
sums() {
	(cd "$work/tree" && find . -path ./.git -prune -o -type f -printf '%m %p ' -exec sha1sum {} \; | sort)
}

applies() {
	lay_out
	"$here/../apply" "$work/tree" || return
	sed -nE 's,^\+\+\+ b/(.*),\1,p' "${series[@]}" | sort -u | while read -r file; do
		cmp "$work/tree/$file" "$patched/$file" || return
	done
}
applied_twice() {
	local before

	before=$(sums)
	"$here/../apply" "$work/tree" >"$work/said" && cat "$work/said" &&
		grep -q already "$work/said" && [[ $(sums) == "$before" ]]
}
leaves_nothing() { [[ ! $(find "$work/tree" -name '*.orig' -o -name '*.rej') ]]; }
under_git() {
	lay_out
	git -C "$work/tree" init -q && git -C "$work/tree" add -A &&
		"$here/../apply" "$work/tree" && [[ $(git -C "$work/tree" status --short) ]]
}

# There git would take the tree for a part of the other repository, and skip every file.
inside_another_repository() {
	lay_out
	git -C "$work" init -q && "$here/../apply" "$work/tree" || return
	rm -rf "$work/.git"
	cmp "$work/tree/mm/tamalloc.c" "$patched/mm/tamalloc.c"
}

# The last patch that changes a file of the kernel's cannot find its place.
misfit() {
	local before status=0 last

	lay_out
	# Of the files that it changes, not of those that it brings.
	last=$(sed -nE 's,^--- a/(.*),\1,p' "${series[@]}" | (cd "$stock" && xargs ls -d 2>/dev/null) | tail -n 1)
	echo 'nothing of what was here' >"$work/tree/$last"
	before=$(sums)
	"$here/../apply" "$work/tree" >"$work/said" 2>&1 || status=$?
	cat "$work/said"
	[[ $status -eq 1 && $(sums) == "$before" ]] && leaves_nothing &&
		grep -q "$last" "$work/said" && grep -q '000.*does not fit' "$work/said"
}
# One line of context differs, as far from the change as context goes.
no_fuzz() {
	local status=0

	lay_out
	sed -i 's/^.*CONFIG_PAGE_TABLE_CHECK.*/# another line/' "$work/tree/mm/Makefile"
	"$here/../apply" "$work/tree" >"$work/said" 2>&1 || status=$?
	cat "$work/said"
	[[ $status -eq 1 ]] && grep -q 'another line' "$work/tree/mm/Makefile" && grep -q 'does not fit' "$work/said"
}
half_applied() {
	local before status=0

	lay_out
	"$here/../apply" --upto 2 "$work/tree" || return
	before=$(sums)
	"$here/../apply" "$work/tree" || status=$?
	[[ $status -eq 1 && $(sums) == "$before" ]]
}
# A clone with the series of two kernels, and the tree of a third: KERNEL= has no say.
other_version() { # VERSION PATCHLEVEL
	local series clone=$work/clone tree=$work/other

	rm -rf "$clone" "$tree"
	mkdir -p "$clone" "$tree/mm"
	cp -a "$here/.." "$clone/scripts"
	for series in 1.0 2.3; do
		mkdir -p "$clone/patches/linux-$series"
		printf '%s\n' '--- /dev/null' '+++ b/mm/a' '@@ -0,0 +1 @@' "+$series" >"$clone/patches/linux-$series/0001-a.patch"
	done
	printf '%s\n' "VERSION = $1" "PATCHLEVEL = $2" >"$tree/Makefile"
	touch "$tree/Kbuild"
	KERNEL=1.0 "$clone/scripts/apply" "$tree"
}
by_version() { other_version 2 3 && [[ $(<"$work/other/mm/a") == 2.3 ]]; }
no_series() { ends_with 125 'is Linux 2.4; there are series for 1.0 2.3' other_version 2 4 && [[ ! -e $work/other/mm/a ]]; }
no_tree() {
	local status=0

	"$here/../apply" "$work" || status=$?
	((status == 125))
}

tap_plan 11
tap_check "the series applies, and gives the tree that is built here" applies
tap_check "a series that is applied already is reported, and is no error" applied_twice
tap_check "it leaves no .orig or .rej file" leaves_nothing
tap_check "it applies to a tree under git" under_git
tap_check "it applies to a tree inside another repository" inside_another_repository
tap_check "if a late patch does not fit, it is named and the tree stays as it was" misfit
tap_check "a patch that fits only with fuzz is refused" no_fuzz
tap_check "a tree with half of the series stays as it was" half_applied
tap_check "the tree's version says which series" by_version
tap_check "a tree of another version is 125, and the versions with a series are named" no_series
tap_check "a directory that is no kernel tree is a set-up error" no_tree
tap_end
