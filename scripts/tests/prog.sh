#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make run PROG=: what is compiled and how, what is refused, and what scripts/boot is told.
set -uo pipefail
unset CDPATH
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CFLAGS CXXFLAGS LDFLAGS LDLIBS PROG ARGS MAKEFLAGS TIMEOUT FOR DEBUG

cat >"$work/own.c" <<'END'
#include <math.h>
#include <stdio.h>
#include <tamalloc.h>
int main(int argc, char *argv[])
{
	double *sum = tamalloc(1 << 20), x;

	for (; scanf("%lf", &x) == 1; )
		*sum += sqrt(x);
	return printf("%s %g\n", argv[argc - 1], *sum) < 0 ? 1 : STATUS;
}
END
cat >"$work/shared.c" <<'END'
#include <tamalloc.h>
int only_shared(void);
int main(void) { return !tamalloc(1) + only_shared(); }
END
echo 'int only_shared(void) { return 5; }' | gcc -shared -o "$work/libonly.so" -x c -
for suffix in cc cpp cxx; do
	printf '#include <iostream>\n#include <tamalloc.h>\nint main() { std::cout << (tamalloc(1) ? "%s\\n" : ""); }\n' \
		$suffix >"$work/own-$suffix.$suffix"
done
echo text >"$work/text"
echo '#!/bin/sh' >"$work/script"

# Compiles with this and runs it, here: libtamalloc takes any kernel.
runs() { # SOURCE [VARIABLE]...
	make -s program PROG="$work/$1" "${@:2}" && build/userspace/prog/"${1%.*}" last
}
# What comes after the options that do not matter here.
tells() { # "WORDS" [VARIABLE]...
	local said

	said=$(make -s run -o kernel -o setup boot="printf '<%s>'" "${@:2}")
	echo "$said"
	[[ $said == *"$1" ]]
}

# The commands of a goal; nothing is run.
plans() { # "WORDS" GOAL [VARIABLE]...
	local said

	said=$(make --no-print-directory -n "${@:2}") || return
	echo "$said"
	[[ $said == *"$1"* ]]
}
plans_gdb() { plans '-gdb/vmlinuz --shell --gdb --add ' gdb && plans 'scripts/build --gdb' gdb && plans 'scripts/setup --gdb' gdb; }

tap_plan 20
tap_check "C is compiled with CFLAGS and LDLIBS" ends_with 7 'last 5' runs own.c CFLAGS='-DSTATUS=7' LDLIBS=-lm \
	<<<$'4\n9'
for suffix in cc cpp cxx; do
	tap_check "C++ is compiled: .$suffix" ends_with 0 $suffix runs own-$suffix.$suffix
done
tap_check "a library that is only shared will do" ends_with 5 '' runs shared.c \
	LDFLAGS="-L$work -Wl,-rpath,$work" LDLIBS=-lonly
tap_check "without a C++ compiler that is said" ends_with 2 'there is no no-c++' \
	make program PROG="$work/own-cc.cc" CXX=no-c++
tap_check "ARGS reaches scripts/boot as it is" tells "<--args><-n 'a b' * >x \\ \$HOME don't><--></true>" \
	PROG=/bin/true ARGS="-n 'a b' * >x \\ \$HOME don't"
tap_check "a dynamic program is taken" tells '<--add></bin/true><--args><><--></true>' PROG=/bin/true
tap_check "a directory is refused at once" ends_with 2 'is not a file' make run PROG="$work"
tap_check "text is refused at once" ends_with 2 'is no program' make run PROG="$work/text"
tap_check "what cannot be executed is refused at once" ends_with 2 'chmod +x' make run PROG="$work/script"
tap_check "what is not there is refused at once" ends_with 2 'no such file' make run PROG="$work/none"
tap_check "make run gives a program 10 minutes" plans '/vmlinuz --timeout 600 ' run
tap_check "or TIMEOUT=" plans '/vmlinuz --timeout 7 ' run TIMEOUT=7
tap_check "make gdb boots a kernel with debug information, and waits" plans_gdb
tap_check "or that with the detectors" plans '-debug/vmlinuz --shell --gdb --add ' gdb DEBUG=1
tap_check "that for KCSAN has none" ends_with 2 'DEBUG=kcsan has no debug information' make -n gdb DEBUG=kcsan
tap_check "make trace passes on FOR=, ARGS= and where the program is" \
	plans "/vmlinuz --for 3 --args '-n '\''a b'\''' $PWD/scripts/trace" trace PROG=scripts/trace FOR=3 ARGS="-n 'a b'"
tap_check "make lab has the kernel up to date that its guests boot" plans scripts/build lab T='clock walk'
needs_no_kernel() { plans scripts/lab lab T='clock fit' && ! plans scripts/build lab T='clock fit'; }
tap_check "and does without one for a replay" needs_no_kernel
tap_end
