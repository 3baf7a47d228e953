# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2154 # for the scripts that source this, which have set $top
# The architecture that a kernel and its programs are for: ARCH= and PAGE_SIZE=, by lib/arch/, and
# the CPU that QEMU emulates, if CPU= names one.

arch=${ARCH:-x86_64}
[[ -e $top/scripts/lib/arch/$arch ]] || {
	echo "${0##*/}: ARCH=$arch is not supported; there are: $(cd "$top/scripts/lib/arch" && echo *)" >&2
	exit 125
}
# shellcheck source=scripts/lib/arch/x86_64
. "$top/scripts/lib/arch/$arch"
[[ ! ${CPU-} ]] || cpu=$CPU counted_cpu=$CPU
[[ ${PAGE_SIZE:-4K} == 4K || -e $top/kernel-config/$arch-$PAGE_SIZE.config ]] || {
	echo "${0##*/}: PAGE_SIZE=$PAGE_SIZE: $arch has pages of 4K$(cd "$top/kernel-config" &&
		printf '%s\n' "$arch"-*K.config | sed -n "s/^$arch-\(.*K\)\.config/, \1/p" | tr -d '\n')" >&2
	exit 125
}
# Where a busybox for its guests is looked for: another architecture's is unpacked by set-up.
busybox_path() {
	if [[ ${busybox_of[1]-} ]]; then
		echo "$top/build/debian-$arch/bin:$top/build/debian-$arch/usr/bin"
	else
		echo "$top/build/busybox/bin:$PATH"
	fi
}
