#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/lib/tally: counts what was planned, and says what is wrong with the rest.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"

# STATUS "LAST LINE" "WORDS" TAP: what tally makes of TAP (with \n for new lines).
gives() {
	local status=0 said

	said=$("$here/../lib/tally" <(printf '%b' "$4") 2>&1) || status=$?
	echo "status $status; $said"
	[[ $status -eq $1 && ${said##*$'\n'} == "$2" && $said == *"$3"* ]]
}
no_file() {
	local status=0

	"$here/../lib/tally" /nonexistent || status=$?
	((status == 125))
}
a='# program a\n'

tap_plan 17
tap_check "all passed" gives 0 '2 passed, 0 failed' '' '1..2\nok 1 - x\nok 2 - y\n'
tap_check "several sections add up" gives 0 '2 passed, 0 failed' '' \
	"${a}1..1\nok 1 - x\n# exit a 0\n# program b\n1..1\nok 1 - y\n# exit b 0\n"
tap_check "a failure is named with what it said" gives 1 '0 passed, 1 failed' 'got 3, not 4' \
	'1..1\nnot ok 1 - x\n# got 3, not 4\n'
tap_check "also with its output before the point" gives 1 '1 passed, 1 failed' 'got 3, not 4' \
	'1..2\nok 1 - w\n# got 3, not 4\nnot ok 2 - x\n'
tap_check "but not with another's output" gives 1 '1 passed, 1 failed' $'x\n1 passed' \
	'1..2\n# got 3, not 4\nok 1 - w\nnot ok 2 - x\n'
tap_check "a skip is neither" gives 0 '1 passed, 0 failed, 1 skipped' '' '1..2\nok 1 - x\nok 2 - y # SKIP why\n'
tap_check "a skip does not hide a failure before it" gives 1 '0 passed, 1 failed, 1 skipped' '' \
	'1..2\nnot ok 1 - x\nok 2 - y # SKIP why\n'
tap_check "a whole section may be skipped" gives 0 '0 passed, 0 failed, 1 skipped' '' "${a}1..0 # SKIP why\n# exit a 0\n"
tap_check "no plan" gives 3 '1 passed, 1 failed' 'no plan' "ok 1 - x\n"
tap_check "no output at all" gives 3 '0 passed, 1 failed' 'no plan' ''
tap_check "zero tests" gives 1 '0 passed, 1 failed' 'no tests' '1..0\n'
tap_check "too few" gives 4 '1 passed, 1 failed' 'cut off: 1 of 2' '1..2\nok 1 - x\n'
tap_check "too many" gives 1 '2 passed, 1 failed' '2 tests where 1' '1..1\nok 1 - x\nok 2 - y\n'
tap_check "bailed out" gives 1 '0 passed, 1 failed' 'ENOSYS' "${a}Bail out! ENOSYS\n# exit a 1\n"
tap_check "a missing end" gives 4 '1 passed, 1 failed' 'its end is missing' "${a}1..1\nok 1 - x\n"
tap_check "a bad exit after passes" gives 1 '1 passed, 1 failed' 'exit status 139' "${a}1..1\nok 1 - x\n# exit a 139\n"
tap_check "a missing file" no_file
tap_end
