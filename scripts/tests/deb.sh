#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make deb: what it refuses and what it asks of a configuration. No kernel is compiled.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
mkdir -p build
# Beside the tree, so that its copy is one of links.
work=$(mktemp -d build/deb-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
unset CONFIG LOCALMODCONFIG LSMOD V
out=$work/out obj=$work/out/work/obj

deb() { scripts/deb --output "$out" "$@"; }
leaves_nothing() { ends_with "$@" && [[ ! -e $out ]]; }

# A distribution's config, as far as it matters: debug information, a name of its own,
# keys that are not here.
printf '%s\n' '# Linux/x86 6.1.2 Kernel Configuration' CONFIG_EXPERT=y CONFIG_MODULES=y CONFIG_DEBUG_KERNEL=y \
	CONFIG_DEBUG_INFO_DWARF5=y '# CONFIG_DEBUG_INFO_NONE is not set' CONFIG_DEBUG_INFO_BTF=y \
	'CONFIG_LOCALVERSION="-9-amd64"' CONFIG_KEYS=y CONFIG_CRYPTO=y CONFIG_ASYMMETRIC_KEY_TYPE=y CONFIG_ASYMMETRIC_PUBLIC_KEY_SUBTYPE=y \
	CONFIG_X509_CERTIFICATE_PARSER=y CONFIG_SYSTEM_TRUSTED_KEYRING=y \
	'CONFIG_SYSTEM_TRUSTED_KEYS="debian/certs/x.pem"' CONFIG_DUMMY=m CONFIG_NETDEVICES=y CONFIG_NET=y CONFIG_VETH=m |
	xz >"$work/config.xz"
echo hello >"$work/hello"
echo '# Linux/arm64 6.12.1 Kernel Configuration' >"$work/arm64"
printf 'Module Size Used by\ndummy 1 0\n' >"$work/lsmod"
echo 'Module Size Used by' >"$work/lsmod.none"

# A make after which one option is gone, as Kconfig would drop it.
mkdir "$work/bin"
cat >"$work/bin/make" <<-END
	#!/bin/bash
	for word; do [[ \$word != O=* ]] || sed -i /CONFIG_TAMALLOC/d "\${word#O=}/.config"; done
END
chmod +x "$work/bin/make"
dropped() {
	rm -f "$obj/.config"
	ends_with 1 'tamalloc.config asks for CONFIG_TAMALLOC=y, but it became n' \
		env PATH="$PWD/$work/bin:$PATH" CONFIG="$work/config.xz" scripts/deb --output "$out" &&
		[[ ! -e $obj/.config && ! $(find "$out" -name '*.deb' -o -name config.diff) ]]
}
# Kernel developers have their own configuration in KCONFIG_CONFIG.
configured() {
	echo mine >"$work/mine"
	KCONFIG_CONFIG=$PWD/$work/mine CROSS_COMPILE=none- CONFIG=$work/config.xz deb --configure >"$work/said" || return
	[[ $(<"$work/mine") == mine ]] || return
	cat "$work/said"
	scripts/lib/check-config "$obj/.config" kernel-config/{tamalloc,deb,guest}.config
}
# Without one of them dpkg-buildpackage gives up, after all has been laid out.
set_up_installs_what_packing_needs() {
	local known asked package status=0

	known=$(sed -n '/^need=(/,/)$/p; /^--deb)/,/;;$/p' scripts/setup | tr -c 'a-z0-9-' '\n')
	read -ra asked < <(sed -n '/^Build-Depends/,/^Homepage/{/^Homepage/d; s/^[^:]*: / /; s/<[^>]*>//g; s/([^)]*)//g; s/:native//g; s/,/ /g; p}' \
		"$out/work/linux/scripts/package/mkdebian" | xargs)
	for package in "${asked[@]%-compat}"; do
		[[ $package == gcc-* ]] || grep -qx -- "$package" <<<"$known" || { echo "not $package"; status=1; }
	done
	((${#asked[@]})) && return "$status"
}
says_what_changed() {
	grep 'deb: changed in it: TAMALLOC=y LOCALVERSION=-tamalloc DEBUG_INFO_DWARF5=n DEBUG_INFO_BTF=n .*VIRTIO_PCI=y' "$work/said" &&
		grep -x -- '-CONFIG_LOCALVERSION="-9-amd64"' "$out/config.diff"
}
has() { grep -x "$1" "$obj/.config"; }
only_loaded() {
	has CONFIG_VETH=m && CONFIG=$work/config.xz LOCALMODCONFIG=1 LSMOD=$work/lsmod deb --configure &&
		has CONFIG_DUMMY=m && ! has CONFIG_VETH=m
}
locked() { (flock 8 && deb --configure 8>&-) 8>"$out/work/.lock"; }

tap_plan 17
tap_check "an unknown option is 125" ends_with 125 'what is --none' deb --none
tap_check "an option without its value is 125" ends_with 125 'needs a value' scripts/deb --output
tap_check "two modes at once are 125" ends_with 125 '--check or --configure' deb --check --configure
tap_check "another architecture is 125" leaves_nothing 125 'is for x86_64 only' env ARCH=arm64 scripts/deb --output "$out"
tap_check "a missing configuration is 125 and leaves nothing" \
	leaves_nothing 125 'CONFIG=/none: there is no such file' env CONFIG=/none scripts/deb --output "$out"
tap_check "a configuration for another architecture is 125 and leaves nothing" \
	leaves_nothing 125 'not for x86_64, Linux/arm64' env CONFIG="$work/arm64" scripts/deb --output "$out"
tap_check "LOCALMODCONFIG=1 without a loaded module is 125 and leaves nothing" \
	leaves_nothing 125 'no module is loaded' env CONFIG="$work/config.xz" LOCALMODCONFIG=1 LSMOD="$work/lsmod.none" \
	scripts/deb --output "$out"
tap_check "--dry-run says what it would do and leaves nothing" \
	leaves_nothing 0 'config.xz, Linux/x86 6.1.2' env CONFIG="$work/config.xz" scripts/deb --dry-run --output "$out"
tap_check "a file that is not a configuration is 125" ends_with 125 'is no kernel' \
	env CONFIG="$work/hello" scripts/deb --output "$out"
tap_check "a configuration that drops the call is refused and removed" dropped
tap_check "a distribution's configuration gets the call and loses debug information" configured
tap_check "scripts/setup --deb installs all that packing it needs" set_up_installs_what_packing_needs
tap_check "the changes are reported" says_what_changed
tap_check "signing keys of another tree are dropped" has 'CONFIG_SYSTEM_TRUSTED_KEYS=""'
tap_check "LOCALMODCONFIG=1 keeps the loaded modules" only_loaded
tap_check "a second run at the same time is 125" ends_with 125 'another one is at work' locked
tap_check "--check without a package is 125" ends_with 125 'no package in' deb --check
tap_end
