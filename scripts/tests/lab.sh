#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the lab does in the guest: a program's string there, Linux on strings, experiments on
# the running kernel, a program in little memory. The tracer and scripts/lab itself have tracer.sh.
# shellcheck disable=SC2016 # the guest's shell expands what is between single quotes
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
out=$PWD/build/userspace
replay=$out/lab/replay
work=$(mktemp -d)
boot=''
trap '[[ ! $boot ]] || kill "$boot" 2>/dev/null; rm -rf "$work"' EXIT

build() { make -s -C userspace OUT="$out" lab "$out/lab/trace-1.so"; }

# traced NAME COMMAND...: in the guest, with the launcher.
traced() {
	scripts/boot --retry --plugin "$out/lab/trace-1.so,out=$work/$1" --add "$out/lab/launch" -- "${@:2}"
}
alone_or_not() {
	traced alone sh -c ': & /launch /bin/busybox seq 1 500; s=$?; wait $!; exit $s' >"$work/out-alone" &&
		traced busy sh -c 'while :; do :; done & /launch /bin/busybox seq 1 500; s=$?; kill $!; exit $s' >"$work/out-busy" &&
		cmp "$work/out-alone" <(seq 1 500) && cmp "$work/out-busy" <(seq 1 500) && cmp "$work/alone" "$work/busy" &&
		"$replay" info "$work/busy" && [[ $("$replay" info "$work/busy" | awk '$1 == "references" { print $2 }') -gt 100000 ]]
}
# Pages 1 to 60 in turn, 20 times; and a string with locality.
linux() {
	local i

	for ((i = 0; i < 20; i++)); do seq -s ' ' 1 60; done >"$work/cyclic"
	awk 'BEGIN { srand(16); for (i = 0; i < 60000; i++) { if (rand() < .001) at = int(rand() * 80)
		printf "%d ", rand() < .9 ? at + int(rand() * 12) : int(rand() * 92) } }' >"$work/local"
	for i in cyclic local; do
		"$replay" trace "$work/$i" >"$work/$i.trace" &&
			scripts/boot --retry --add "$out/lab/linux" --add userspace/lab/linux.sh --add "$work/$i.trace" -- \
				sh /linux.sh "/$i.trace" 8 20 30 45 >"$work/$i.found" && cat "$work/$i.found" &&
			[[ $(wc -l <"$work/$i.found") -eq 9 ]] || return
	done
}
# Whatever Linux does, it cannot do better than OPT with the most that it has had.
above_opt() {
	local i kind limit mean most faults opt

	for i in cyclic local; do
		while read -r kind limit mean most faults; do
			opt=$("$replay" faults --policies opt --frames "$most" "$work/$i.trace" | awk 'END { print $2 }')
			echo "$i $kind $limit $mean: $faults, OPT in $most: $opt"
			((faults >= opt)) || return
		done <"$work/$i.found"
	done
}
within_limit() { awk '{ print } $4 > $2 || $3 > $4 || $3 < $2 / 2 { bad = 1 } END { exit bad || NR != 18 }' "$work"/*.found; }
always_faults() { awk '$1 != "mglru" { print; n++; if ($5 != 1200) bad = 1 } END { exit bad || n != 6 }' "$work/cyclic.found"; }

# scripts/lab's own guests, all experiments in one run: each checks itself, and its result is looked up here.
run_live() { scripts/lab --output "$work/lab" --lang en "$@" >"$work/said" 2>&1 || { cat "$work/said"; return 1; }; }
in_guest() { run_live protect frames swapping virtual mmu walk major fetch pages locality alloc slab space cache lists; }
# As many are in use afterwards as before, but for a few that belong to others.
given_back() {
	shows slab 'kmem_cache_alloc: 100' && awk '/^before/ { before = $2 } /^with 100/ { with = $5 } /^(after they ended|without the sheaves) / { after = $4 }
		END { exit !(before && with >= before + 90 && after <= before + 20) }' "$work/lab/data/live.slab.en"
}
# The pages that fetch evicts leave the CPU with free slots of zram, and major wants the disk's.
after_another() {
	scripts/boot --retry --append no5lvl --disk 64M --disk-iops 200 --add "$out/lab/live" --add userspace/lab/live/live.sh -- \
		sh /live.sh en -- fetch major >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
}
by_instructions() { run_live access thrash; }
# shows NAME REGEX...: lines that a reader looks for, in this order.
shows() {
	local rest regex

	rest=$(<"$work/lab/data/live.$1.en")
	echo "$rest"
	for regex in "${@:2}"; do
		regex=${regex//.\*/[^$eol]*}
		[[ $rest =~ $regex ]] || { echo "not seen: $regex"; return 1; }
		rest=${rest#*"${BASH_REMATCH[0]}"}
	done
}
number='[1-9][0-9]*'
eol=$'\n'
# The base is added to each address: the first program's bytes count from 0, the second's from 100.
values() {
	local to=' -> 0x[0-9a-f]+: '

	shows mmu "address +0${to}0$eol" "address +16${to}16$eol" "address +63${to}63$eol" 'address +64: beyond the limit' \
		"address +0${to}100$eol" "address +16${to}116$eol" "address +63${to}163$eol" 'address +64: beyond the limit'
}
major_steps() {
	local offset

	offset=$(sed -n 's/^in the entry.*offset \([0-9]*\)$/\1/p' "$work/lab/data/live.major.en")
	[[ $offset ]] &&
		shows major '1  exception' '2  a frame' "sector $((8 * offset)) = 8 x $offset" '4  the process sleeps' \
			'5  the disk has read' '6  the process is woken' '7  it runs' '8  the entry is set'
}
referenced() {
	shows locality && [[ $(awk 'NR > 1 { print $2, $3 }' "$work/lab/data/live.locality.en" | xargs) == \
		'100 100 300 300 50 50 200 200' ]]
}
# At each level, constant within 20 %.
constant() {
	awk '/^1 \// { print; n++; if (!least || $6 < least) least = $6; if ($6 > most) most = $6 }
		END { exit n != 6 || most > 1.2 * least }' "$work/lab/data/live.access.en"
}
# The processes' sets fit up to five of them; three stopped of eight help the others.
thrashing() {
	awk '$1 ~ /^[0-9]+$/ { print; of[$1] = $2 } /^load control/ { print; controlled = $NF }
		END { for (n = 2; n <= 5; n++) if (of[n] < of[1] * n * .9) exit 1
		      exit !(of[6] < of[5] && of[8] < of[5] && controlled > of[8]) }' "$work/lab/data/live.thrash.en"
}
# Numbers and addresses differ in any case.
words() { sed -E 's/\S*[0-9]\S*//g' "$1"; }
spanish() {
	local file

	for file in "$work"/lab/data/live.*.en; do
		if ! grep -q '[a-z]' "$file" || cmp -s <(words "$file") <(words "${file%en}es"); then
			echo "$file"
			return 1
		fi
	done
	grep -q 'primera lectura' "$work/lab/data/live.cache.es"
}

