#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/build --worktree: an edit in a kernel tree, uncommitted, is what boots.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
top=$PWD
# shellcheck source=scripts/lib/kernel.sh
. scripts/lib/kernel.sh
find_source
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_{AUTHOR,COMMITTER}_NAME=nobody GIT_{AUTHOR,COMMITTER}_EMAIL=nobody@localhost

# A tree as scripts/checkout lays it out, but of the files only that the series touches, or the
# last tree did: git says which have changed since the tag base, and nothing else is asked of it.
tree=$work/tree
lay_out() {
	local file

	git init -q "$tree" && cd "$tree" || return
	while read -r file; do
		mkdir -p "$(dirname "$file")"
		cp "$src/linux-$kernel-stock/$file" "$file" 2>/dev/null
	done <"$work/files"
	git add -f . && git commit -q -m base && git tag base || return
	while read -r file; do cp "$src/linux-$kernel/$file" "$file" 2>/dev/null; done <"$work/files"
	git add -f . && git commit -q -m series
}
{
	echo Makefile # says which kernel it is
	sed -nE 's,^\+\+\+ b/([^\t]+).*,\1,p' "patches/linux-$kernel"/*.patch
	cat "$src/linux-$kernel-worktree.touched" 2>/dev/null
} | sort -u >"$work/files"

try() { scripts/build --worktree "$tree" -- zero; }
as_it_is() { (lay_out) && try; }
# Not committed: the pages keep what they held.
edited() {
	grep -q 'folio_prealloc(vma->vm_mm, vma, vmf->address, true)' "$tree/mm/tamalloc.c" || return
	sed -i 's/\(folio_prealloc(vma->vm_mm, vma, vmf->address, \)true/\1false/' "$tree/mm/tamalloc.c"
	ends_with 1 'not ok' try
}
undone() { git -C "$tree" checkout -q -- mm/tamalloc.c && try; }
new_file() {
	echo 'int tamalloc_of_another_file(void); int tamalloc_of_another_file(void) { return 0; }' >"$tree/mm/another.c"
	echo 'obj-y += another.o' >>"$tree/mm/Makefile"
	try && [[ -e $src/linux-$kernel-worktree/out-${ARCH:-x86_64}/mm/another.o ]]
}
no_tag() { git -C "$tree" tag -d base >/dev/null && ends_with 125 'has no tag base' try; }

tap_plan 6
tap_check "the tree is built, boots and passes" as_it_is
tap_check "an uncommitted edit is in the kernel that boots" edited
tap_check "an edit that was undone is not" undone
tap_check "an untracked source file is compiled" new_file
tap_check "a tree without the tag base is 125" no_tag
tap_check "a missing tree is 125" ends_with 125 'lay one out with' scripts/build --worktree /none
tap_end
