#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/lib/check-config: every option that did not become what was asked is named.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%s\n' CONFIG_SMP=y CONFIG_NR_CPUS=64 '# CONFIG_KASAN is not set' 'CONFIG_NAME="a=b"' >"$work/.config"

gives() { # STATUS "WORDS" FRAGMENT
	local status=0 said

	printf '%b\n' "$3" >"$work/fragment"
	said=$("$here/../lib/check-config" "$work/.config" "$work/fragment" 2>&1) || status=$?
	echo "status $status; $said"
	[[ $status -eq $1 && $said == "$2" ]]
}

tap_plan 7
tap_check "requested options that are set pass" gives 0 '' \
	'CONFIG_SMP=y\nCONFIG_NR_CPUS=64\nCONFIG_KASAN=n\n# CONFIG_KASAN is not set\nCONFIG_NAME="a=b"'
tap_check "an unknown option may be off" gives 0 '' 'CONFIG_NONE=n'
tap_check "a dropped option is named" gives 1 \
	'fragment asks for CONFIG_ZRAM=y, but it became n' 'CONFIG_SMP=y\nCONFIG_ZRAM=y'
tap_check "a requested option that is off is named" gives 1 \
	'fragment asks for CONFIG_KASAN=y, but it became n' CONFIG_KASAN=y
tap_check "an option that is on against the request is named" gives 1 \
	'fragment asks for CONFIG_SMP=n, but it became y' '# CONFIG_SMP is not set'
tap_check "a different value is named" gives 1 \
	'fragment asks for CONFIG_NR_CPUS=8, but it became 64' CONFIG_NR_CPUS=8
tap_check "comments request nothing" gives 0 '' '# CONFIG_ZRAM=y would be nice'
tap_end
