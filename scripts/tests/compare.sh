#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/lib/compare: what a kernel selftest may do otherwise on tamalloc memory.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"

# COUNTS "WORDS" EXPECTED PLAIN OTHER [STATUS [PLAIN_STATUS]]: what tally makes of compare's
# points on a program that printed PLAIN and OTHER (with \n and \t), and ended with STATUS
# on the latter.
gives() {
	local points counts

	points=$("$here/../lib/compare" <(printf '%b' "$3") <(
		printf '# run cow plain\n%b# end cow plain %s 0 1 60\n' "$4" "${7-0}"
		printf '# run cow tamalloc\n%b# end cow tamalloc %s %s 1 60\n' "$5" "${6-0}" "${replaced-3}"
	) 2>&1)
	counts=$("$here/../lib/tally" <(printf '%s\n' "$points") 2>&1)
	printf '%s\n%s\n' "$points" "$counts"
	[[ ${counts##*$'\n'} == "$1" && $points == *"$2"* ]]
}
none_replaced() { replaced=0 gives "$@"; }

ok='ok 1 a\nok 2 b\n'
passes='2 passed, 0 failed' differs='1 passed, 1 failed'
thp='cow\tskip\t* THP\tno huge page\n'

tap_plan 25
tap_check "the same on both" gives "$passes" '2 subtests pass as on plain' '' "$ok" "$ok"
tap_check "a program that got no memory of the kind shows nothing" \
	none_replaced "$differs" '0 mappings were replaced' '' "$ok" "$ok"
tap_check "a failure" gives "$differs" 'fail on tamalloc: b' '' "$ok" 'ok 1 a\nnot ok 2 b\n' 1
tap_check "a skip" gives "$differs" 'skip on tamalloc: b' '' "$ok" 'ok 1 a\nok 2 b # SKIP why\n'
tap_check "a subtest that is missing" gives "$differs" 'missing on tamalloc: b' '' "$ok" 'ok 1 a\n'
tap_check "a bad exit, though every point passed" gives "$differs" 'exit status 139' '' "$ok" "$ok" 139
tap_check "a time limit" gives "$differs" 'killed on tamalloc after 1 s' '' "$ok" "$ok" 137
tap_check "nothing printed, nothing wrong: its exit status is the result" gives "$passes" '0 subtests' '' '' ''
tap_check "nothing printed, and wrong on both: that shows nothing" gives "$differs" 'nothing is shown' '' '' '' 1 1
tap_check "what fails on plain memory may fail" gives "$passes" '1 fail on plain' '' \
	'not ok 1 a\nok 2 b\n' 'not ok 1 a\nok 2 b\n' 0
tap_check "what skips on plain memory may skip" gives "$passes" '1 skip on both' '' \
	'ok 1 a # SKIP\nok 2 b\n' 'ok 1 a # SKIP\nok 2 b\n'
tap_check "the second of two equal names is one of its own" gives "$differs" 'fail on tamalloc: a (2)' '' \
	'ok 1 a\nok 2 a\n' 'ok 1 a\nnot ok 2 a\n' 1
tap_check "a line of EXPECTED excuses what it names" gives '3 passed, 0 failed' 'intended: * THP: no huge page' \
	"$thp" 'ok 1 a THP\nok 2 b\n' 'ok 1 a THP # SKIP\nok 2 b\n'
tap_check "a failure that is expected excuses the exit status" gives '3 passed, 0 failed' 'intended' \
	'cow\tfail\tb\twhy\n' "$ok" 'ok 1 a\nnot ok 2 b\n' 1
tap_check "it excuses that result only" gives '1 passed, 2 failed' 'fail on tamalloc: a THP' \
	"$thp" 'ok 1 a THP\n' 'not ok 1 a THP\n' 1
tap_check "it excuses that name only" gives '2 passed, 1 failed' 'skip on tamalloc: b' \
	"$thp" 'ok 1 a THP\nok 2 b\n' 'ok 1 a THP # SKIP\nok 2 b # SKIP\n'
tap_check "it excuses that program only" gives "$differs" 'skip on tamalloc: a' \
	'mkdirty\tskip\ta\twhy\n' "$ok" 'ok 1 a # SKIP\nok 2 b\n'
tap_check "a line that nothing needs is a failure" gives '2 passed, 1 failed' 'is expected and is not met' \
	"$thp" "$ok" "$ok"
tap_check "so is one that one of its subtests does not need" gives '2 passed, 1 failed' 'ok: b THP' \
	"$thp" 'ok 1 a THP\nok 2 b THP\n' 'ok 1 a THP # SKIP\nok 2 b THP\n'
tap_check "what began anew counts as it ended" gives "$passes" '2 subtests' '' \
	"$ok" "ok 1 a\nnot ok 2 b\n# again\n$ok"
tap_check "and what it said before does not" gives "$differs" 'missing on tamalloc: b' '' "$ok" "$ok# again\nok 1 a\n"
tap_check "context tells subtests of one name apart" gives "$differs" 'fail on tamalloc: on swap: x' '' \
	'# [RUN] on heap\nok 1 x\n# [RUN] on swap\nok 2 x\n' '# [RUN] on heap\nok 1 x\n# [RUN] on swap\nnot ok 2 x\n' 1
tap_check "userfaultfd's own words" gives "$differs" 'fail on tamalloc: Testing y on anon' '' \
	'Testing x on anon... done\nTesting y on anon... done\n' \
	'Testing x on anon... done\nTesting y on anon... failed [reason: z]\n' 1
tap_check "said twice, they are two" gives "$differs" 'fail on tamalloc: Testing x on anon' '' \
	'Testing x on anon... done\nTesting x on anon... done\n' \
	'Testing x on anon... failed\nTesting x on anon... done\n' 1
tap_check "khugepaged's own words" gives "$differs" 'fail on tamalloc: Collapse y' '' \
	'Collapse x.... OK\nCollapse y.... OK\n' 'Collapse x.... OK\nCollapse y.... Fail\n' 1
tap_end
