#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/trace: what a run in the guest leaves here.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
out=build/trace
work=$(mktemp -d -p build) # the guest has a /tmp of its own
trap 'rm -rf "$work"' EXIT

# The touches that the report, the CSV and the page know of.
agree() { # NAME
	local csv

	csv=$(grep -cE ',(read|write),' "$out/$1.csv")
	grep "^tamtrace: $csv first touches" "$out/$1.txt" && grep "\"touches\":$csv,\"reads\"" "$out/$1.html" >/dev/null && ((csv > 5))
}
compares() { cat "$out/sort.txt"; grep -q '^tamrun: /usr/bin/sort ended with status 0' "$out/sort.txt" && grep -qE '^  faults +[0-9]+ +[0-9]+$' "$out/sort.txt"; }
releases() { grep -c ',exit,' "$out/sort.csv"; }
# It runs twice, and stdout is that of the traced run.
once() { [[ $(scripts/trace --args '-r "/etc/passwd"' /usr/bin/sort 2>&1 | grep -c ^root:) -eq 1 ]]; }
static() { scripts/trace build/userspace/demo >/dev/null && grep -q '^tamrun:.*/demo ended with status 0' "$out/demo.txt"; }
script() { printf '#!/bin/bash\nexit 0\n' >"$work/script" && chmod +x "$work/script" && scripts/trace --mem 1G "$work/script"; }
by_bash() { script && agree script && grep '^tamrun: .*/script ended with status 0' "$out/script.txt"; }
# It has no memory but its stack, and the name of the script before it, which has left its page.
stack_alone() {
	gcc -x c -static -nostdlib -o "$work/script" - <<<'void _start(void) { __asm__("syscall" : : "a" (60), "D" (0)); }' &&
		scripts/trace --mem 1G "$work/script"
}
untouched() { ends_with 0 'nothing to draw' stack_alone && [[ -s $out/script.csv && ! -e $out/script.html ]]; }

tap_plan 12
tap_check "it runs a program, with its arguments, and shows what that prints" once
tap_check "the report compares it with a run on plain memory" compares
tap_check "report, CSV and page agree" agree sort
tap_check "the CSV has the releases" releases
tap_check "a static program is traced likewise" static
tap_check "with a page as well" agree demo
tap_check "a script runs under tamrun, by its interpreter" by_bash
tap_check "what touches nothing leaves no page, and that is said" untouched
tap_check "what does not end is ended by SIGTERM" ends_with 143 'build/trace/sleep.html' scripts/trace --for 2 sleep -- 60
tap_check "a program that is not there is 125" ends_with 125 'there is no program none-such' scripts/trace none-such
tap_check "so is a time that is no number" ends_with 125 '--for 1x is not a number' scripts/trace --for 1x sort
tap_check "and a word too many" ends_with 125 'comes after --' scripts/trace sort numbers
tap_end
