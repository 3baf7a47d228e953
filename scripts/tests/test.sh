#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/test: what it refuses, what it leaves out, and that a red job stays red.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Not into the results of the run that this is a part of.
export TAMALLOC_TEST_RESULTS=$work/results
unset DEBUG WORKTREE LIMIT SINCE V

# Nothing is installed or built for what is refused.
refuses() { ends_with 125 "$1" env PATH="$work/bin:$PATH" scripts/test "${@:2}" && [[ ! -e $TAMALLOC_TEST_RESULTS ]]; }
left_out() {
	ends_with 0 '0 passed, 0 failed, 1 skipped' env LIMIT=1 SINCE=1 scripts/test tally &&
		grep -q 'SKIP left out, as 1 minutes' "$TAMALLOC_TEST_RESULTS/host.tally.tap"
}
one_test() { ends_with 0 '1 passed, 0 failed' scripts/test zero:'reads as zero'; }
counts() { ends_with 0 '17 passed, 0 failed' scripts/test tally; }

mkdir "$work/bin"
printf '#!/bin/sh\necho apt-get was run >&2; exit 1\n' >"$work/bin/apt-get"
chmod +x "$work/bin/apt-get"
tap_plan 6
tap_check "an unknown option is 125" refuses 'what is --none' --none
tap_check "two names are 125" refuses 'one name at a time' uffd wp
tap_check "an unknown name is 125, and lists the known ones" refuses 'no test is called none' none
tap_check "one test of a program runs alone" one_test
tap_check "one host test runs alone, and all its points count" counts
tap_check "after LIMIT no stage begins; those left out are named and count as skipped" left_out
tap_end
