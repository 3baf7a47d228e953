# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # for the scripts that source this
# What the caller's shell may have set and no script here expects. To be sourced before the
# first cd.

# cd would print where it went, and may go elsewhere.
unset CDPATH
# Scripts change directory.
[[ ! ${TMPDIR-} || $TMPDIR == /* ]] || export TMPDIR=$PWD/$TMPDIR
# What kernel developers call it.
[[ ${ARCH-} != x86 ]] || export ARCH=x86_64
[[ ${PAGE_SIZE-} != 4[Kk] ]] || unset PAGE_SIZE
# What a build is for, in the names of directories (arm64-16K), and where its programs are.
target=${ARCH:-x86_64}${PAGE_SIZE:+-$PAGE_SIZE}
userspace=build/userspace
[[ ${ARCH:-x86_64} == x86_64 ]] || userspace+=-$ARCH
# For what looks at programs of this machine, or at x86-64's instructions and page tables.
x86_64_only() {
	[[ ${ARCH:-x86_64} == x86_64 ]] || { echo "${0##*/} is for x86_64 only, not for ARCH=$ARCH: docs/ports.md" >&2; exit 125; }
}
