#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/bench: it keeps the figures of all boots or of none.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In place of scripts/boot: figures as the guest prints them, broken as MODE says.
cat >"$work/boot" <<'END'
#!/bin/bash
[[ $* != *--dry-run* ]] || { echo "'-accel' 'tcg'"; exit; }
[[ $MODE != lost || $* != *'--smp 4'* ]] || { echo 'boot: the machine is lost' >&2; exit 121; }
[[ $MODE != race || $* == *--retry* || $* != *--smp* ]] || exit 120
echo 'bench: 1 of 2: write' >&2
echo 'missed  strict write, cost relative to plain: 1.234 (target <= 0.97)' >&2
echo '{"figures": ['
for kind in plain mthp64 thp strict adaptive; do
	for curve in density runs; do
		for density in 0.25 0.5 1; do
			echo '{"case": "'$curve'", "kind": "'$kind'", "density": '$density', "touched": 1, "cost": 3000.0, "spread": 0, "resident": 1.0},'
		done
	done
done
[[ $MODE != half || $* != *--threads* ]] || exit 0
echo '{"case": "write", "kind": "zeroing", "touched": 1, "cost": 528.0, "spread": 0}'
echo ']}'
END
# In place of scripts/apps.
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
# MODE "WORDS" [ARG]...: fails with these words; the old files stay, and no new ones come.
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
	"$top/scripts/boot" --icount --timeout 600 --add "$top/build/userspace/bench" -- \
		/bench --only stride-1024 --json >"$work/real.json" 2>"$work/real.txt"
	cat "$work/real.txt"
	is_json "$work/real.json" && grep -q 'guest instructions' "$work/real.json" &&
		[[ $(grep -c '"case": "stride-1024"' "$work/real.json") -eq 9 ]]
}

tap_plan 9
tap_check "it leaves figures, text and a picture" has_all good
tap_check "it boots again after QEMU's known race" has_all race
tap_check "a boot that fails is an error, and changes no file" fails lost 'threads-4 ended with status 121'
tap_check "half a JSON is an error, and changes no file" fails half 'threads-2 left no JSON, or only part'
tap_check "a program that fails is an error, and changes no file" fails wrong 'redis on tamrun: WRONG'
tap_check "--only leaves the figures of that boot alone" one_alone
tap_check "an unknown boot is an error" fails good 'no boot nonsense' --only nonsense
tap_check "a missing kernel is an error" fails good 'no kernel image' --kernel /none
tap_check "a real guest gives a figure for each kind of memory" real_guest
tap_end
