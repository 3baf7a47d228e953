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

gives() { ends_with "$1" "$2" timeout 600 "$boot" "${@:3}"; } # STATUS "WORDS" [BOOT ARG]...

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
ends() { for _ in {1..100}; do runs "$1" || return 0; sleep 0.1; done; return 1; }

# The guest says when it runs, then hangs with a process that ignores signals.
times_out() {
	local qemu

	gives 124 'give more with --timeout' --timeout 6 -- sh -c 'trap "" TERM; echo up; sleep 1000' &
	qemu=$(qemu_pid)
	runs "$qemu" || { echo "QEMU was not seen to run"; return 1; }
	wait $! || return
	! runs "$qemu" && nothing_left
}

killed_boot() {
	local qemu gone=''

	"$boot" -- sleep 1000 >/dev/null 2>&1 &
	qemu=$(qemu_pid)
	# Until then it may be setpriv, before it has asked for the death signal.
	until [[ $(<"/proc/$qemu/comm") == qemu* ]]; do
		runs "$qemu" || { echo "QEMU was not seen to run"; return 1; }
		sleep 0.1
	done
	kill -KILL $!
	wait $! 2>/dev/null
	ends "$qemu" && gone=yes
	rm -rf "$work"/tamalloc-boot.*
	[[ ! $gone ]] || return 0
	kill -KILL "$qemu"
	return 1
}

# Runs a command in a terminal; what that shows is in $work/tty. Who runs this in the
# background may have Ctrl-C ignored.
terminal() {
	: >"$work/tty"
	env --default-signal=INT script -qfec "$1" "$work/tty" >/dev/null
}

# For as long as its guest may take.
shown() { for _ in {1..1200}; do ! grep -qs "$1" "$work/tty" || return 0; sleep 0.1; done; return 1; }

# As somebody at a terminal does it, once the guest runs.
interrupted() {
	local qemu

	{
		qemu=$(qemu_pid)
		shown '^up'
		printf '\003'
		ends "$qemu" || echo "QEMU still runs" >>"$work/tty"
	} | terminal "$boot -- sh -c 'echo up; sleep 1000'"
	cat -v "$work/tty"
	[[ $(grep -avE '^(boot:|Script) ' "$work/tty" | tr -d '\r') == up$'\n'^C ]] && nothing_left
}

reader_goes() {
	yes | timeout 60 "$boot" --timeout 100 -- sh -c 'head -n 2; sleep 1000' 2>"$work/err" | head -n 1
	[[ ${PIPESTATUS[*]} == '141 141 0' ]] && nothing_left && ! grep -v '^boot: tcg\|^boot: kvm' "$work/err"
}

# What environments and callers have that is not as usual here.
odd_surroundings() {
	mkdir "$work/a,b"
	cd "$top" || return
	[[ $(CDPATH=.:$work TMPDIR=$(realpath --relative-to . "$work/a,b") scripts/boot --disk 1M -- echo said 2>&-) == said ]] &&
		rmdir "$work/a,b"
}

# The guest's shell in a terminal of 33 lines of 77 letters.
shell_greets() {
	echo welcome >"$work/motd"
	{
		shown 'guest:'
		printf 'stty size; words; exit\r'
		sleep 20
	} | terminal "stty rows 33 cols 77; timeout --foreground 60 $boot --shell --add $work/motd --add $work/words"
	cat -v "$work/tty"
	grep -q '^welcome' "$work/tty" && grep -q '^33 77' "$work/tty" && grep -q '^<>' "$work/tty" &&
		! grep -qa 'Linux version' "$work/tty"
}

nothing_left() { [[ ! $(find "$work" -name 'tamalloc-boot.*') ]]; }

mkdir "$work/dir"
echo inside >"$work/dir/file"
tree=$(mktemp -d /var/tmp/tamalloc.XXXXXX)
trap 'rm -rf "$work" "$tree" "$in_tmp"' EXIT
in_tmp=$(mktemp -d /tmp/tamalloc.XXXXXX)
cp "$(type -P true)" "$in_tmp/program"
printf 'one\none\n' >"$tree/file"
echo 'int gone(void) { return 0; }' | gcc -shared -o "$work/libgone.so" -x c -
echo 'int puts(const char *); int main(int argc, char *argv[]) { return puts(argv[argc - 1]) < 0; }' >"$work/linked.c"
gcc -o "$tree/linked" "$work/linked.c"
cp "$(realpath /lib64/ld-linux-x86-64.so.2)" "$tree/loader"
gcc -o "$tree/other" -Wl,--dynamic-linker="$tree/loader" "$work/linked.c"
gcc -o "$tree/loaderless" -Wl,--dynamic-linker=/lib/ld-none.so.1 "$work/linked.c"
gcc -shared -fPIC -fno-builtin -o "$tree/libputs.so" -x c - <<-'END'
	int printf(const char *, ...);
	int puts(const char *s) { return printf("preloaded %s\n", s); }
