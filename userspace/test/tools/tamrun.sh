#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tamrun: what a program gets from it in the guest, what it says, what it installs.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
out=$PWD/build/userspace
tools=$out/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Ten programs that print their own maps, each with an allocator or an interpreter.
programs=(/usr/bin/{cat,sort,sed,mawk,grep,perl,tac,head,bash,python3})
# shellcheck disable=SC2016 # for the guest's shell, and for those programs
write_scripts() {
	local program words=''

	for program in "${programs[@]}"; do
		case ${program##*/} in
		sed) set -- -n p ;;
		mawk) set -- '{ print }' ;;
		grep) set -- . ;;
		perl) set -- -pe 1 ;;
		head) set -- -n 1000 ;;
		bash) set -- -c 'while read -r line; do echo "$line"; done <"$0"' ;;
		python3) set -- -S -c 'import sys; print(open(sys.argv[1]).read())' ;;
		*) set -- ;;
		esac
		(($# == 0)) || printf -v words '%q ' "$@"
		echo "${program##*/} $program $words"
		words=''
	done >"$work/programs"
	cat >"$work/maps" <<-'END'
		echo 0 >/proc/sys/kernel/randomize_va_space
		while read -r name command; do
			for run in env /tamrun "/tamrun --adaptive"; do
				eval "$run $command /proc/self/maps" 2>/dev/null >/tmp/maps
				echo "$name $(wc -l </tmp/maps) $(grep -c 'anon:tamalloc' /tmp/maps)"
			done
		done </programs
	END
	cat >"$work/stats" <<-'END'
		stats() { # WORD COMMAND...
			word=$1
			shift
			"$@" 2>&1 | sed "s/^/$word /"
		}
		stats self /tamrun --stats /test-tamrun hold 20 itself
		stats adaptive /tamrun --adaptive --stats /test-tamrun hold 20 itself
		stats thread /tamrun --stats /test-tamrun hold 20 thread
		stats children /tamrun --stats /test-tamrun hold 20 children
		stats orphan /tamrun --stats /test-tamrun hold 20 orphan
		stats user /tamrun --stats setpriv --reuid 1000 --clear-groups /test-tamrun hold 20 itself
		cp /test-tamrun /tmp/suid && chmod 4755 /tmp/suid
		stats suid setpriv --reuid 1000 --clear-groups /tamrun --stats /tmp/suid hold 20 itself
		# A stranger has the number that the program has inside.
		/tamrun /test-tamrun hold 50 itself 60 & stranger=$!
		stats namespace unshare -p -f sh -c "last=0
			until [ \$last -ge $((stranger - 1)) ]; do last=\$(exec sh -c 'echo \$\$'); done
			exec /tamrun --stats /test-tamrun hold 20 itself"
		kill $stranger
		/tamrun sh -c '/tamrun --adaptive --compare /test-tamrun mode /tmp/modes' 2>/dev/null
		echo modes $(cat /tmp/modes)
	END
}
sanitized() {
	gcc -fsanitize=address -O1 -o "$tools/test-sanitized" -x c - <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		int main(void)
		{
			static char line[512];
			FILE *smaps = fopen("/proc/self/smaps", "r");
			int regions = 0;

			free(malloc(1 << 20));
			while (fgets(line, sizeof(line), smaps))
				regions += !strncmp(line, "VmFlags:", 8) && strstr(line, " tm");
			printf("sanitized %s\n", regions > 5 ? "served" : "not served");
			return 0;
		}
	END
}

# All runs in one guest, each leaving its part of what is checked below.
run_all() {
	local add=() program

	for program in "${programs[@]}"; do add+=(--program "$program"); done
	scripts/boot --smp 2 --mem 1G --timeout 300 --add "$tools/tamrun" --add "$tools/test-tamrun" \
		--program "$tools/test-sanitized" --add "$work/programs" --add "$work/maps" --add "$work/stats" "${add[@]}" \
		--program setpriv --tree /usr/lib/python3.11/encodings -- sh -c "
		MODE=1 /tamrun /test-tamrun | sed 's/^/strict /'
		MODE=2 /tamrun --adaptive /test-tamrun | sed 's/^/adaptive /'
		/tamrun $tools/test-sanitized
		sh /stats
		sh /maps | sed 's/^/maps /'" >"$work/guest" 2>&1
}
said() { grep -q "$@" "$work/guest" || { cat "$work/guest"; return 1; }; }
# Expects every point, so that one lost to a crash is noticed.
passes() { # WORD
	[[ $(grep -c "^$1 ok" "$work/guest") -eq 4 ]] || said "^$1 no"
}
# As many mappings with tamrun as without, in either mode, and some of them from tamalloc.
same_maps() {
	grep '^maps ' "$work/guest"
	awk '$1 == "maps" { if (n++ % 3 == 0) { plain = $3; bad += $4 != 0 } else bad += $3 != plain || $4 < 1; bad += $3 < 5 }
		END { exit n != 30 || bad }' "$work/guest"
}
# What the report says of the run: committed is MB, and at most 3 MB of the rest of the program.
committed() { # WORD MB
	grep "^$1 " "$work/guest"
	awk -v word="$1" -v kb=$(($2 * 1024)) '
		$1 == word && /peak committed/ { n += $NF >= kb && $NF < kb + 3072 }
		$1 == word && /peak reserved/ { n += $NF >= 65536 }
		$1 == word && /as sampled every 50 ms/ { n++ }
		END { exit n != 3 }' "$work/guest"
}
not_known() { # WORD WHY
	grep "^$1 " "$work/guest"
	[[ $(grep -cE "^$1 +peak (reserved|committed), kB +-\$" "$work/guest") -eq 2 ]] && said "^$1 reserved and committed are not known: .*$2"
}

# Each line of the report has a number for each run; the plain run has no tamalloc memory.
# sort holds at least 20 kB for a second.
compares() {
	local said status=0

	said=$(scripts/boot --smp 2 --add "$tools/tamrun" --add "$work/numbers" --program sort -- \
		sh -c '(cat /numbers; sleep 1) | /tamrun --compare /usr/bin/sort -n' 2>&1 >"$work/sorted") || status=$?
	echo "$said"
	seq 5000 | cmp - "$work/sorted" && [[ $status -eq 0 && $said == *'tamrun      without'* ]] &&
		awk '/^  (peak resident|faults)/ && $(NF - 1) > 0 && $NF > 0 { n++ }
		     /^  peak reserved/ && (reserved = $(NF - 1)) > 100 && $NF == "-" { n++ }
		     /^  peak committed/ && $(NF - 1) > 20 && $(NF - 1) <= reserved && $NF == "-" { n++ }
		     END { exit n != 4 }' <<<"$said"
}

install_it() {
	make -s -C userspace install-tools OUT="$out" PREFIX=/opt/ta DESTDIR="$work/root" &&
		diff <(printf './opt/ta/%s\n' bin/tam{run,stat,trace} share/man/man1/tam{run,stat,trace}.1) \
			<(cd "$work/root" && find . ! -type d | sort)
}

# Only tamrun gets the signal; below, its whole process group does, as with Ctrl-C.
# shellcheck disable=SC2016 # for the inner shell
passed_on() {
	ends_with 7 'ended with status 7' timeout --foreground --preserve-status -s "$1" 2 \
		"$tools/tamrun" --try --stats sh -c 'trap "exit 7" '"$1"'; for i in $(seq 40); do sleep 0.1; done'
}
one_run() { # SIGNAL STATUS
	rm -f "$work/runs"
	ends_with "$2" '' timeout --preserve-status -s "$1" 2 \
		"$tools/tamrun" --try --compare sh -c "echo >>'$work/runs'; sleep 4" && [[ $(wc -l <"$work/runs") -eq 1 ]]
}
# This machine's kernel may have it.
can_set_mode() { "$tools/tamrun" true 2>/dev/null; }
refuses() { can_set_mode || ends_with 125 'nothing was run; with --try' "$tools/tamrun" touch "$work/ran" && [[ ! -e $work/ran ]]; }
tries() { can_set_mode || ends_with 3 'the program runs on plain memory' "$tools/tamrun" --try sh -c 'exit 3'; }

seq 5000 -1 1 >"$work/numbers"
tap_plan 34
tap_check "it compiles" make -s -C userspace tools tool-tests OUT="$out"
tap_check "its programs are written" write_scripts
tap_check "one with an address sanitizer is" sanitized
tap_check "a guest runs it" run_all
tap_check "all memory of a static program, its threads and children is tamalloc's" passes strict
tap_check "it is adaptive with --adaptive" passes adaptive
tap_check "so is that of a sanitized program" said '^sanitized served'
tap_check "ten programs have as many mappings with it as without" same_maps
tap_check "--stats says what a program had at most" committed self 20
tap_check "it does so with --adaptive" committed adaptive 20
tap_check "when the main thread has ended" committed thread 20
tap_check "of all processes together" committed children 80
tap_check "also of what lost its parent" committed orphan 20
tap_check "of another user's program" committed user 20
tap_check "in a PID namespace, whoever has the same number outside" committed namespace 20
tap_check "and nothing of a process that it may not see" not_known suid 'Permission denied'
tap_check "--compare inside tamrun compares with plain memory" said '^modes 0 2$'
tap_check "--compare reports two runs of a program and prints the output of one" compares
# On this machine, whichever kernel it runs.
tap_check "on a kernel that cannot do it nothing is run" refuses
tap_check "unless --try asks for it" tries
tap_check "it exits with the program's status" ends_with 42 '' "$tools/tamrun" --try sh -c 'exit 42'
tap_check "it does so with --stats" ends_with 42 'ended with status 42' "$tools/tamrun" --try --stats sh -c 'exit 42'
# shellcheck disable=SC2016 # for the inner shell
tap_check "a program killed by a signal is 128 and its number" ends_with 143 '' "$tools/tamrun" --try --stats sh -c 'kill $$'
tap_check "it forwards SIGTERM and reports how the program ended" passed_on TERM
tap_check "it forwards SIGHUP" passed_on HUP
tap_check "Ctrl-C in the first run of --compare prevents the second" one_run INT 130
tap_check "SIGTERM in the first run of --compare prevents the second" one_run TERM 143
tap_check "a missing program is 127" ends_with 127 '/none: No such file' "$tools/tamrun" --try /none
tap_check "a file that is not a program is 126" ends_with 126 'Permission denied' "$tools/tamrun" --try "$work/numbers"
tap_check "without memory in any sample it says so" \
	ends_with 0 'peak committed, kB            -' "$tools/tamrun" --try --stats true
tap_check "no program is 125, and that is said" ends_with 125 $'no PROGRAM to run\nusage: tamrun' "$tools/tamrun" --stats
tap_check "an unknown option is 125" ends_with 125 'usage: tamrun' "$tools/tamrun" --none sort
tap_check "make install puts its files below DESTDIR" install_it
tap_check "what was installed runs" ends_with 7 '' "$work/root/opt/ta/bin/tamrun" --try sh -c 'exit 7'
tap_end
