#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/build on sources of one's own, in a strange environment, in a clone that moves. The
# kernel is a made-up one of two files, whose Makefile does what the tests look at.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
export KERNEL=6.12
unset ARCH KERNEL_SRC V DEBUG WORKTREE

# The series changes a.c, and b.c stays as it is.
clone=$work/clone linux=$work/linux other=$work/other
mkdir -p "$clone/"{kernel-config,patches/linux-6.12} "$linux/mm"
cp -a scripts Makefile "$clone"
printf '%s\n' '--- a/mm/a.c' '+++ b/mm/a.c' '@@ -1 +1 @@' '-a of the series' '+a of the mutants' \
	>"$clone/scripts/tests/mutants-6.12.patch"
echo CONFIG_A=y | tee "$clone/kernel-config/"{common,x86_64,6.12,tamalloc,programs}.config >/dev/null
cat >"$clone/patches/linux-6.12/0001-a.patch" <<'END'
--- a/mm/a.c
+++ b/mm/a.c
@@ -1 +1 @@
-a
+a of the series
END
echo a >"$linux/mm/a.c"
echo b >"$linux/mm/b.c"
touch "$linux/Kbuild"
# As in the kernel: objtool knows where its sources are, and all objects depend on it.
cat >"$linux/Makefile" <<END
VERSION = 6
PATCHLEVEL = 12
log = echo \$(1) >>'$work/made'
objtool := \$(O)/tools/objtool/objtool
allnoconfig:
	env >'$work/environment'
	cp \$(KCONFIG_ALLCONFIG) \$(or \$(KCONFIG_CONFIG),\$(O)/.config)
prepare:
	mkdir -p \$(O)/mm \$(O)/arch/x86/boot \$(dir \$(objtool))
	[ "\$\$(cat \$(objtool))" = "\$(CURDIR)" ] || { echo "\$(CURDIR)" >\$(objtool); \$(call log,objtool); }
bzImage: prepare
	\$(MAKE) \$(O)/arch/x86/boot/bzImage
\$(O)/arch/x86/boot/bzImage: \$(O)/mm/a.o \$(O)/mm/b.o
	cat \$^ >\$@
\$(O)/mm/%.o: mm/%.c \$(objtool)
	cp \$< \$@
	\$(call log,\$*.o)
END
cp -a "$linux" "$other"
echo 'b of the other' >"$other/mm/b.c"
tar -C "$work" -cJf "$work/linux.tar.xz" linux
mkdir "$work/empty"
echo text >"$work/text.tar"
tar -C "$work" -cf "$work/nothing.tar" empty

image=$clone/build/6.12-x86_64/vmlinuz
build() { : >"$work/made" && KERNEL_SRC=${1-$linux} "$clone/scripts/build" "${@:2}"; }
# What was made is the rest of the words.
makes() { # IMAGE'S CONTENTS, OBJECTS MADE
	echo "image: $(xargs <"$image"); made: $(sort "$work/made" | xargs)"
	[[ $(xargs <"$image") == "$1" && $(sort "$work/made" | xargs) == "$2" ]]
}
all='a.o b.o objtool' ours='a of the series b' others='a of the series b of the other'

first_build() { build && makes "$ours" "$all"; }
again() { build && makes "$ours" ''; }
there_and_back() {
	build "$other" && makes "$others" "$all" && build && makes "$ours" '' && build "$other" && makes "$others" ''
}
tarball() { build "$work/linux.tar.xz" && makes "$ours" "$all"; }
changed_source() {
	sleep 0.01
	echo 'b, edited' >"$other/mm/b.c"
	build "$other" && makes 'a of the series b, edited' "$all" && build && makes "$ours" ''
}
state() { (cd "$clone" && find . ! -name .lock | sort); }
leaves_all() { # as ends_with
	local before

	before=$(state)
	ends_with "$@" && diff <(echo "$before") <(state)
}

says_the_cost() {
	rm -rf "$clone/build"
	build >"$work/said" && cat "$work/said" && grep -q 'built in build/src/linux-.*; remove that' "$work/said"
}

# The names that kernel builds listen to, and one that nobody knows yet.
poisoned() {
	local name names=()

	for name in KCONFIG_CONFIG KCONFIG_ALLCONFIG KBUILD_{OUTPUT,EXTMOD,VERBOSE,SRC} CROSS_COMPILE LLVM M O C KCFLAGS \
		LOCALVERSION INSTALL_PATH UNKNOWN; do
		names+=("$name=$work/poison")
	done
	rm -rf "$clone/build"
	touch "$work/poison"
	env "${names[@]}" MAKEFLAGS="LLVM=poison KCONFIG_CONFIG=$work/poison" KERNEL_SRC="$linux" "$clone/scripts/build" || return
	[[ ! -s $work/poison ]] && grep '^PATH=' "$work/environment" && ! grep poison "$work/environment"
}
from_make() {
	rm -rf "$clone/build" "$work/made"
	make -C "$clone" kernel KERNEL_SRC="$linux" KCONFIG_CONFIG="$work/poison" LLVM=1 CC=poison ARCH=x86 &&
		[[ ! -s $work/poison ]] && ! grep -E 'poison|LLVM' "$work/environment" && makes "$ours" "$all"
}
named_x86() { rm -rf "$clone/build" && ARCH=x86 build && makes "$ours" "$all"; }
# cd would go to scripts/ of another directory, or print where it went.
with_cdpath() {
	rm -rf "$clone/build" "$work/made"
	(cd "$clone" && CDPATH=.:/usr:$work make kernel KERNEL_SRC="$linux") && makes "$ours" "$all" &&
		(cd "$work" && CDPATH=.:/usr KERNEL_SRC=$linux clone/scripts/build) && diff <(ls "$work") <(echo "$listing")
}
relative_tmpdir() {
	local dir

	mkdir -p "$work/empty/tmp"
	dir=$(cd "$work/empty" && TMPDIR=tmp bash -c '. "$0"; cd / && mktemp -d' "$clone/scripts/lib/env.sh") &&
		[[ $dir == "$work/empty/tmp/"* ]]
}

