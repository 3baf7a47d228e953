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

in_guest() { # COMMAND...
	scripts/boot --smp 2 --add "$tools/tamrun" --add "$tools/libtamrun.so" \
		--add "$tools/test-tamrun" --add "$work/numbers" --program sort -- "$@"
}

# Expects every point, so that one lost to a crash is noticed.
passes() {
	local said status=0

	said=$(in_guest "$@" 2>&1) || status=$?
	echo "$said"
	[[ $status -eq 0 && $(grep -c '^ok' <<<"$said") -eq 11 ]]
}

# Each line of the report has a number for each run; the plain run has no tamalloc memory.
# sort holds at least 20 kB for a second.
compares() {
	local said status=0

	said=$(in_guest sh -c '(cat /numbers; sleep 1) | /tamrun --compare /usr/bin/sort -n' 2>&1 >"$work/sorted") || status=$?
	echo "$said"
	seq 5000 | cmp - "$work/sorted" && [[ $status -eq 0 && $said == *'tamrun      without'* ]] &&
		awk '/^  (peak resident|faults)/ && $(NF - 1) > 0 && $NF > 0 { n++ }
		     /^  reserved/ && (reserved = $(NF - 1)) > 4096 && $NF == "-" { n++ }
		     /^  peak committed/ && $(NF - 1) > 20 && $(NF - 1) <= reserved && $NF == "-" { n++ }
		     END { exit n != 4 }' <<<"$said"
}

install_it() {
	make -s -C userspace install-tools OUT="$out" PREFIX=/opt/ta DESTDIR="$work/root" &&
		diff <(printf './opt/ta/%s\n' bin/tam{run,stat,trace} lib/tamalloc/libtamrun.so \
			share/man/man1/tam{run,stat,trace}.1) <(cd "$work/root" && find . ! -type d | sort)
}

# Only tamrun gets the signal; below, its whole process group does, as with Ctrl-C.
# shellcheck disable=SC2016 # for the inner shell
passed_on() {
	ends_with 7 'ended with status 7' timeout --foreground --preserve-status -s "$1" 2 \
		"$tools/tamrun" --stats sh -c 'trap "exit 7" '"$1"'; for i in $(seq 40); do sleep 0.1; done'
}
one_run() { # SIGNAL STATUS
	rm -f "$work/runs"
	ends_with "$2" '' timeout --preserve-status -s "$1" 2 \
		"$tools/tamrun" --compare sh -c "echo >>'$work/runs'; sleep 4" && [[ $(wc -l <"$work/runs") -eq 1 ]]
}

apart() { # DIRECTORY
	mkdir "$work/$1" && cp "$tools"/{tamrun,libtamrun.so} "$work/$1" &&
		ends_with 125 'a space or a colon' "$work/$1/tamrun" true
}

static_program() {
	echo 'int main(void) { return 0; }' | gcc -static -o "$work/static" -x c - &&
		ends_with 0 'did not load libtamrun.so' "$tools/tamrun" --stats "$work/static"
}

seq 5000 -1 1 >"$work/numbers"
tap_plan 22
tap_check "it compiles" make -s -C userspace tools tool-tests OUT="$out"
tap_check "malloc's family returns memory from tamalloc and keeps malloc's promises" passes /tamrun /test-tamrun
tap_check "it does so with --adaptive" passes env ADAPTIVE=1 /tamrun --adaptive /test-tamrun
tap_check "--compare reports two runs of a program and prints the output of one" compares
# On this machine, whichever kernel it runs.
tap_check "it exits with the program's status" ends_with 42 '' "$tools/tamrun" sh -c 'exit 42'
tap_check "it does so with --stats" ends_with 42 'ended with status 42' "$tools/tamrun" --stats sh -c 'exit 42'
# shellcheck disable=SC2016 # for the inner shell
tap_check "a program killed by a signal is 128 and its number" ends_with 143 '' "$tools/tamrun" --stats sh -c 'kill $$'
tap_check "it forwards SIGTERM and reports how the program ended" passed_on TERM
tap_check "it forwards SIGHUP" passed_on HUP
tap_check "Ctrl-C in the first run of --compare prevents the second" one_run INT 130
tap_check "SIGTERM in the first run of --compare prevents the second" one_run TERM 143
tap_check "a missing program is 127" ends_with 127 '/none: No such file' "$tools/tamrun" /none
tap_check "a file that is not a program is 126" ends_with 126 'Permission denied' "$tools/tamrun" "$work/numbers"
tap_check "it reports a static program, which does not load the library" static_program
tap_check "a static program has nothing committed" ends_with 0 'peak committed, kB            -' "$tools/tamrun" --stats "$work/static"
tap_check "a library path with a space, where LD_PRELOAD is split, is 125" apart 'a b'
tap_check "a library path with a colon is 125" apart a:b
# shellcheck disable=SC2016 # for the inner shell
tap_check "it reports an address space that is too small" ends_with 125 'no address space for arena' \
	bash -c 'ulimit -v 20000 && exec "$0" true' "$tools/tamrun"
tap_check "no program is 125, and that is said" ends_with 125 $'no PROGRAM to run\nusage: tamrun' "$tools/tamrun" --stats
tap_check "an unknown option is 125" ends_with 125 'usage: tamrun' "$tools/tamrun" --none sort
tap_check "make install puts its files below DESTDIR" install_it
tap_check "it finds its library where that was installed" ends_with 7 '' "$work/root/opt/ta/bin/tamrun" sh -c 'exit 7'
tap_end