# QEMU translates the same address, at a system call that has it.
as_qemu_has_it() {
	local port hint='' status=0

	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	scripts/boot --timeout 300 --gdb-port "$port" --append no5lvl --disk 1M --add "$out/lab/live" --add userspace/lab/live/live.sh -- \
		sh /live.sh en -- walk >"$work/walk" 2>"$work/boot" &
	boot=$!
	until [[ $hint ]]; do
		kill -0 "$boot" 2>/dev/null || { cat "$work/boot"; return 1; }
		hint=$(sed -n 's/^boot: waiting for: //p' "$work/boot")
		sleep 0.1
	done
	cat >"$work/gdb" <<-'END'
		hbreak __x64_sys_mincore
		continue
		eval "monitor gva2gpa 0x%lx", *(unsigned long *)($rdi + 112)
		delete
		detach
	END
	eval "timeout 300 $hint -nx -batch -x $work/gdb" >"$work/session" 2>&1 </dev/null
	wait "$boot" || status=$?
	boot=''
	cat "$work/session" "$work/walk"
	[[ $status -eq 0 && $(tr -d '\r' <"$work/session" | sed -n 's/^gpa: 0x//p') == "$(sed -n 's/^  physical address //p' "$work/walk")" ]]
}

program() {
	scripts/lab --output "$work/lab" --lang en program >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
	awk 'NR > 1 { print; if ($4 < last) bad = 1; last = $4 } END { exit bad || NR != 6 || !last }' "$work/lab/data/program"
}
typed_program() { ends_with 125 'is no program' scripts/lab --output "$work/lab" --string '1 2' program; }
page_has_them() {
	local name

	for name in protect frames swapping virtual mmu walk major fetch pages locality alloc slab space cache lists access thrash program; do
		grep -q "<h2 id=\"$name\">" "$work/lab/index.html" || { echo "no $name"; return 1; }
	done
	! grep -nE "\\{\\{|(src|href)=[\"'][^#]|url\\([\"']?[^#\"']|@import" "$work/lab/index.html"
}

