#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/boot: real guests; what goes in comes out, and nothing is left running.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
top=$(cd "$here/../.." && pwd)
boot=$top/scripts/boot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work # so that what a boot leaves can be seen

gives() { ends_with "$1" "$2" timeout 60 "$boot" "${@:3}"; } # STATUS "WORDS" [BOOT ARG]...

prints() { # TEXT [BOOT ARG]...
	local text=$1 said

	shift
	said=$("$boot" "$@" 2>"$work/stderr"; echo .) || return
	echo "said: $said"
	[[ $said == "$text." ]]
}

apart() {
	"$boot" -- sh -c 'echo out; echo err >&2' >"$work/out" 2>"$work/err"
	cat "$work/out" "$work/err"
	[[ $(<"$work/out") == out && $(grep -v "^boot: " "$work/err") == err ]]
}

# Bytes of all values; more of them than any pipe or queue holds.
same_bytes() {
	head -c "$1" /dev/urandom >"$work/bytes"
	"$boot" --add "$work/bytes" -- cat /bytes | cmp - "$work/bytes"
}

# The PID of the QEMU that was started for this test; grep must not find itself.
qemu_pid() {
	local file

	for _ in {1..100}; do
		file=$(grep -lsa "[p]ath=$work" /proc/[0-9]*/cmdline)
		[[ ! $file ]] || break
		sleep 0.1
	done
	file=${file#/proc/}
	echo "${file%/cmdline}"
}
# A zombie, which only its parent can remove, has no command line.
runs() { grep -qsa qemu-system "/proc/$1/cmdline"; }

# The guest says when it runs, then hangs with a process that ignores signals.
times_out() {
	local qemu

	gives 124 'the time was up' --timeout 6 -- sh -c 'trap "" TERM; echo up; sleep 1000' &
	qemu=$(qemu_pid)
	runs "$qemu" || { echo "QEMU was not seen to run"; return 1; }
	wait $! || return
	! runs "$qemu" && nothing_left
}

killed_boot() {
	local qemu

	"$boot" -- sleep 1000 >/dev/null 2>&1 &
	qemu=$(qemu_pid)
	runs "$qemu" || { echo "QEMU was not seen to run"; return 1; }
	kill -KILL $!
	wait $! 2>/dev/null
	sleep 0.5
	rm -rf "$work"/tamalloc-boot.*
	runs "$qemu" || return 0
	kill -KILL "$qemu"
	return 1
}

nothing_left() { [[ ! $(find "$work" -name 'tamalloc-boot.*') ]]; }

mkdir "$work/dir"
echo inside >"$work/dir/file"
# What the guest shall have at the same path cannot lie in /tmp.
tree=$(mktemp -d /var/tmp/tamalloc.XXXXXX)
trap 'rm -rf "$work" "$tree"' EXIT
printf 'one\none\n' >"$tree/file"
echo 'int gone(void) { return 0; }' | gcc -shared -o "$work/libgone.so" -x c -
echo 'int puts(const char *); int main(int argc, char *argv[]) { return puts(argv[argc - 1]) < 0; }' |
	gcc -o "$tree/linked" -x c -
echo 'int gone(void); int main(void) { return gone(); }' |
	gcc -o "$tree/lacking" -x c - -L"$work" -lgone
printf '#!/bin/sh\nprintf "<%%s>" "$@"\n' >"$work/words"
chmod +x "$work/words"

tap_plan 38
tap_check "status 0 is passed on" gives 0 '' -- true
tap_check "status 1 is passed on" gives 1 '' -- false
tap_check "status 42 is passed on" gives 42 '' -- sh -c 'exit 42'
# shellcheck disable=SC2016 # for the guest's shell
tap_check "death by a signal is 128 plus its number" gives 137 '' -- sh -c 'kill -KILL $$'
tap_check "a missing command is 127" gives 127 'no-such: No such file' -- no-such
tap_check "a file that is not executable is 126" gives 126 '/cmd: Permission denied' -- /cmd
tap_check "arguments arrive unchanged" prints $'<a b><><*><\n>' --add "$work/words" -- words 'a b' '' '*' $'\n'
tap_check "a directory is added with its contents" prints $'inside\n' --add "$work/dir" -- cat /dir/file
tap_check "a host program runs with its libraries" prints $'a\n' --program "$tree/linked" -- "$tree/linked" a
tap_check "--program takes a name, --tree keeps its path" prints $'one\n' --program sort --tree "$tree" -- \
	/usr/bin/sort -u "$tree/file"
tap_check "programs talk over loopback" gives 0 '1 packets received' -- ping -c 1 127.0.0.1
tap_check "a missing program is 125" gives 125 'no-such: there is no such program' --program no-such -- true
tap_check "a missing library is 125" gives 125 'needs libgone.so' --program "$tree/lacking" -- true
tap_check "a missing tree is 125" gives 125 'no such directory' --tree /none -- true
tap_check "a tree at a path of the guest's own is 125" gives 125 'of its own' --tree "$work" -- true
tap_check "stdout and stderr stay separate" apart
tap_check "binary output arrives unchanged" same_bytes 4096
tap_check "output written right before the end arrives" same_bytes 60000
tap_check "10 MB of output arrive complete" same_bytes 10485760
tap_check "processes that outlive the command are not waited for" gives 0 '' --timeout 20 -- sh -c 'while echo on; do :; done & true'
tap_check "all CPUs come up" prints $'4\n' --smp 4 -- nproc
tap_check "--disk gives a disk of that size" prints $'32768\n' --disk 16M -- cat /sys/block/vda/size
tap_check "an impossible disk size is 125" gives 125 'no such disk' --disk much -- true
tap_check "instructions can be counted" gives 0 'to count instructions' --icount -- true
tap_check "the accelerator is named" gives 0 'boot: tcg (as asked)' --accel tcg -- true
tap_check "--retry boots once more after QEMU's race" gives 120 'booting once more' --retry --accel tcg --smp 2 -- \
	sh -c 'echo "Oops: int3" >/dev/kmsg'
tap_check "--retry shows the output and keeps the status" gives 3 'said' --retry -- sh -c 'echo said; exit 3'
tap_check "a WARNING makes a passing run red" gives 122 'mm/x.c:1' -- \
	sh -c 'echo "WARNING: CPU: 0 PID: 1 at mm/x.c:1 x" >/dev/kmsg'
tap_check "a panic is 123" gives 123 'Kernel panic' --append rdinit=/none -- true
tap_check "a guest that reboots without a verdict is 121" gives 121 'before the guest' -- reboot -f
tap_check "--timeout ends a hanging guest and its QEMU" times_out
tap_check "QEMU does not outlive a killed boot" killed_boot
tap_check "a missing kernel image is 125" gives 125 'no kernel image at /none' --kernel /none -- true
tap_check "a missing file to add is 125" gives 125 'no such file' --add /none -- true
tap_check "no command is 125" gives 125 'no CMD'
tap_check "--dry-run prints the command and runs nothing" gives 0 "'-accel' 'tcg'" --accel tcg --dry-run -- true
tap_check "--single-thread is QEMU's thread=single" gives 0 "'tcg,thread=single'" --accel tcg --single-thread --dry-run -- true
tap_check "no run leaves files behind" nothing_left
tap_end
