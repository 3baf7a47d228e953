# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the caller's shell may have set and no script here expects. To be sourced before the
# first cd.

# cd would print where it went, and may go elsewhere.
unset CDPATH
# Scripts change directory.
[[ ! ${TMPDIR-} || $TMPDIR == /* ]] || export TMPDIR=$PWD/$TMPDIR
# What kernel developers call it.
[[ ${ARCH-} != x86 ]] || export ARCH=x86_64
