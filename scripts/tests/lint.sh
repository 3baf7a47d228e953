#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The scripts please shellcheck, the man page mandoc and groff, and each command that a
# reader meets explains itself.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit

mapfile -t scripts < <(grep -lrE '^#!/(bin/bash|bin/sh|usr/bin/env bash)' scripts .ci userspace)
explains_itself() { "$1" --help | grep -q "$1"; }
silent() {
	local said status=0

	said=$("$@" 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && ! $said ]]
}
commands=(scripts/{apply,apps,bench,boot,build,checkout,deb,export,lab,matrix,profile,selftests,setup,test,transcripts}
	scripts/lib/{check-config,guest-files,initramfs,judge,lab-page,tally})

pages=(docs/man/*)
tap_plan $((2 + ${#pages[@]} + ${#commands[@]}))
tap_check "shellcheck finds nothing in ${#scripts[@]} scripts" shellcheck -x "${scripts[@]}"
tap_check "mandoc finds nothing in the man pages" silent mandoc -T lint -W warning "${pages[@]}"
for page in "${pages[@]}"; do
	tap_check "groff finds nothing in ${page##*/}" silent groff -man -Tutf8 -ww -z "$page"
done
for command in "${commands[@]}"; do
	tap_check "$command --help explains it" explains_itself "$command"
done
tap_end
