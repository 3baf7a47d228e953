#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/bench: what a boot gave is kept whole or not at all.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In scripts/boot's place: figures as the guest prints them, and what MODE breaks.
cat >"$work/boot" <<'END'
#!/bin/bash
[[ $* != *--dry-run* ]] || { echo "'-accel' 'tcg'"; exit; }
[[ $MODE != lost || $* != *'--smp 4'* ]] || { echo 'boot: the machine is lost' >&2; exit 121; }
if [[ $MODE == race && ! -e $0.again ]]; then touch "$0.again"; exit 120; fi
echo 'bench: 1 of 2: write' >&2
echo 'missed  strict write, times mmap: 1.234 (target <= 0.97)' >&2
echo '{"figures": ['
for way in mmap mthp64 thp strict adaptive; do
	for curve in density runs; do
		for density in 0.25 0.5 1; do
			echo '{"case": "'$curve'", "way": "'$way'", "density": '$density', "touched": 1, "cost": 3000.0, "spread": 0, "resident": 1.0},'
		done
	done
done
[[ $MODE != half || $* != *--threads* ]] || exit 0
echo '{"case": "write", "way": "zeroing", "touched": 1, "cost": 528.0, "spread": 0}'
echo ']}'
END
# In scripts/apps' place.
cat >"$work/apps" <<'END'
#!/bin/bash
while [[ $1 != --output ]]; do shift; done
[[ $MODE != wrong ]] || { echo 'redis on tamrun: WRONG' >&2; exit 1; }
mkdir -p "$2"
echo '[{"app": "redis", "memory": "plain", "rss_load": 4711}]' >"$2/apps.json"
echo 'redis plain 4711'
END
chmod +x "$work/boot" "$work/apps"
touch "$work/image"

bench() { # MODE [ARG]...
	MODE=$1 TAMALLOC_BENCH_BOOT=$work/boot TAMALLOC_BENCH_APPS=$work/apps "$top/scripts/bench" --kernel "$work/image" --output "$work/out/bench" "${@:2}"
}
is_json() { perl -MJSON::PP -e 'local $/; decode_json(<STDIN>)' <"$1"; }
has_all() {
	local file

	bench "$1" || return
	is_json "$work/out/bench/bench.json" || return
	grep -q '^missed ' "$work/out/bench/bench.txt" || return
	grep -q '"rss_load": 4711' "$work/out/bench/bench.json" || return
	grep -q '^redis plain 4711' "$work/out/bench/bench.txt" || return
	! grep -E '^(boot|bench): ' "$work/out/bench/bench.txt" || return
	for file in density.svg density.png; do
		[[ -s $work/out/bench/$file ]] || ! command -v gnuplot || return
	done
	[[ $(ls "$work/out") == bench ]]
}
# MODE "WORDS" [ARG]...: an error of these words; what was there stays, and nothing more.
fails() {
	local mode=$1 words=$2 status=0 said

	shift 2
	rm -rf "$work/out"
	mkdir -p "$work/out/bench"
	echo before >"$work/out/bench/bench.json"
	said=$(bench "$mode" "$@" 2>&1) || status=$?
	echo "status $status; $said"
	find "$work/out" -type f
	[[ $status -eq 125 && $said == *"$words"* && $(<"$work/out/bench/bench.json") == before &&
		$(find "$work/out" -type f | wc -l) -eq 1 && $(ls "$work/out") == bench ]]
}
one_alone() {
	rm -rf "$work/out"
	bench good --only threads-2 || return
	is_json "$work/out/bench/threads-2.json" && [[ $(ls "$work/out/bench") == threads-2.json ]]
}
real_guest() {
	"$top/scripts/boot" --icount --add "$top/build/userspace/bench" -- \
		/bench --only stride-1024 --json >"$work/real.json" 2>"$work/real.txt"
	cat "$work/real.txt"
	is_json "$work/real.json" && grep -q 'guest instructions' "$work/real.json" &&
		[[ $(grep -c '"case": "stride-1024"' "$work/real.json") -eq 9 ]]
}

tap_plan 9
tap_check "figures, what was printed and a picture are left" has_all good
tap_check "QEMU's known race is worth another boot" has_all race
tap_check "a boot that fails is an error, and leaves what was there" fails lost 'threads-4 ended with status 121'
tap_check "half a JSON is an error, and leaves what was there" fails half 'threads-2 gave no JSON, or half'
tap_check "a program that fails is an error, and leaves what was there" fails wrong 'redis on tamrun: WRONG'
tap_check "one boot alone leaves its own figures" one_alone
tap_check "a boot that is not there is an error" fails good 'no boot nonsense' --only nonsense
tap_check "a kernel that is not there is an error" fails good 'no kernel image' --kernel /none
tap_check "a real guest gives a figure for each kind of memory" real_guest
tap_end
