#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/setup: what it asks of apt-get, and what it says if that refuses. Nothing is installed.
# shellcheck disable=SC2119,SC2120 # setup with an option or none
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
unset KERNEL KERNEL_SRC CONFIG

# A machine with the packages of $work/installed, whose apt-get does what $work/does says.
bin=$work/bin
mkdir -p "$bin" "$work/clone/patches/"linux-{6.12,7.3} || exit
cp -a scripts "$work/clone"
touch "$work/installed"
printf '%s\n' '#!/bin/sh' "sed 's/^/installed /' '$work/installed'" >"$bin/dpkg-query"
printf '%s\n' '#!/bin/bash' "echo \"apt-get \$*\" >>'$work/asked'" ". '$work/does'" >"$bin/apt-get"
# shellcheck disable=SC2016 # for that shell
printf '%s\n' '#!/bin/sh' 'exec "$@"' >"$bin/sudo"
printf '%s\n' '#!/bin/sh' 'printf "linux-image-6.12.%s - Linux\n" 9-cloud-amd64 10-cloud-amd64 11-amd64 10-cloud-amd64-dbg' >"$bin/apt-cache"
chmod +x "$bin"/{dpkg-query,apt-get,apt-cache,sudo}
setup() { rm -f "$work/asked" && PATH=$bin:$PATH "$work/clone/scripts/setup" "$@"; }
asked() { cat "$work/asked" && grep -e "$@" "$work/asked"; }
apt_get() { { declare -f package "$1" && echo "$1 \"\$@\""; } >"$work/does"; }

succeeds() { :; }
# What apt-get says with --no-remove, where it would have removed something.
refuses() {
	[[ " $* " == *' install '* ]] || return 0
	printf '%s\n' 'Reading package lists...' 'The following additional packages will be installed:' \
		'  cpp-12 lib32gcc-12-dev' 'The following packages will be REMOVED:' \
		'  gcc-aarch64-linux-gnu* g++-aarch64-linux-gnu' 'The following NEW packages will be installed:' \
		'  lib32gcc-12-dev' 'E: Packages need to be removed but remove is disabled.'
	exit 100
}
# The directory p as a package, in the directory where it was asked for.
package() { # NAME
	mkdir -p p/DEBIAN
	printf '%s\n' "Package: $1" 'Version: 1' 'Architecture: all' 'Maintainer: x <x@localhost>' \
		'Description: x' >p/DEBIAN/control
	dpkg-deb -b p "$1_1_all.deb"
	rm -r p
}
has_busybox() {
	[[ " $* " != *' install '*busybox* ]] || exit 100
	[[ " $* " == *' download '* ]] || return 0
	mkdir -p p/bin
	printf '%s\n' '#!/bin/sh' 'echo static' >p/bin/busybox
	chmod +x p/bin/busybox
	package busybox-static
}
has_kernel() {
	[[ " $* " == *' download '* ]] || return 0
	mkdir -p p/boot
	touch p/boot/vmlinuz-6.12.10
	package "${*: -1}"
}
# Two mirrors, of which the second has the suite with the package.
has_suite() {
	case " $* " in
	*' indextargets '*) printf '%s\n' http://one/debian/ http://two/debian/ http://one/debian/ ;;
	*' update '*) grep -qs ' http://two/debian/ trixie-backports main$' sources.list || exit 100 ;;
	*' download '*)
		mkdir -p p/usr/src
		echo source >p/usr/src/linux-source-7.3.tar.xz
		package linux-source-7.3 ;;
	esac
}

multilib() {
	apt_get succeeds
	setup && asked " gcc-$(gcc -dumpversion | cut -d. -f1)-multilib" && ! asked ' gcc-multilib'
}
removes_nothing() { asked 'install .*--no-remove'; }
all_there() {
	sed -n 's/.* install .*--no-install-recommends //p' "$work/asked" | xargs -n 1 >"$work/installed"
	setup && [[ ! -e $work/asked ]]
}
in_the_way() {
	sed -i /multilib/d "$work/installed"
	apt_get refuses
	ends_with 125 'beside gcc-aarch64-linux-gnu g++-aarch64-linux-gnu, which set-up does not remove' setup
}
beside_busybox() {
	sed -i 's/^busybox-static$/busybox/' "$work/installed"
	apt_get has_busybox
	setup && [[ $("$work/clone/build/busybox/bin/busybox") == static ]] && ! asked 'install .*busybox'
}
once() { setup && ! asked download; }
# Only that is missing then.
kernel_of_debian() {
	sed -i 's/^busybox$/busybox-static/' "$work/installed"
	gcc -dumpversion | sed 's/\..*//; s/.*/gcc-&-multilib/' >>"$work/installed"
	apt_get has_kernel
	setup --stock && asked 'download linux-image-6.12.10-cloud-amd64$' &&
		! grep -v "^apt-get .*-c $work/clone/build/apt/system/apt.conf" "$work/asked" && setup --stock && [[ ! -e $work/asked ]]
}
of_another_suite() {
	apt_get "$1"
	KERNEL=7.3 setup
}
source_of_suite() {
	of_another_suite has_suite && [[ $(<"$work/clone/build/debian/usr/src/linux-source-7.3.tar.xz") == source ]]
}
systems_apt_untouched() {
	cat "$work/asked"
	! grep -v -e "-c $work/clone/build/apt/trixie-backports/apt.conf" -e ' indextargets ' "$work/asked"
}
source_there() { KERNEL=7.3 setup && [[ ! -e $work/asked ]]; }
no_suite() {
	rm -rf "$work/clone/build/debian"
	ends_with 125 "no mirror of this system's has trixie-backports" of_another_suite refuses_all
}
refuses_all() { [[ " $* " == *' indextargets '* ]] && echo http://one/debian/ || exit 100; }

tap_plan 13
tap_check "the package for 32 bits is the one of this gcc, which no cross compiler conflicts with" multilib
tap_check "apt-get may not remove a package" removes_nothing
tap_check "where all is there, apt-get is not run" all_there
tap_check "what stands in the way is named" in_the_way
tap_check "busybox stays, and the static one goes into build/" beside_busybox
tap_check "it is there then" once
tap_check "Debian's own kernel is the newest of the system's sources, and is not installed" kernel_of_debian
tap_check "the source of 7.3 comes from another suite of the system's mirrors, and is unpacked in build/" source_of_suite
tap_check "by an apt-get with settings of its own" systems_apt_untouched
tap_check "it is there then, and apt-get is not run" source_there
tap_check "a suite that no mirror has is named" no_suite
tap_check "an unknown option is 125" ends_with 125 'what is --none?' setup --none
tap_check "two options are 125" ends_with 125 'one option at a time' setup --tests --apps
tap_end
