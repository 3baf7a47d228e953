#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/test: what it refuses, what it leaves out, and that a red job stays red.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
# Not into the results of the run that this is a part of.
export TAMALLOC_TEST_RESULTS=$work/results
unset DEBUG WORKTREE LIMIT SINCE V

# A machine where everything is missing: nothing is installed or built for what is refused.
refuses() { ends_with 125 "$1" env PATH="$work/bin:$PATH" scripts/test "${@:2}" && [[ ! -e $TAMALLOC_TEST_RESULTS ]]; }
left_out() {
	ends_with 0 '0 passed, 0 failed, 1 skipped' env LIMIT=1 SINCE=1 scripts/test tally &&
		grep -q 'SKIP left out, as 1 minutes' "$TAMALLOC_TEST_RESULTS/host.tally.tap"
}
unknown_debug() { DEBUG=2 refuses 'DEBUG=2 must be' --check; }
# DEBUG=0 goes on to the set-up.
not_debug() { ends_with 125 'the set-up failed' env DEBUG="$1" PATH="$work/bin:$PATH" scripts/test --check; }
makes() { # WORDS, of make's
	local said

	said=$(env -u MAKEFLAGS make --no-print-directory -n kernel "${@:2}") && echo "$said" && [[ $said == *"$1" ]]
}

# What a name makes the set-up do: a clone with the kernels of this one, whose make only writes
# down what it was asked for. No stage begins.
asks_make() { # NAME
	rm -f "$work/asked"
	env PATH="$work/make:$PATH" LIMIT=1 SINCE=1 "$work/clone/scripts/test" "$1" >&2 || :
	cat "$work/asked"
}
only_itself() {
	local asked

	asked=$(asks_make abi 2>/dev/null)
	echo "$asked"
	grep 'userspace .*/tests/abi$' <<<"$asked" && ! grep -E 'headers|tools|all' <<<"$asked"
}
headers_of_selftest() { asks_make selftest | grep ' headers$'; }

# By what an unknown name has listed, in a clone of eight commits.
takes_turns() {
	local git=(env GIT_{AUTHOR,COMMITTER}_DATE=2000-01-01T00:00:00Z git -C "$work/clone" -c user.name=n -c user.email=n)
	local listed

	"${git[@]}" init -q || return
	listed=$(for n in {1..8}; do
		"${git[@]}" commit -q --allow-empty -m "$n"
		LIMIT=70 "$work/clone/scripts/test" none 2>&1 | grep 'stages: '
	done)
	echo "$listed"
	[[ $(grep -cE 'host ports [a-z]+ mutants stock selftests series [a-z ]+$' <<<"$listed") -eq 8 ]] &&
		(($(sort -u <<<"$listed" | wc -l) > 2)) &&
		ends_with 125 'host ports mutants stock selftests series' "$work/clone/scripts/test" none
}

one_test() { ends_with 0 '1 passed, 0 failed' scripts/test zero:'reads as zero'; }
counts() { ends_with 0 '17 passed, 0 failed' scripts/test tally; }

mkdir -p "$work/bin" "$work/make" "$work/clone/build/userspace/tests"
cp -a Makefile kernel-config patches scripts userspace "$work/clone"
# Where Debian 12 has no source of the kernel, the clone has it.
[[ ! -e build/debian ]] || cp -a build/debian "$work/clone/build"
cp -a build/[0-9]*-* "$work/clone/build" && ln -s "$PWD/build/src" "$work/clone/build/src"
printf '%s\n' '#!/bin/sh' "echo \"make \$*\" >>'$work/asked'" >"$work/make/make"
printf '#!/bin/sh\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\necho apt-get was run >&2; exit 1\n' >"$work/bin/apt-get"
chmod +x "$work/bin"/{apt-get,dpkg-query} "$work/make/make"
tap_plan 16
tap_check "an unknown option is 125" refuses 'what is --none' --none
tap_check "two names are 125" refuses 'one name at a time' uffd wp
tap_check "an unknown name is 125, and lists the known ones" refuses 'no test is called none' none
tap_check "an unknown DEBUG= is 125, and named" unknown_debug
tap_check "so it is for make" ends_with 2 'DEBUG=2 must be' make -n kernel DEBUG=2
for value in 0 no; do
	tap_check "DEBUG=$value is no debug kernel" not_debug $value
	tap_check "nor is it for make" makes 'scripts/build ' DEBUG=$value
done
tap_check "DEBUG=1 is one" makes 'scripts/build --debug' DEBUG=1
# First, as it builds the kernel, if that is not there: what follows would only seem to.
tap_check "one test of a program runs alone" one_test
tap_check "a program of the guest has nothing made but itself" only_itself
tap_check "the kernel's headers are installed for the selftest" headers_of_selftest
tap_check "one host test runs alone, and all its points count" counts
tap_check "with LIMIT a stage that depends on the commit comes between ports and mutants" takes_turns
tap_check "after LIMIT no stage begins; those left out are named and count as skipped" left_out
tap_end
