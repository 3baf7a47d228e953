#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The patch series: it applies both ways, survives the round trip through a work
# tree byte for byte, pleases checkpatch, and each patch compiles alone.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
# No identity, signing or hook of the user's may make a difference.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
kernel=${KERNEL:-6.12}
series=$top/patches/linux-$kernel
source=${KERNEL_SRC:-/usr/src/linux-source-$kernel.tar.xz}
build=$top/build/series

# Always the same place: the compiler is told where the source is, and ccache by that.
work=$build/work
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
tree=$work/tree
patches=("$series"/00{0[1-9],1?}-*.patch)

# The code that the series touches, which is what could fail to compile.
touched=(mm/ fs/proc/ kernel/sys_ni.o kernel/fork.o arch/x86/entry/)

applies_with_git_am() { "$top/scripts/checkout" "$tree"; }

applies_with_patch() {
	git -C "$tree" worktree add -q --detach "$work/plain" base || return
	cat "${patches[@]}" | patch -d "$work/plain" -p1 --fuzz=0 --no-backup-if-mismatch &&
		diff -r --exclude=.git "$work/plain" "$tree"
}

round_trip() {
	"$top/scripts/export" --to "$work/exported" "$tree" && diff -r "$series" "$work/exported"
}

# What checkpatch may say is listed, word for word, and explained in the cover letter.
checkpatch() {
	# A copy: checkpatch takes a file that git tracks for source code, not a patch.
	mkdir "$work/series" && cp "${patches[@]}" "$work/series" || return
	"$tree/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary --show-types \
		"$work"/series/*.patch >"$work/checkpatch"
	sed 's/^[^:]*:[0-9]*: //' "$work/checkpatch" | sort -u | diff - <(cat <<-'END'
		CHECK:OPEN_ENDED_LINE: Lines should not end with a '('
		CHECK:PARENTHESIS_ALIGNMENT: Alignment should match open parenthesis
		WARNING:ENOSYS: ENOSYS means 'invalid syscall nr' and nothing else
		WARNING:MACRO_ARG_UNUSED: Argument 'flag' is not used in function-like macro
		WARNING:MACRO_ARG_UNUSED: Argument 'name' is not used in function-like macro
	END
	)
}

# compiles y|n: configure the commit that is checked out, and compile what is touched
compiles() {
	local out=$build/$1
	mkdir -p "$out"
	cp "$top/build/$kernel-x86_64-stock/.config" "$out/.config" &&
		echo "CONFIG_TAMALLOC=$1" >>"$out/.config" &&
		make -s -C "$tree" O="$out" olddefconfig &&
		make -s -C "$tree" O="$out" CC="$cc" -j"$(nproc)" KCFLAGS=-Werror "${touched[@]}"
}

# Whatever 32-bit emulation pulls in, the file includes what it needs.
compiles_without_compat() {
	local out=$build/y

	"$tree/scripts/config" --file "$out/.config" -d IA32_EMULATION -d X86_X32_ABI &&
		make -s -C "$tree" O="$out" olddefconfig &&
		make -s -C "$tree" O="$out" CC="$cc" KCFLAGS=-Werror mm/tamalloc.o
}

option_is_set() { grep -qx CONFIG_TAMALLOC=y "$build/y/.config"; }
cc=gcc
! command -v ccache >/dev/null || cc='ccache gcc'

tap_plan $((4 + 2 * ${#patches[@]} + 2))
tap_check "the series applies with git am to ${source##*/}" applies_with_git_am
tap_check "it applies with patch -p1, to the same tree" applies_with_patch
tap_check "checkout and export give patches/ again, byte for byte" round_trip
tap_check "checkpatch --strict says what the cover letter explains, and no more" checkpatch
for commit in $(git -C "$tree" rev-list --reverse base..tamalloc); do
	git -C "$tree" checkout -q --detach "$commit"
	subject=$(git -C "$tree" show -s --format=%s)
	for value in y n; do
		tap_check "compiles, CONFIG_TAMALLOC=$value: $subject" compiles $value
	done
done
tap_check "CONFIG_TAMALLOC=y was in force at the end" option_is_set
tap_check "mm/tamalloc.c compiles without 32-bit emulation" compiles_without_compat
tap_end
