#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Leaves out one guard of the kernel's after the other and asks whether the tests
# notice. The list is the table in docs/testing.md; the guards are in broken.patch.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
kernel=$top/build/6.12-x86_64-broken/vmlinuz
programs=$top/build/userspace

# "GUARD TEST...": the first and the last column of the table.
# shellcheck disable=SC2016 # Markdown's
table() { sed -nE 's/^\| `([a-z0-9-]+)` \|.*\| ([a-z0-9_, ]+) \|$/\1 \2/p' "$top/docs/testing.md" | tr -d ,; }

# The benchmark's ratio as TAP. All those questions after guards cost a little too.
as_tap() {
	awk -F ': ' '/ strict write, cost relative to plain:/ { print ($2 + 0 < 1.1 ? "ok" : "not ok") " 1 - " $0; seen = 1 }
		END { if (!seen) print "no figure" }'
}

# run GUARD TEST: its TAP in $said and how that ended in $status.
run() {
	local guard=$1 command=("/$2") options=(--smp 2 --timeout 240)
	local program=$programs/tests/$2

	case $2 in
	bench) options=(--icount) program=$programs/bench ;;
	gigantic) options+=(--mem 6G --append 'hugepagesz=1G hugepages=1') ;;
	windows) options+=(--disk 512M) ;; # zram leaves nothing in the swap cache
	model) command+=(--seed 1 --ops 5000) options=(--smp 2 --mem 512M --timeout 600) program=$programs/model ;;
	esac
	for _ in 1 2; do
		status=0
		said=$("$top/scripts/boot" --kernel "$kernel" "${options[@]}" --add "$program" \
			--append "numa=fake=2 tamalloc_break=$guard" -- "${command[@]}" 2>&1) || status=$?
		[[ $2 != bench ]] || said=$(as_tap <<<"$said")
		# QEMU's own race, or a machine that was lost: it has noticed nothing yet.
		((status == 120 || status == 121)) || break
		echo "# $2, $guard: the guest was lost (status $status); booting once more"
	done
}

# A point that failed, or a report or a panic of the kernel's. What ran out of time or
# did not come up has noticed nothing.
is_red() {
	case $status in
	122 | 123) ;;
	0 | 1) grep -q '^not ok' <<<"$said" ;;
	*) false ;;
	esac
}

notices() {
	run "$1" "$2"
	is_red || { echo "$2 ended with $status:"; tail -n 20 <<<"$said"; return 1; }
}

does_not_mind() {
	run nothing "$1"
	((status)) || is_red || ! grep -q '^ok' <<<"$said" || return 0
	tail -n 20 <<<"$said"
	return 1
}

is_complete() {
	diff <(grep -oE 'tamalloc_broken\("[a-z0-9-]+"\)' "$here/broken.patch" | cut -d'"' -f2 | sort -u) \
		<(table | cut -d' ' -f1 | sort -u)
}

mapfile -t lines < <(table)
case ${1-} in
-h | --help)
	cat <<-'END'
	usage: scripts/tests/mutants.sh [GUARD]...

	Leaves out each guard of the table in docs/testing.md, or the GUARDs, and prints
	TAP. Needs: make userspace; scripts/build --broken.
	END
	exit 0 ;;
esac
for guard; do
	[[ " ${lines[*]%% *} " == *" $guard "* ]] || { echo "broken: there is no guard $guard; see docs/testing.md" >&2; exit 125; }
done
wanted=()
for line in "${lines[@]}"; do
	[[ $# -gt 0 && " $* " != *" ${line%% *} "* ]] || wanted+=("$line")
done
mapfile -t tests < <(printf '%s\n' "${wanted[@]#* }" | tr ' ' '\n' | sort -u)
pairs=$(printf '%s\n' "${wanted[@]#* }" | wc -w)

tap_plan $((1 + ${#tests[@]} + pairs))
tap_check "the table in docs/testing.md lists the guards that can be left out" is_complete
for test in "${tests[@]}"; do
	tap_check "$test passes while nothing is left out" does_not_mind "$test"
done
for line in "${wanted[@]}"; do
	for test in ${line#* }; do
		tap_check "$test notices: ${line%% *}" notices "${line%% *}" "$test"
	done
done
tap_end
