# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2154 # the scripts that source this set $top and read $source, $src
# The kernel that the scripts work on: its source, where its trees are, and make for them.
# To be sourced by a script that has set $top.

kernel=${KERNEL:-6.12}
debians_source=/usr/src/linux-source-$kernel.tar.xz

is_kernel_tree() { [[ -f $1/Makefile && -f $1/Kbuild && -d $1/mm ]]; }

# Sets $source, the kernel's source, and $src, where its trees and objects are: each source has
# a directory of its own.
find_source() {
	local name why=''

	source=$(realpath -m "${KERNEL_SRC:-$debians_source}")
	src=$top/build/src
	if [[ ! -e $source ]]; then
		why="no kernel source at $source; run scripts/setup, or set KERNEL_SRC="
	elif [[ $(realpath "$top")/ == "${source%/}"/* ]]; then
		why="KERNEL_SRC=$source contains this clone; name a kernel tree or a tarball"
	elif [[ -d $source ]] && ! is_kernel_tree "$source"; then
		why="KERNEL_SRC=$source is not a kernel tree: it has no Makefile, Kbuild and mm/"
	fi
	[[ ! $why ]] || { echo "${0##*/}: $why" >&2; exit 125; }
	[[ $source != "$debians_source" ]] || return 0
	name=${source##*/}
	src+=/${name%.tar*}-$(sha1sum <<<"$source" | cut -c1-8)
}

# make for a kernel tree. Of the caller's environment it sees where programs and temporary
# files are: KCONFIG_CONFIG, KBUILD_OUTPUT, CROSS_COMPILE, LLVM, MAKEFLAGS and their like are
# meant for the caller's own kernels.
kernel_make() {
	local name kept=()

	for name in PATH HOME TMPDIR LD_LIBRARY_PATH "${!CCACHE_@}" "${!XDG_@}"; do
		[[ ! ${!name+set} ]] || kept+=("$name=${!name}")
	done
	env -i "${kept[@]}" KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=tamalloc KBUILD_BUILD_HOST=tamalloc make "$@"
}
# ccache, where it is there, makes the second cold build a short one.
ccache=()
! command -v ccache >/dev/null || ccache=(CC="ccache gcc")
