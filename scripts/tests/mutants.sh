#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Leaves out one of the kernel's guards after another and asks whether the tests notice.
# The list is the table in docs/testing.md; the guards are in mutants-*.patch.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
version=${KERNEL:-6.12}
kernel=$top/build/$version-${ARCH:-x86_64}-mutants/vmlinuz
programs=$top/build/userspace

usage() {
	cat <<-'END'
	usage: scripts/tests/mutants.sh [--share K/N | GUARD...]

	Leaves out each guard of the table in docs/testing.md, or the GUARDs, or the Kth of
	N parts of them, and prints TAP. Needs: make userspace; scripts/build --mutants.
	END
}

# "GUARD TEST...": the first and the last column of the table. A TEST is a program of the
# guest, or PROGRAM:PART for some of its tests; matrix:SUBJECT, model, bench. What is left out
# of one kernel only begins with its version.
# shellcheck disable=SC2016 # Markdown's
table() { sed -nE '/^\|[^|]*\|[^|]*\| [0-9.]+: /{/\| '"$version"': /!d}; s/^\| `([a-z0-9-]+)` \|.*\| ([a-z0-9_:, -]+) \|$/\1 \2/p' "$top/docs/testing.md" | tr -d ,; }

# The benchmark's ratio as TAP. Asking for each guard costs a little too.
as_tap() {
	awk -F ': ' '/ strict write, cost relative to plain:/ { print ($2 + 0 < 1.1 ? "ok" : "not ok") " 1 - " $0; seen = 1 }
		END { if (!seen) print "no figure" }'
}

# run GUARD TEST: its TAP in $said and how that ended in $status.
run() {
	local guard=$1 test=$2 parameters='numa=fake=2' command program options=(--smp 2 --timeout 600)

	program=$programs/tests/${test%%:*}
	command=("/${test%%:*}")
	[[ $test != *:* ]] || command+=("${test#*:}")
	case $test in
	bench) options=(--icount) program=$programs/bench ;;
	bound) command+=(quick=1) ;;
	gigantic) options+=(--mem 6G --append 'hugepagesz=1G hugepages=1') ;;
	oom_sigbus*) options+=(--mem 448M) ;; # it fills all of it
	windows*) options+=(--disk 512M) ;; # zram leaves nothing in the swap cache
	races* | threads*) options+=(--parallel) ;;
	model) command+=(--seed 1 --ops 5000) options=(--smp 2 --mem 512M --timeout 600) program=$programs/model ;;
	matrix:*)
		options+=(--disk 256M) program=$programs/matrix
		parameters+=' init_on_alloc=0 init_on_free=0' ;;
	esac
	for _ in 1 2; do
		status=0
		said=$("$top/scripts/boot" --kernel "$kernel" "${options[@]}" --add "$program" \
			--append "$parameters tamalloc_break=$guard" -- "${command[@]}" 2>&1) || status=$?
		[[ $test != bench ]] || said=$(as_tap <<<"$said")
		# A machine that was lost before a point failed has noticed nothing yet.
		[[ $status == 12[01] ]] || break
		! is_red || break
		echo "# $test, $guard: the guest was lost (status $status); booting once more"
	done
}

# A failed point, whatever became of the guest then, or a report or a panic of the kernel's.
is_red() {
	[[ $status -eq 122 || $status -eq 123 ]] || grep -q '^not ok' <<<"$said"
}

notices() {
	run "$1" "$2"
	is_red || { echo "$2 ended with $status:"; tail -n 20 <<<"$said"; return 1; }
}

passes() {
	run nothing "$1"
	((status)) || is_red || ! grep -q '^ok' <<<"$said" || return 0
	tail -n 20 <<<"$said"
	return 1
}

is_complete() {
	diff <(grep -oE 'tamalloc_broken\("[a-z0-9-]+"\)' "$here/mutants-$version.patch" | cut -d'"' -f2 | sort -u) \
		<(table | cut -d' ' -f1 | sort -u)
}

share=1 shares=1
case ${1-} in
-h | --help) usage; exit 0 ;;
--share)
	[[ ${2-} =~ ^([1-9][0-9]*)/([1-9][0-9]*)$ ]] || { echo "mutants: --share needs K/N; see --help" >&2; exit 125; }
	share=${BASH_REMATCH[1]} shares=${BASH_REMATCH[2]}
	shift 2 ;;
esac
mapfile -t lines < <(table)
for guard; do
	[[ " ${lines[*]%% *} " == *" $guard "* ]] || { echo "mutants: there is no guard $guard; see docs/testing.md" >&2; exit 125; }
done

# "TEST GUARD" a line, so that a test is seen to pass once, before all that it has to notice.
pairs=()
while read -r guard tests; do
	[[ $# -eq 0 || " $* " == *" $guard "* ]] || continue
	for test in $tests; do pairs+=("$test $guard"); done
done < <(table)
mapfile -t pairs < <(printf '%s\n' "${pairs[@]}" | LC_ALL=C sort |
	awk -v share=$((share - 1)) -v shares="$shares" '$1 != last { n++; last = $1 } n % shares == share')
mapfile -t tests < <(printf '%s\n' "${pairs[@]% *}" | sort -u)

tap_plan $(((share == 1) + ${#tests[@]} + ${#pairs[@]}))
((share != 1)) || tap_check "the table in docs/testing.md lists the guards that can be left out" is_complete
for test in "${tests[@]}"; do
	tap_check "$test passes while nothing is left out" passes "$test"
	for pair in "${pairs[@]}"; do
		[[ $pair != "$test "* ]] || tap_check "$test notices: ${pair#* }" notices "${pair#* }" "$test"
	done
done
tap_end
