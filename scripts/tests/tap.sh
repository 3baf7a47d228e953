# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# TAP for the host's tests, to be sourced:
#   tap_plan N; tap_check "one sentence" COMMAND [ARG]...; tap_end

tap_count=0 tap_failed=0

tap_plan() { echo "1..$1"; }

# Passes if COMMAND succeeds; else what it said follows as diagnostics.
tap_check() {
	local sentence=$1 said

	shift
	tap_count=$((tap_count + 1))
	if said=$("$@" 2>&1); then
		echo "ok $tap_count - $sentence"
	else
		echo "not ok $tap_count - $sentence"
		echo "# ${said//$'\n'/$'\n'# }"
		tap_failed=1
	fi
}

tap_end() { exit $tap_failed; }
