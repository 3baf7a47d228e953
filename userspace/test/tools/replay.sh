#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The lab's replay: known answers of textbooks, direct simulators, what it reads and refuses.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
out=$PWD/build/userspace
replay=$out/lab/replay
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { make -s -C userspace OUT="$out" lab "$out/tools/test-lab"; }
simulators_agree() {
	local said status=0

	said=$("$out/tools/test-lab" 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && $(grep -c '^ok' <<<"$said") -eq 7 ]]
}

# counts STRING FRAMES "OPT LRU CLOCK FIFO"
counts() {
	local got

	got=$("$replay" faults --string "$1" --frames "$2" | tail -n 1 | xargs)
	echo "$got"
	[[ $got == "$2 $3" ]]
}
belady='1 2 3 4 1 2 5 1 2 3 4 5'
silberschatz='7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1'
stallings='2 3 2 1 5 2 4 5 3 2 5 2'
both_anomalies() {
	diff <("$replay" anomaly --string "$belady" | xargs -n 5) - <<-'END'
		policy frames more faults more
		FIFO 3 4 9 10
		clock 3 4 9 10
	END
}

# Silberschatz, Galvin and Gagne's exercises.
fits() {
	diff <("$out/lab/exercises" fit en | tr -s ' ' | sed 1d) - <<-'END'
		first fit 212 -> 500 417 -> 600 112 -> 288 426 waits left: 100 176 200 300 183
		best fit 212 -> 300 417 -> 500 112 -> 200 426 -> 600 left: 100 83 88 88 174
		worst fit 212 -> 600 417 -> 500 112 -> 388 426 waits left: 100 83 200 300 276
	END
}
segments() {
	diff <("$out/lab/exercises" segments es | sed 1,5d) - <<-'END'
		<0,430> -> 219 + 430 = 649
		<1,10> -> 2300 + 10 = 2310
		<2,500> excepción: 500 >= 100
		<3,400> -> 1327 + 400 = 1727
		<4,112> excepción: 112 >= 96
		<5,0> excepción: s >= STLR = 5
		segmento 3 en páginas de 256 bytes: <3,400> -> página 400 / 256 = 1, d = 144 -> marco 2 -> 656
	END
}

# Thirty pages, then thirty others. At the end both have taken the faults that ws and pff count.
changing() {
	awk 'function random(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
		BEGIN { for (i = 0; i < 6000; i++) print random(30) + 30 * (i >= 3000) }' >"$work/changing"
	"$replay" phases --tau 200 --points 20 "$work/changing" >"$work/course" &&
		[[ $(tail -n 1 "$work/course" | awk '{ print $4, $5 }') == \
			"$(for what in ws pff; do "$replay" "$what" --tau 200 "$work/changing" | awk 'END { print $3 }'; done | xargs)" ]]
}
# The working set lets the old pages go; without a fault, page fault frequency does not.
transition() {
	awk '{ print } NR > 1 { n++; ws = $2; pff = $3; if (n > 1 && n <= 10 && pff != 30) bad = 1; if ($2 > 60) bad = 1 }
		END { exit bad || n != 20 || ws > 30 || pff != 60 }' "$work/course"
}

refuses() { ends_with 125 "$1" "$replay" "${@:2}"; } # WORDS ARG...
reads() { diff <("$replay" text "$1") <(echo "$2"); }
# Every prefix of a trace is one that was cut off.
cut_anywhere() {
	local size n

	size=$(stat -c %s "$work/trace")
	for ((n = 9; n < size; n++)); do
		head -c "$n" "$work/trace" >"$work/cut"
		refuses 'cut off' info "$work/cut" || return
	done
}
damaged() {
	printf 'tamref 1\n\x24\x05\x03' >"$work/damaged"
	refuses 'damaged at reference 0' info "$work/damaged"
}
# Two pages of the first string are one of 8 kB: 0 1, 2 3, 4 5.
larger() { diff <("$replay" text --page 8 --string '0 1 2 3 1 4 5 0') <(echo 0 1 0 2 0); }
piped() { "$replay" trace --string "$belady" | "$replay" faults --frames 3 | tail -n 1 | grep -qxE ' +3 +7 +10 +9 +9'; }
kinds() {
	printf 'tamref 1\n\x00\x05\x05\x07\x06\x00\x02\x03' >"$work/kinds"
	diff <("$replay" text --kinds "$work/kinds") <(echo 5f 7w 5w) &&
		diff <("$replay" text --only data "$work/kinds") <(echo 7 5) &&
		diff <("$replay" text --only code "$work/kinds") <(echo 5)
}

reduced() {
	"$replay" reduce --frames 3 --string "$belady $belady $silberschatz" >"$work/reduced" &&
		diff <("$replay" faults --policies opt,lru --frames 3,4,5 --string "$belady $belady $silberschatz") \
			<("$replay" faults --policies opt,lru --frames 3,4,5 "$work/reduced")
}