tap_plan 31
tap_check "it compiles" build
tap_check "a program's string is the same alone and beside a busy one" alone_or_not
tap_check "Linux replays strings in cgroups of three sizes, in three ways" linux
tap_check "it never takes fewer faults than OPT with the most that was resident" above_opt
tap_check "what is resident stays within the limit" within_limit
tap_check "cyclic access through active and inactive list faults at every reference" always_faults
tap_check "experiments on the running kernel come out as they have to" in_guest
tap_check "a store to a page that may only be read: SIGSEGV, and no W" shows protect 'mprotect.*  P U A NX' 'SIGSEGV, SEGV_ACCERR' 'after the signal .*  P U A NX'
tap_check "a huge page is 512 frames in a row" shows frames 'one huge page: [0-9a-f]+00 - [0-9a-f]+ff, 511 of 511'
tap_check "a process is swapped out and goes on" shows swapping 'VmSwap +1[0-9]{3} kB' 'every byte as it was'
tap_check "three pages of a terabyte are in memory" shows virtual 'pages in memory: 0 -> 3 '
tap_check "base and limit" values
tap_check "the walk ends at pagemap's frame, a huge page's at the PMD" shows walk 'PTE\[  5\].*  P W U A D' 'mapped by 1' 'PMD.*PS'
tap_check "and where QEMU has it" as_qemu_has_it
tap_check "a major fault, step by step, at sector 8 times the swap offset" major_steps
tap_check "pages are fetched on demand, at once, with readahead; replaced locally and globally" shows fetch 'on demand.* 0 +64' 'at once.* 64 +0' ' 0 +1 +64' ' 3 +[2-9] +[0-9]+' "each +0$eol" "both +$number"
tap_check "clean pages cost no write, dirty ones do, locked ones stay, shared ones count two" shows pages 'clean .* 0 +0' "dirty .* 0 +$number" 'locked .* 64 +0' 'a page: 1, after fork: 2'
tap_check "reference bits are those of the pages used: 100, 300, 50, 200" referenced
tap_check "struct page through fork, mlock and dirty; order and gfp flags" shows alloc 'anonymous +[0-9a-f]+  1' 'after fork +[0-9a-f]+  2' 'MLOCKED' 'written to .* DIRTY' 'order=0 .*GFP_HIGHUSER_MOVABLE' 'order=9 .*GFP_TRANSHUGE' 'DMA32'
tap_check "a hundred processes take a hundred task_structs, and give them back" given_back
tap_check "a thread copies no area, a child does; do_mmap and do_vmi_munmap are called" shows space 'for a thread 0, for a child [1-9]' 'do_mmap 1, do_vmi_munmap 1'
tap_check "a second read takes no sector" shows cache 'first read +2048 ' 'second read +0 +0'
tap_check "what is read once is inactive, what is read again active" shows lists 'read once +\+0 +\+[0-9]{4} +0' 'read again +\+[0-9]{4} +-'
tap_check "a page goes to the disk though others went to zram before" after_another
tap_check "by counted instructions, memory's experiments too" by_instructions
tap_check "a fault costs the same at every rate, within 20 %" constant
tap_check "throughput is linear in the processes while their sets fit, then falls; load control helps" thrashing
tap_check "all of them speak Spanish too" spanish
tap_check "an unmodified program prints the same in less and less memory, with ever more faults" program
tap_check "a typed string is no program" typed_program
tap_check "the page has them all, and needs no other file" page_has_them
tap_end