# Ctrl-C: all of the process group gets the signal.
interrupted() {
	local status=0 pid

	sed "s|^bzImage:.*|&\n\ttouch '$work/compiling'; sleep 30|" "$linux/Makefile" >"$other/Makefile"
	set -m
	# Who runs this in the background may have it ignored.
	env --default-signal=INT KERNEL_SRC="$other" "$clone/scripts/build" >"$work/said" 2>&1 &
	pid=$!
	set +m
	for _ in {1..300}; do [[ ! -e $work/compiling ]] || break; sleep 0.1; done
	kill -INT -- "-$pid"
	wait "$pid" || status=$?
	echo "status $status; $(cat "$work/said")"
	((status == 130)) && [[ -e $work/compiling ]] && ! grep 'did not\|line [0-9]' "$work/said"
}
# The mutants' tree is another one.
beside_a_compiler() {
	local pid status=0 patch=$clone/patches/linux-6.12/0001-a.patch

	sed "s|^bzImage:.*|&\n\t! grep -q mutants mm/a.c \|\| { touch '$work/compiling'; sleep 60; }|" \
		"$linux/Makefile" >"$other/Makefile"
	build "$other" || return
	rm -f "$work/compiling"
	set -m
	KERNEL_SRC="$other" "$clone/scripts/build" --mutants >"$work/said" 2>&1 &
	pid=$!
	set +m
	for _ in {1..300}; do [[ ! -e $work/compiling ]] || break; sleep 0.1; done
	sed -i.saved 's/^+a of the series/&, changed/' "$patch"
	KERNEL_SRC="$other" timeout 30 "$clone/scripts/build" || status=$?
	mv "$patch.saved" "$patch"
	rm "$work/compiling" && kill -- "-$pid" && return "$status"
}
# What is compiled after a move is what has changed.
edited_after_move() {
	sed -i 's/^+a of the series/&, edited/' "$clone/patches/linux-6.12/0001-a.patch"
	build && makes 'a of the series, edited b' 'a.o objtool' && again_edited
}
again_edited() { build && makes 'a of the series, edited b' ''; }

tap_plan 27
tap_check "a kernel is built from KERNEL_SRC=" first_build
tap_check "a second time nothing is made" again
tap_check "a second source has a build of its own; going back and forth makes nothing" there_and_back
tap_check "so has a tarball" tarball
tap_check "a source that was edited is built anew, and no other" changed_source
tap_check "what a build of it costs and how to get that back is said" says_the_cost
for command in build checkout "deb --dry-run"; do
	# shellcheck disable=SC2086 # several words
	tap_check "scripts/$command refuses a source that is not there, and removes nothing" \
		leaves_all 125 'no kernel source at /none' env KERNEL_SRC=/none "$clone/scripts/"$command
done
tap_check "a directory that is no kernel tree is 125, and nothing is removed" \
	leaves_all 125 "KERNEL_SRC=$work/empty is not a kernel tree" build "$work/empty"
tap_check "a directory that contains the clone is 125, and nothing is copied" \
	leaves_all 125 "KERNEL_SRC=$work contains this clone" build "$work"
tap_check "scripts/checkout refuses it, too" \
	leaves_all 125 "contains this clone" env KERNEL_SRC="$work" "$clone/scripts/checkout"
for file in text.tar nothing.tar; do
	tap_check "$file, which is no kernel, is refused; nothing is removed and nothing left" \
		leaves_all 1 'could not be unpacked, or holds no kernel tree' build "$work/$file"
done
sed 's/^VERSION = 6/VERSION = 5/' "$linux/Makefile" >"$other/Makefile"
tar -C "$work" -cf "$work/other.tar" other
for command in build checkout; do
	tap_check "scripts/$command refuses a tree of another version, and says which it is" \
		leaves_all 125 "$other is Linux 5.12, not 6.12; say KERNEL=5.12" env KERNEL_SRC="$other" "$clone/scripts/$command"
done
tap_check "scripts/build refuses a tarball of another version, and leaves nothing" \
	leaves_all 125 "$work/other.tar is Linux 5.12, not 6.12; say KERNEL=5.12" build "$work/other.tar"
tap_check "a kernel without a series is 125, and those with one are named" \
	leaves_all 125 'KERNEL=5.12: there are series for 6.12' env KERNEL=5.12 KERNEL_SRC="$other" "$clone/scripts/build"
tap_check "no variable of the caller's kernel builds reaches make" poisoned
tap_check "nor does one that make was given" from_make
tap_check "ARCH=x86 is x86_64" named_x86
tap_check "a build waits for no compiler but of its own tree" beside_a_compiler
tap_check "what Ctrl-C ends says nothing of a failure" interrupted
listing=$(ls "$work")
tap_check "CDPATH changes nothing, and leaves nothing beside the clone" with_cdpath
tap_check "a relative TMPDIR is where it was" relative_tmpdir
mv "$clone" "$work/elsewhere"
clone=$work/elsewhere image=$work/elsewhere/build/6.12-x86_64/vmlinuz
tap_check "a clone that was moved has nothing to make" again
tap_check "what changes after that is compiled, and no more" edited_after_move
tap_end