policy() { gcc -shared -fPIC -Wall -Wextra -Werror -I userspace/lab -o "$work/$1.so" "$2"; }
mine() {
	policy nru userspace/lab/examples/nru.c &&
		[[ $("$replay" faults --string "$belady" --policy "$work/nru.so" --frames 5 | xargs) == *'NRU 5 5 5 5 5 5' ]]
}
# FIFO, written against the interface, counts as the replay's own.
fifo_is_fifo() {
	cat >"$work/fifo.c" <<-'END'
		#include <stdlib.h>
		#include <policy.h>
		struct fifo { unsigned int frames, next; };
		static void *start(unsigned int frames, unsigned int pages)
		{
			struct fifo *self = calloc(1, sizeof(*self));
			self->frames = frames + 0 * pages;
			return self;
		}
		static unsigned int victim(void *self, unsigned int page)
		{
			struct fifo *fifo = self;
			return (fifo->next++ + 0 * page) % fifo->frames;
		}
		const struct lab_policy lab_policy = { "mine", start, NULL, victim, NULL, free };
	END
	policy fifo "$work/fifo.c" || return
	"$replay" faults --all --string "$silberschatz $belady $stallings" --policy "$work/fifo.so" |
		awk 'NR > 1 { print; if ($5 != $6) bad = 1 } END { exit bad || NR != 8 }'
}
bad_victim() {
	sed 's/% fifo->frames/+ fifo->frames/' "$work/fifo.c" >"$work/bad.c"
	policy bad "$work/bad.c" && refuses 'mine: victim() says frame 2 of 2' faults --frames 2 --string "$belady" --policy "$work/bad.so"
}
not_a_policy() {
	echo 'int x;' >"$work/none.c"
	policy none "$work/none.c" && refuses 'defines no lab_policy' faults --string "$belady" --policy "$work/none.so"
}

tap_plan 37
tap_check "it compiles" build
tap_check "the replay equals direct simulation on a thousand strings" simulators_agree
tap_check "Belady, Nelson and Shedler (1969) in 3 frames: 7, 10, 9, 9" counts "$belady" 3 '7 10 9 9'
tap_check "and in 4: 6, 8, 10, 10" counts "$belady" 4 '6 8 10 10'
tap_check "Silberschatz's string in 3 frames: 9, 12, 14, 15" counts "$silberschatz" 3 '9 12 14 15'
tap_check "Stallings' string in 3 frames: 6, 7, 8, 9" counts "$stallings" 3 '6 7 8 9'
tap_check "Belady's anomaly is found, under FIFO and clock" both_anomalies
tap_check "and not where there is none" ends_with 0 'none: ' "$replay" anomaly --string '1 2 1 3'
tap_check "first, best and worst fit: the textbook's answers" fits
tap_check "segmentation: the textbook's answers" segments
tap_check "a trace goes through a pipe" piped
tap_check "a run's kind is its strongest, and data and code can be told apart" kinds
tap_check "larger pages merge their parts" larger
printf '1, 2,3\n  4\n' >"$work/numbers"
tap_check "page numbers are read from a file, with commas and lines" reads "$work/numbers" '1 2 3 4'
"$replay" trace --string "$belady 70000 4503599627370495" >"$work/trace"
tap_check "a trace has the pages' own numbers" reads "$work/trace" "$belady 70000 4503599627370495"
tap_check "a reduced trace takes as many faults under OPT and LRU" reduced
tap_check "and is refused for clock and FIFO" refuses 'the trace is reduced' faults "$work/reduced"
tap_check "and for fewer frames" refuses 'right from 3 frames on' faults --policies opt --frames 2 "$work/reduced"
tap_check "in the course of time WS and PFF take the faults of one pass" changing
tap_check "after a change of phase PFF holds the old pages too, the working set does not" transition
tap_check "phases needs one --tau" refuses 'needs one --tau' phases --string '1 2'
tap_check "a policy of one's own is a column" mine
tap_check "FIFO as such a policy counts as the replay's" fifo_is_fifo
tap_check "its frame is checked" bad_victim
tap_check "what defines no policy is refused" not_a_policy
tap_check "a string with letters is refused" refuses "'b' is no page number" faults --string '1 b 2'
tap_check "so is a negative page" refuses "'-2' is no page number" faults --string '1 -2'
tap_check "and one beyond the last" refuses 'beyond the last one' faults --string '1 99999999999999999999'
tap_check "an empty string is refused" refuses 'no references in it' faults --string ' '
tap_check "an empty file is refused" refuses 'it is empty' faults /dev/null
tap_check "so is a trace without a reference" refuses 'no references in it' info <(printf 'tamref 1\n\x03')
tap_check "a trace that was cut off is refused, wherever" cut_anywhere
tap_check "a damaged one is refused" damaged
tap_check "0 frames are refused" refuses '--frames 0: it has to be 1 at least' faults --frames 0 --string '1 2'
tap_check "more frames than pages are refused" refuses 'the string has 2 pages' faults --frames 3 --string '1 2'
tap_check "a file that is not there is named" refuses "$work/none: No such file" faults "$work/none"
tap_check "an unknown command is refused" refuses 'what is guess?' guess
tap_end
