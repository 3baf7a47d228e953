# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2154 # the scripts that source this set $top and read $source, $src
# The kernel that the scripts work on: its source, where its trees are, and make for them.
# To be sourced by a script that has set $top.

# shellcheck source=scripts/lib/arch.sh
. "$top/scripts/lib/arch.sh"
kernel=${KERNEL:-6.12}
series_there() { (cd "$top/patches" && printf '%s\n' linux-*) | sed s/linux-// | paste -sd' '; }
[[ -d $top/patches/linux-$kernel ]] || {
	echo "${0##*/}: KERNEL=$kernel: there are series for $(series_there)" >&2
	exit 125
}
# The suite that has the source where Debian 12 has not: set-up unpacks packages from there
# into build/debian/, and installs nothing.
# kernel_package has Debian's own kernel of that version.
case $kernel in
7.3) suite=trixie-backports kernel_package="linux-binary-$kernel.*-cloud-amd64" ;;
*) suite='' kernel_package="linux-image-$kernel.*-cloud-amd64" ;;
esac
# What is new enough for the kernel; Debian 12 has both.
case $kernel in
7.3) clang="clang-19" ;;
*) clang=clang ;;
esac
# debians FILE: where a package of Debian's has put it, or is going to.
debians() {
	local file=/usr/src/$1

	[[ ! $suite || -e $file ]] || file=$(realpath -m "$top/build/debian$file")
	echo "$file"
}
# Debian's own kernel of that version, the newest that set-up has unpacked.
debians_kernel() {
	find "$top/build/debian" \( -name "vmlinuz-$kernel.*" -o -path "*/modules/$kernel.*/vmlinuz" \) 2>/dev/null |
		sort -V | tail -n 1
}
debians_source=$(debians "linux-source-$kernel.tar.xz")

is_kernel_tree() { [[ -f $1/Makefile && -f $1/Kbuild && -d $1/mm ]]; }
# 7.3 for 7.3.4 and for 7.3-rc1.
version_of() { sed -nE '1,9s/^(VERSION|PATCHLEVEL) = ([0-9]+)$/\2/p' "$1/Makefile" | paste -sd.; }
# Why TREE is not the kernel that was asked for.
other_kernel() { # TREE
	local version

	version=$(version_of "$1")
	[[ $version == "$kernel" ]] || echo "is Linux ${version:-of no version}, not $kernel; say KERNEL=$version"
}

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
	elif [[ -d $source ]]; then
		why=$(other_kernel "$source")
		why=${why:+KERNEL_SRC=$source $why}
	fi
	[[ ! $why ]] || { echo "${0##*/}: $why" >&2; exit 125; }
	[[ $source != "$debians_source" ]] || return 0
	name=${source##*/}
	src+=/${name%.tar*}-$(sha1sum <<<"$source" | cut -c1-8)
}

# What $source is, in a line: a tarball changes as a whole. One inside the clone has no name from
# outside, so that a clone which was copied or moved makes nothing again.
origin_of_source() {
	if [[ -d $source ]]; then
		echo "$source"
	else
		echo "${source#"$(realpath "$top")/"} $(stat -c '%s %Y' "$source")"
	fi
}

# The source without the series, by hard links where scripts/build has unpacked it. So
# nothing may write into a file of it or of its copies: git and patch make new ones.
lay_out_base() { # DIR
	local unpacked=$src/linux-$kernel-stock

	mkdir "$1"
	if [[ -e $unpacked.origin && $(<"$unpacked.origin") == "$(origin_of_source)" ]]; then
		# Without the objects that an older clone has there.
		find "$unpacked" -mindepth 1 -maxdepth 1 ! -name 'out-*' -exec cp -al -t "$1" {} +
	elif [[ -d $source ]]; then
		tar -C "$source" --exclude=./.git -cf - . | tar -C "$1" -xf -
	else
		tar -C "$1" --strip-components=1 -xf "$source"
	fi
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
! command -v ccache >/dev/null || ccache=(CC="ccache ${cross}gcc")
