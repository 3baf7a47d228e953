# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# TAP for the host's tests, to be sourced:
#   tap_plan N; tap_check "one sentence" COMMAND [ARG]...; tap_end
# where COMMAND may be: ends_with STATUS "WORDS" COMMAND [ARG]...

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

# Passes if COMMAND ends with STATUS and WORDS are in what it says.
ends_with() {
	local status=0 want=$1 words=$2 said

	shift 2
	said=$("$@" 2>&1) || status=$?
	echo "status $status; $said"
	[[ $status -eq $want && $said == *"$words"* ]]
}

tap_end() { exit $tap_failed; }
