#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The scripts please shellcheck, the man page mandoc and groff, and each command that a
# reader meets explains itself.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit

mapfile -t scripts < <(grep -lrE '^#!/(bin/bash|bin/sh|usr/bin/env bash)' scripts .ci userspace)
# What the caller's shell has set is dropped before cd can make a difference.
starts_clean() {
	local script bad=0

	for script in "${scripts[@]}"; do
		[[ $script != userspace/* || $script == userspace/test/tools/* ]] || continue # the guest's
		awk '/^unset CDPATH|^\. .*\/env\.sh"$/ { exit } /(^|[^[:alnum:]_-])cd / && !/^[[:space:]]*#/ { bad = 1; exit } END { exit bad }' "$script" ||
			{ echo "$script: cd before unset CDPATH"; bad=1; }
	done
	return "$bad"
}
# No make for a kernel tree but kernel_make, which keeps the caller's environment out.
# Other directories than kernels are named here.
# shellcheck disable=SC2016 # the dollar is in what is looked for
makes_kernels_cleanly() {
	! grep -nE '(^|[^_[:alnum:]])make (.* )?(O=|-C )' "${scripts[@]}" scripts/lib/*.sh |
		grep -vE 'kernel_make|lint\.sh:| -C (userspace|"\$top(/userspace)?"|"\$clone"|\$sources) '
}
# A usage error says where to look, and is told from any other.
refuses_the_unknown() { ends_with 125 'see --help' "$1" --none; }
# Those of the Makefile's native verbs that are scripts (deb.sh tries deb), and profile.
for_this_machine=(apps bench lab profile trace)
refuses_other_machines() { ends_with 125 'is for x86_64 only' env ARCH=arm64 "scripts/$1"; }
make_refuses_other_machines() { ends_with 2 'is for x86_64 only' make -n "$1" ARCH=arm64; }
explains_itself() { [[ $("$1" --help) == *"$1"* ]]; }
silent() {
	local said status=0

	said=$("$@" 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && ! $said ]]
}
commands=(scripts/{apply,apps,bench,boot,build,checkout,deb,export,lab,matrix,profile,selftests,setup,test,trace,transcripts}
	scripts/lib/{check-config,guest-files,initramfs,judge,lab-page,tally,unpack-debian})

pages=(docs/man/*)
tap_plan $((4 + ${#pages[@]} + 2 * ${#commands[@]} + ${#for_this_machine[@]} + 1))
tap_check "shellcheck finds nothing in ${#scripts[@]} scripts" shellcheck -x "${scripts[@]}"
tap_check "each script drops CDPATH before its first cd" starts_clean
tap_check "make for a kernel is kernel_make everywhere" makes_kernels_cleanly
tap_check "mandoc finds nothing in the man pages" silent mandoc -T lint -W warning "${pages[@]}"
for page in "${pages[@]}"; do
	tap_check "groff finds nothing in ${page##*/}" silent groff -man -Tutf8 -ww -z "$page"
done
for command in "${commands[@]}"; do
	tap_check "$command --help explains it" explains_itself "$command"
	tap_check "$command --none is a usage error, and it says so" refuses_the_unknown "$command"
done
for name in "${for_this_machine[@]}"; do
	tap_check "scripts/$name refuses another architecture" refuses_other_machines "$name"
done
tap_check "make refuses it, too, before it builds anything" make_refuses_other_machines trace
tap_end
