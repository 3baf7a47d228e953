#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/lib/compare: how a kernel selftest may differ on strict memory.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"

# COUNTS "WORDS" EXPECTED PLAIN STRICT [STATUS [PLAIN_STATUS]]: for a program that printed
# PLAIN and STRICT (with \n and \t) and ended with STATUS on strict memory, compare's points
# have these WORDS in them and tally COUNTS them so.
gives() {
	local points counts

	points=$("$here/../lib/compare" <(printf '%b' "$3") <(
		printf '# run cow plain\n%b# end cow plain %s 0 1 60\n' "$4" "${7-0}"
		printf '# run cow strict\n%b# end cow strict %s %s 1 60\n' "$5" "${6-0}" "${touched-3}"
	) 2>&1)
	counts=$("$here/../lib/tally" <(printf '%s\n' "$points") 2>&1)
	printf '%s\n%s\n' "$points" "$counts"
	[[ ${counts##*$'\n'} == "$1" && $points == *"$2"* ]]
}
none_touched() { touched=0 gives "$@"; }

ok='ok 1 a\nok 2 b\n'
passes='2 passed, 0 failed' differs='1 passed, 1 failed'
thp='cow\tskip\t* THP\tno huge page\n'

tap_plan 29
tap_check "the same results on both" gives "$passes" '2 subtests pass on both' '' "$ok" "$ok"
tap_check "a program that gets no memory of the kind shows nothing" \
	none_touched "$differs" '0 first touches' '' "$ok" "$ok"
tap_check "a failure" gives "$differs" 'fail on strict: b' '' "$ok" 'ok 1 a\nnot ok 2 b\n' 1
tap_check "a skip" gives "$differs" 'skip on strict: b' '' "$ok" 'ok 1 a\nok 2 b # SKIP why\n'
tap_check "a missing subtest" gives "$differs" 'missing on strict: b' '' "$ok" 'ok 1 a\n'
tap_check "the last four lines of the program are told with it" gives "$differs" $'last said on strict:\n#     v\n#     w\n' '' \
	"$ok" 'ok 1 a\nu\nv\nw\nx\nno room\n' 1
tap_check "a bad exit status, though every point passed" gives "$differs" 'exit status 139' '' "$ok" "$ok" 139
tap_check "a program killed at its time limit" gives "$differs" 'killed on strict after 1 s' '' "$ok" "$ok" 137
tap_check "a program that prints nothing: its exit status is the result" gives "$passes" '0 subtests' '' '' ''
tap_check "a program that prints nothing and fails on both shows nothing" gives "$differs" 'that shows nothing' '' '' '' 1 1
tap_check "what fails on plain memory may fail" gives "$passes" '1 fail on plain' '' \
	'not ok 1 a\nok 2 b\n' 'not ok 1 a\nok 2 b\n' 0
tap_check "what skips on plain memory may skip" gives "$passes" '1 skip on plain' '' \
	'ok 1 a # SKIP\nok 2 b\n' 'ok 1 a # SKIP\nok 2 b\n'
tap_check "the second of two equal names counts on its own" gives "$differs" 'fail on strict: a (2)' '' \
	'ok 1 a\nok 2 a\n' 'ok 1 a\nnot ok 2 a\n' 1
tap_check "a line of EXPECTED excuses what it names" gives '3 passed, 0 failed' 'intended: * THP: no huge page' \
	"$thp" 'ok 1 a THP\nok 2 b\n' 'ok 1 a THP # SKIP\nok 2 b\n'
tap_check "a failure that is expected excuses the exit status" gives '3 passed, 0 failed' 'intended' \
	'cow\tfail\tb\twhy\n' "$ok" 'ok 1 a\nnot ok 2 b\n' 1
tap_check "so does an expected end" gives '3 passed, 0 failed' 'intended' \
	'cow\tmissing\tb\twhy\n' "$ok" 'ok 1 a\n' 1
tap_check "neither excuses a crash" gives '2 passed, 1 failed' 'exit status 139' \
	'cow\tmissing\tb\twhy\n' "$ok" 'ok 1 a\n' 139
tap_check "nor does a failure on plain memory" gives "$differs" 'exit status 139 on strict, 1 on plain' '' "$ok" "$ok" 139 1
tap_check "it excuses only that result" gives '1 passed, 2 failed' 'fail on strict: a THP' \
	"$thp" 'ok 1 a THP\n' 'not ok 1 a THP\n' 1
tap_check "it excuses only that name" gives '2 passed, 1 failed' 'skip on strict: b' \
	"$thp" 'ok 1 a THP\nok 2 b\n' 'ok 1 a THP # SKIP\nok 2 b # SKIP\n'
tap_check "it excuses only that program" gives "$differs" 'skip on strict: a' \
	'mkdirty\tskip\ta\twhy\n' "$ok" 'ok 1 a # SKIP\nok 2 b\n'
tap_check "an unneeded line is a failure" gives '2 passed, 1 failed' 'was expected, but is not what happened' \
	"$thp" "$ok" "$ok"
tap_check "so is a line that one of its subtests does not need" gives '2 passed, 1 failed' 'ok: b THP' \
	"$thp" 'ok 1 a THP\nok 2 b THP\n' 'ok 1 a THP # SKIP\nok 2 b THP\n'
tap_check "a second try counts" gives "$passes" '2 subtests' '' \
	"$ok" "ok 1 a\nnot ok 2 b\n# again\n$ok"
tap_check "and the first one does not" gives "$differs" 'missing on strict: b' '' "$ok" "$ok# again\nok 1 a\n"
tap_check "context tells subtests of one name apart" gives "$differs" 'fail on strict: on swap: x' '' \
	'# [RUN] on heap\nok 1 x\n# [RUN] on swap\nok 2 x\n' '# [RUN] on heap\nok 1 x\n# [RUN] on swap\nnot ok 2 x\n' 1
tap_check "userfaultfd's own words" gives "$differs" 'fail on strict: Testing y on anon' '' \
	'Testing x on anon... done\nTesting y on anon... done\n' \
	'Testing x on anon... done\nTesting y on anon... failed [reason: z]\n' 1
tap_check "the same words twice are two results" gives "$differs" 'fail on strict: Testing x on anon' '' \
	'Testing x on anon... done\nTesting x on anon... done\n' \
	'Testing x on anon... failed\nTesting x on anon... done\n' 1
tap_check "khugepaged's own words" gives "$differs" 'fail on strict: Collapse y' '' \
	'Collapse x.... OK\nCollapse y.... OK\n' 'Collapse x.... OK\nCollapse y.... Fail\n' 1
tap_end