END
chmod -x "$tree/libputs.so"
gcc -static -pthread -o "$work/facilities" -x c - <<-'END'
	#define _GNU_SOURCE
	#include <fcntl.h>
	#include <semaphore.h>
	#include <stdlib.h>
	#include <sys/inotify.h>
	int main(void)
	{
		int pty = posix_openpt(O_RDWR | O_NOCTTY);

		return (sem_open("/s", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED) |
		       (pty < 0 || unlockpt(pty) || open(ptsname(pty), O_RDWR | O_NOCTTY) < 0) << 1 |
		       (inotify_init() < 0) << 2;
	}
END
echo 'int gone(void); int main(void) { return gone(); }' |
	gcc -o "$tree/lacking" -x c - -L"$work" -lgone
printf '#!/bin/sh\nprintf "<%%s>" "$@"\n' >"$work/words"
chmod +x "$work/words"
mkdir "$tree/bin"
printf '#!/usr/bin/env linked\n' >"$tree/bin/script"
printf '#!%s/no-such\n' "$tree" >"$tree/bin/orphan"
chmod +x "$tree/bin/"*

# Many things in one guest, each on a line of what it prints: "NAME: WHAT CAME OUT".
cat >"$work/many" <<'END'
#!/bin/sh
tree=$1
say() { name=$1; shift; echo "$name: $("$@" 2>&1)"; }
say input cat
say words words "$2" "$3" "$4" "$5"
say many echo $# ${#6}
say args words "${307}" "${308}" "${309}" "${310}"
say directory cat /dir/file
say libraries "$tree/linked" a
say path sort --version
say tree sort -u "$tree/file"
say script script
say loader "$tree/other" a
say preload env LD_PRELOAD="$tree/libputs.so" "$tree/linked" a
say loopback ping -c 1 127.0.0.1
say user su user -c 'words "$(id -un)" && cat /dir/file && mktemp && mktemp /var/tmp/XXXXXX'
say facilities sh -c '/facilities && ls -d /run; echo $?'
mkdir /made
seq 100000 >'/tmp/a number'
echo short >/tmp/short
printf unended
kill -SEGV $$
END
many() {
	(
		umask 077
		cp -r "$work/dir" "$work/many" "$work/private"
		chmod -R go= "$work/private"
		cd "$work/private" || exit
		printf 'line\nunended' | PATH=$tree:$PATH "$boot" --add many --add dir --add "$work/words" --add "$work/facilities" \
			--program sort --program "$tree/bin/script" --program "$tree/other" --program "$tree/libputs.so" --tree "$tree" \
			--get '/tmp/a number' --get /tmp/short=renamed --get /none --get /made=made --get /proc/version=version \
			--args "*.c 'b  c' >x \$HOME" -- sh /many "$tree" 'a b' '' '*' $'\n' "$(printf '%0100000d' 0)" $(seq 300)
	) >"$work/said" 2>&1
	echo "status $?" >>"$work/said"
}
says() { # WORDS, with which a line begins
	cut -c 1-300 "$work/said"
	[[ $'\n'$(<"$work/said") == *$'\n'"$1"* ]]
}
brought() {
	ls -l "$work/private"
	seq 100000 | cmp - "$work/private/a number" && grep -qx short "$work/private/renamed" &&
		grep -q 'Linux version' "$work/private/version" && [[ ! -e $work/private/none && ! -e $work/private/made ]]
}
# That it makes who reads wait is seen by scripts/tests/lab.sh.
another_cpu() { CPU=Nehalem "$boot" --accel tcg --dry-run -- true | grep -- "'-cpu' 'Nehalem'"; }
slow_disk() { "$boot" --disk 1M --disk-iops 50 --dry-run -- true | grep 'throttling\.iops-total=50'; }

tap_plan 67
tap_check "status 0 is passed on" gives 0 '' -- true
tap_check "status 42 is passed on" gives 42 '' -- sh -c 'exit 42'
tap_check "a missing command is 127" gives 127 'no-such: No such file' -- no-such
tap_check "a file that is not executable is 126" gives 126 '/etc/passwd: Permission denied' -- /etc/passwd
mkdir "$work/private"
many
tap_check "stdin is passed on, to its end" says $'input: line\nunended'
tap_check "arguments arrive unchanged" says $'words: <a b><><*><\n>'
tap_check "as many as execve() takes, and as long" says 'many: 310 100000'
tap_check "--args splits at blanks and expands nothing" says "args: <*.c><b  c><>x><\$HOME>"
tap_check "a directory is added with its contents" says 'directory: inside'
tap_check "a host program runs with its libraries" says 'libraries: a'
tap_check "--program comes before busybox" says 'path: sort (GNU coreutils)'
tap_check "--tree keeps its path" says 'tree: one'
tap_check "a script brings its interpreter, and is found by its name" says "script: $tree/bin/script"
tap_check "one in /tmp runs from there, and /tmp is anyone's as ever" gives 0 '' --program "$in_tmp/program" -- \
	sh -c "$in_tmp/program && su user -c 'mktemp'"
tap_check "a program brings its own loader" says 'loader: a'
tap_check "a library can be named by its path" says 'preload: preloaded a'
tap_check "programs talk over loopback" says 'loopback: PING 127.0.0.1'
tap_check "another user can use it all, though here it is private" says $'user: <user>inside\n/tmp/tmp.'
tap_check "there are semaphores, terminals, inotify and /run" says $'facilities: /run\n0'
tap_check "how the command was killed is said, on a line of its own" \
	says $'unended\nboot: the command was killed by signal 11 (Segmentation fault)'
tap_check "its status is 128 and the signal" says 'status 139'
tap_check "--get brings files, also when the command fails" brought
tap_check "--get says what is not there" says 'boot: --get /none: the guest has no such file'
tap_check "--get says what is no file" says 'boot: --get /made=made: that is a directory'
tap_check "a file that --get misses is 1" gives 1 '/none: the guest has no such file' --get /none="$work/none" -- true
tap_check "a place where --get cannot write is 125" gives 125 '/none/x cannot be written' --get /x=/none/x -- true
tap_check "a missing interpreter is 125" gives 125 "no-such, which is not on" --program "$tree/bin/orphan" -- true
tap_check "a missing loader is 125" gives 125 'needs the loader /lib/ld-none.so.1' --program "$tree/loaderless" -- true
tap_check "--args with a quote too many is 125" gives 125 'unmatched single quote' --args "a 'b" -- true
tap_check "too little memory is 125, with what is enough" gives 125 'M is enough to boot' --mem 5 -- true
tap_check "an OOM kill is told in the kernel's words" gives 137 'Out of memory: Killed process' --mem 128M -- tail /dev/zero
tap_check "boot ends when nobody reads what it says" reader_goes
tap_check "Ctrl-C ends boot and its QEMU without a word" interrupted
tap_check "CDPATH, an odd TMPDIR and a closed stderr do not matter" odd_surroundings
tap_check "--shell greets, in the terminal's size, without the kernel's log" shell_greets
tap_check "a missing program is 125" gives 125 'no-such: there is no such program' --program no-such -- true
tap_check "a missing library is 125" gives 125 'needs libgone.so' --program "$tree/lacking" -- true
tap_check "a missing tree is 125" gives 125 'no such directory' --tree /none -- true
tap_check "a tree at a path of the guest's own is 125" gives 125 'of its own' --tree /proc/sys -- true
tap_check "stdout and stderr stay separate" apart
tap_check "binary output arrives unchanged" same_bytes 4096
tap_check "output written right before the end arrives" same_bytes 60000
tap_check "10 MB of output arrive complete" same_bytes 10485760
tap_check "processes that outlive the command are not waited for" gives 0 '' --timeout 100 -- sh -c 'while echo on; do :; done & true'
tap_check "all CPUs come up" prints $'4\n' --smp 4 -- nproc
tap_check "--disk gives a disk of that size" prints $'32768\n' --disk 16M -- cat /sys/block/vda/size
tap_check "an impossible disk size is 125" gives 125 'no such disk' --disk much -- true
tap_check "--disk-iops makes it a slow one" slow_disk
tap_check "and is refused without one" gives 125 'not a number of requests' --disk-iops 9 -- true
tap_check "instructions can be counted" gives 0 'to count instructions' --icount -- true
tap_check "the accelerator is named" gives 0 'boot: tcg (as asked)' --accel tcg -- true
tap_check "--retry boots once more after QEMU's race" gives 120 'booting once more' --retry --accel tcg --parallel --smp 2 -- \
	sh -c 'echo "Oops: int3" >/dev/kmsg'
tap_check "CPUs that run in turn cannot lose it" gives 122 'the kernel reported a problem' --accel tcg --smp 2 -- \
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
tap_check "no command is 125" gives 125 'no CMD to run; see --help'
tap_check "--dry-run prints the command and runs nothing" gives 0 "'-accel' 'tcg," --accel tcg --dry-run -- true
tap_check "CPU= names QEMU's CPU" another_cpu
tap_check "CPUs run in turn" gives 0 "'tcg,thread=single'" --accel tcg --dry-run -- true
tap_check "or at the same time" gives 0 "'tcg,thread=multi'" --accel tcg --parallel --dry-run -- true
tap_check "no run leaves files behind" nothing_left
tap_end
