#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tap_main() and run.sh: which tests they run, and what they report if none matches.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
export TESTS_DIR=$PWD/build/userspace/tests
run=userspace/test/guest/run.sh

program() { "$TESTS_DIR/$1" "${@:2}"; }
# On this machine, whose kernel has no tamalloc: a program that fails says its plan first.
plans() { # N PROGRAM [ARG]...
	local said

	said=$(program "${@:2}")
	echo "$said"
	[[ $said == "1..$1"* ]]
}
lists() { # N PROGRAM [ARG]...
	local said

	said=$(program "$2" --list "${@:3}") || return
	echo "$said"
	[[ $(wc -l <<<"$said") -eq $1 ]]
}
# Nothing runs, not even the programs before the one that does not exist.
runs_nothing() {
	local said status=0

	said=$(sh "$run" "$@" 2>&1) || status=$?
	echo "$status: $said"
	[[ $status -eq 2 && $said != *'# program'* ]]
}
# 0.00 s as well, and no octal.
says_time() { sh "$run" enosys | grep -xE '# time enosys [0-9]+\.[0-9]{2}'; }

tap_plan 16
tap_check "it compiles" make -s -C userspace OUT="$PWD/build/userspace" "$TESTS_DIR"/{enosys,uffd,fuzz,inject}
tap_check "--list names each test" lists 9 uffd
tap_check "with a pattern, those that have it in their function" lists 4 uffd wp_
tap_check "or in their sentence, in whatever case" lists 3 uffd 'EVENT WHEN'
tap_check "without a pattern all tests are planned" plans 9 uffd
tap_check "with one, those that it matches" plans 4 uffd wp_
tap_check "a pattern that matches nothing is 2, and lists the tests" ends_with 2 wp_async program uffd 'no such'
tap_check "so it is where all tests would be skipped" ends_with 2 'no test has' program inject 'no such'
tap_check "two patterns are 2" ends_with 2 'usage: ' program uffd wp missing
tap_check "an unknown option is 2" ends_with 2 'usage: ' program uffd --none
tap_check "NAME=NUMBER sets a program's parameter" plans 5 fuzz calls=1000 seed=1
tap_check "and a number that is too small is 2" ends_with 2 'calls has to be a number from 1000 on' program fuzz calls=1
tap_check "run.sh runs the tests of NAME:PATTERN" ends_with 0 'ok 1 - a kernel without' sh "$run" enosys:enosys
tap_check "run.sh says how long a program took" says_time
tap_check "run.sh runs nothing if a program is not there" runs_nothing enosys none
tap_check "nor if a pattern matches nothing" runs_nothing enosys enosys:none
tap_end
