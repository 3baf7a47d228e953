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
export RESULTS=$work/results
unset DEBUG WORKTREE LIMIT SINCE V

# Nothing is installed or built for what is refused.
refuses() { ends_with 125 "$1" env PATH="$work/bin:$PATH" scripts/test "${@:2}" && [[ ! -e $RESULTS ]]; }
left_out() {
	ends_with 0 '0 passed, 0 failed, 1 skipped' env LIMIT=1 SINCE=1 scripts/test tally &&
		grep -q 'SKIP left out, as 1 minutes' "$RESULTS/host.tally.tap"
}
one_test() { ends_with 0 '1 passed, 0 failed' scripts/test zero:'reads as zero'; }
counts() { ends_with 0 '17 passed, 0 failed' scripts/test tally; }

mkdir "$work/bin"
printf '#!/bin/sh\necho apt-get was run >&2; exit 1\n' >"$work/bin/apt-get"
chmod +x "$work/bin/apt-get"
tap_plan 6
tap_check "an unknown option is 125" refuses 'what is --none' --none
tap_check "two names are 125" refuses 'one name at a time' uffd wp
tap_check "a name that no test has is 125, and those that there are are listed" refuses 'no test is called none' none
tap_check "one test of a program runs alone" one_test
tap_check "a program of the host's tests runs alone, and is counted" counts
tap_check "past LIMIT nothing begins; what is left out is named and skipped" left_out
tap_end
