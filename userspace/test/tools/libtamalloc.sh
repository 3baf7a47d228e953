#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# libtamalloc: in the guest, installed and linked to; and what make install does.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
top=$PWD
work=$(mktemp -d)
relative=build/test-install
trap 'rm -rf "$work" {.,userspace}/"$relative"' EXIT
out=$top/build/userspace
installed=(include/tamalloc.h include/tamalloc_syscall.h
	lib/libtamalloc.a lib/libtamalloc.so lib/libtamalloc.so.0 lib/pkgconfig/tamalloc.pc
	share/man/man2/tamalloc.2 share/man/man3/tamalloc.3)

passes_in_guest() {
	local said status=0

	said=$(scripts/boot --add "$out/tools/test-libtamalloc" -- env EXPECT=1 /test-libtamalloc 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && $(grep -c '^ok' <<<"$said") -eq 13 ]]
}

# Also for root with a umask that keeps others out: they have to read what is installed.
install_it() { (umask 077 && make -s -C userspace install-lib OUT="$out" PREFIX=/opt/ta DESTDIR="$work/root"); }
right_files() {
	diff <(printf './%s\n' "${installed[@]}" | sort) <(cd "$work/root/opt/ta" && find . ! -type d | sort) &&
		diff <(echo ./opt/ta) <(cd "$work/root" && find . -mindepth 2 -maxdepth 2)
}

readable() { ! find "$work/root" ! -type l ! -perm -o=r | grep .; }

# The example of the man page, as a reader would compile it.
example() { sed -n '/^#include <stdio.h>/,/^}/p' docs/man/tamalloc.3 | sed 's/^\\&$//; s/\\(aq/'\''/g; s/\\-/-/g; s/\\e/\\/g'; }
compile() { # COMPILER SUFFIX [PKG_CONFIG_OPTION]
	local flags

	flags=$(PKG_CONFIG_PATH=$work/root/opt/ta/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root \
		pkg-config --cflags --libs tamalloc) || return
	example | if [[ $2 == cc ]]; then sed 's/= tamalloc(size)/= static_cast<char *>(tamalloc(size))/'; else cat; fi >"$work/x.$2"
	# shellcheck disable=SC2086 # pkg-config prints words
	"$1" -Wall -Wextra -Werror "${@:3}" -o "$work/x" "$work/x.$2" $flags &&
		[[ $(LD_LIBRARY_PATH=$work/root/opt/ta/lib "$work/x") == '0 x' ]]
}
is_linked_to() { readelf -d "$work/x" | grep 'libtamalloc.so.0' >/dev/null; }

# Installs as root, with a fake ldconfig that reports that it ran.
runs_ldconfig() {
	mkdir "$work/bin" && printf '#!/bin/sh\necho ldconfig ran\n' >"$work/bin/ldconfig" &&
		printf '#!/bin/sh\necho 0\n' >"$work/bin/id" && chmod +x "$work"/bin/* || return
	export PATH=$work/bin:$PATH
	diff <(make -s -C userspace install-lib OUT="$out" PREFIX="$work/real"
		make -s -C userspace install-lib OUT="$out" PREFIX=/real DESTDIR="$work") <(echo 'ldconfig ran')
}
relative_destdir() {
	make -s install PREFIX=/opt/ta DESTDIR="$relative" && find "$relative" userspace -path '*opt/ta*' &&
		[[ -e $relative/opt/ta/lib/libtamalloc.a && -e $relative/opt/ta/bin/tamrun ]]
}
# Says each file that is there afterwards, and what the machine needs to find them.
says_what() {
	local said

	export PATH=$work/bin:$PATH
	said=$(make -s install PREFIX="$work/said") && echo "$said" &&
		diff <(sed -n 's/^  //p' <<<"$said" | sort) <(cd "$work/said" && find . ! -type d | sed 's,^\./,,' | sort) &&
		[[ $said == *"LD_LIBRARY_PATH names $work/said/lib"* && $said == *"PATH has no $work/said/bin"* ]] &&
		said=$(make -s install PREFIX=/opt/ta DESTDIR="$work/packed") && ! grep PATH <<<"$said"
}
# Other files of the same directories stay.
uninstall() {
	export PATH=$work/bin:$PATH
	touch "$work/packed/opt/ta/bin/other" && make -s uninstall PREFIX="$work/said" &&
		make -s uninstall PREFIX=/opt/ta DESTDIR="$work/packed" && find "$work/said" "$work/packed" &&
		diff <(find "$work/said" "$work/packed" ! -type d) <(echo "$work/packed/opt/ta/bin/other") &&
		[[ ! -e $work/said/lib/tamalloc ]]
}
same_version() {
	local tool version

	version=$(PKG_CONFIG_PATH=$work/root/opt/ta/lib/pkgconfig pkg-config --modversion tamalloc) && [[ $version ]] || return
	for tool in tam{run,stat,trace}; do
		diff <(echo "$tool (tamalloc) $version") <("$out/tools/$tool" --version) || return
	done
}
refuses() { # PREFIX...
	local prefix said

	for prefix; do
		said=$(make -s -C userspace install-lib OUT="$out" PREFIX="$prefix" DESTDIR="$work/refused" 2>&1) && return 1
		echo "$said"
		[[ $said == *"PREFIX=$prefix"* && ! -e $work/refused ]] || return
	done
}

tap_plan 15
tap_check "it compiles" make -s -C userspace lib tool-tests OUT="$out"
tap_check "its tests pass on a kernel with the call" passes_in_guest
tap_check "make install needs no more than an empty DESTDIR" install_it
tap_check "make install installs the right files and nothing elsewhere" right_files
tap_check "everybody can read them, whatever the umask" readable
tap_check "pkg-config links the manual's example statically, and it runs" compile gcc c -static
tap_check "pkg-config links it to the shared library, and it runs" compile gcc c
tap_check "that program needs the shared library" is_linked_to
tap_check "C++ can use it" compile g++ cc
tap_check "make install runs ldconfig, but not with DESTDIR" runs_ldconfig
tap_check "make install says what is where, and what programs need to find it" says_what
tap_check "make uninstall removes that and nothing else" uninstall
tap_check "the tools and pkg-config give the same version" same_version
tap_check "a relative DESTDIR names one directory" relative_destdir
tap_check "a PREFIX that pkg-config could not print is refused" refuses '/opt/a b' /opt/a,b '/opt/a&b' opt/a
tap_end
