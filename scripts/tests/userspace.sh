#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# userspace/Makefile: it takes the caller's compiler and flags, and compiles again what they,
# or a header, concern, wherever the objects are.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
unset WERROR CFLAGS CPPFLAGS LDFLAGS CC MAKEFLAGS

out=$work/out
# A test of 32 bits, which needs most: asm/ of another width, our library of tests, -static.
build() { make -s -C userspace OUT="$out" "$@" "$out/tests/zero32" "$out/lib/libtamalloc.so"; }
# Not every machine's kernel runs programs of 32 bits.
runs() { "$out/tests/zero32" --list || qemu-i386 "$out/tests/zero32" --list; }
anew() { rm -rf "$out" && build "$@"; }
echo 'static int unused; static void not_called(void) { }' >"$work/warns.h"

on_the_command_line() { anew CFLAGS='-O1 -D_FORTIFY_SOURCE=2 -Wall' LDFLAGS=-Wl,-O1 CPPFLAGS=-DX && runs; }
from_the_environment() { CFLAGS='-O1 -D_FORTIFY_SOURCE=2' LDFLAGS=-Wl,-O1 anew && runs; }
by_clang() { anew CC=clang all lib tools && runs; }
# What is wrong is said, not only how it is meant.
misused() { # PROGRAM "WORDS" [ARG]...
	make -s -C userspace OUT="$out" "$out/$1" && ends_with 125 "$2"$'\nusage: '"$1" env LC_ALL=C "$out/$1" "${@:3}"
}
all_misused() {
	misused demo "demo: '1x' is not a number of MB, 1 or more" 1x && misused demo "demo: '2' is one argument too many" 1 2 &&
		misused model "unrecognized option '--none'" --none && misused model 'model: there is no kind x' --kind x &&
		misused model 'model: --threads 99: at most 16' --threads 99 &&
		misused matrix 'matrix: what is --none?' --none && misused matrix 'matrix: no subject is called x' x &&
		misused bench 'bench: what is --none?' --none && misused bench 'bench: --only needs a CASE' --only &&
		misused walk 'walk: which kind of memory?'
}
help_of_all() {
	local program

	for program in demo model matrix bench; do
		ends_with 0 "usage: $program" env LC_ALL=C "$out/$program" --help || return
	done
}
with_warnings() { CFLAGS="-include $work/warns.h" anew && runs; }
in_ci() { CFLAGS="-include $work/warns.h" WERROR=1 anew; }
# Without gcc-multilib's link /usr/include/asm, the headers of a 32-bit program are all found.
finds_asm() {
	make -nB -C userspace OUT="$out" "$out/obj/32/test/guest/zero.o" | grep -e "-m32 -idirafter /usr/include/$(gcc -print-multiarch) "
}
up_to_date() { build -q; }
other_flags() { anew && up_to_date && ! build -q CFLAGS=-O1; }
other_makefile() { anew && ! build -q -W Makefile; }
moved() {
	anew && mv "$out" "$work/moved" && make -s -q -C userspace OUT="$work/moved" "$work/moved/tests/zero32" &&
		! make -s -q -C userspace OUT="$work/moved" -W test/lib/tap.h "$work/moved/tests/zero32"
}

tap_plan 11
tap_check "CFLAGS, CPPFLAGS and LDFLAGS of the command line are added to" on_the_command_line
tap_check "so are those of the environment" from_the_environment
tap_check "its programs end misuse with 125, and say what is wrong" all_misused
tap_check "--help is none" help_of_all
if command -v clang >/dev/null; then
	tap_check "clang compiles it" by_clang
else
	tap_check "clang compiles it # SKIP there is no clang" true
fi
tap_check "a warning stops nothing" with_warnings
tap_check "except in CI" ends_with 2 -Werror= in_ci
tap_check "asm/ is found without gcc-multilib" finds_asm
tap_check "other flags compile it again, the same do not" other_flags
tap_check "so does another Makefile" other_makefile
tap_check "objects that were moved know their headers" moved
tap_end
