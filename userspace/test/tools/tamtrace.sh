#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tamtrace: known touches in the guest, pictures of known touches here.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
tools=$PWD/build/userspace/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Tracing patches kernel code, which is where QEMU's race (120) strikes.
in_guest() { # [BOOT OPTION]... -- COMMAND...
	scripts/boot --smp 2 --add "$tools/tamtrace" --add "$tools/test-tamtrace" "$@"
}

# All runs in one guest, each leaving its part of what is checked below.
# shellcheck disable=SC2016 # for the guest's shell
run_all() {
	in_guest -- sh -c '
		/tamtrace --csv --output /tmp/csv /test-tamtrace; echo "program $?"
		sed "s/^/program /" /tmp/csv
		/tamtrace --events /test-tamtrace 2>&1; echo "text $?"
		/tamtrace /test-tamtrace many 4 >/dev/null 2>/tmp/summary; sed "s/^/summary /" /tmp/summary
		/tamtrace --csv --releases --output /tmp/csv --html /tmp/x.html /test-tamtrace releases; echo "releases $?"
		sed "s/^/releases /" /tmp/csv
		echo "page $(grep -c "\"title\":\"test-tamtrace\"" /tmp/x.html)"
		unshare -p -f /tamtrace sh -c "echo it ran inside"; echo "namespace $?"
		sh -c "/test-tamtrace many 1 & exec sleep 60" & p=$!
		until z=$(grep -l "^PPid:.$p\$" /proc/[0-9]*/status) && grep -q "^State:.Z" $z; do sleep 0.1; done
		z=${z%/status}; timeout -s KILL 20 /tamtrace -p ${z#/proc/}; echo "zombie $?"; kill $p; wait $p
		mkfifo /tmp/go
		/test-tamtrace wait </tmp/go & p=$!
		exec 3>/tmp/go
		until grep -q new /proc/$p/comm; do sleep 0.1; done
		/tamtrace --csv --output /tmp/csv --html /tmp/pid.html -p $p & t=$!
		until grep -qw $p /sys/kernel/tracing/instances/*/set_event_pid 2>/dev/null; do sleep 0.1; done
		echo >&3; wait $p; wait $t; echo "pid $?"
		sed "s/^/pid /" /tmp/csv
		echo "named $(grep -c "\"title\":\"new?name\"" /tmp/pid.html)"
		/tamtrace --buffer 8 --output /dev/null /test-tamtrace many 64; echo "lost $?"
		/tamtrace sh -c "kill -9 \$\$"; echo "killed $?"
		/tamtrace /none; echo "none $?"
		echo "left $(ls /sys/kernel/tracing/instances | wc -l)"
		mark() { # WORD STATUS: it, the instances left, the sleeps left
			echo "$1 $2 $(ls /sys/kernel/tracing/instances | wc -l) $(pidof sleep | wc -w)"
			rmdir /sys/kernel/tracing/instances/*; killall -9 sleep
		} 2>/dev/null
		/tamtrace sleep 60 & t=$!
		until pidof sleep >/dev/null; do sleep 0.1; done
		kill -HUP $t; wait $t; mark hup $?
		/tamtrace -p $$ & t=$!
		until [ -d /sys/kernel/tracing/instances/tamtrace.$t ]; do :; done
		kill -TERM $t; wait $t; mark early $?
		timeout -s QUIT 4 /tamtrace -p $$; mark quit $?
		{ /tamtrace --events /test-tamtrace many 64; echo $? >/tmp/status; } 2>&1 | head -n 1 >/dev/null
		mark pipe $(cat /tmp/status)
		/tamtrace --plot /tmp/x.png sh -c "echo it ran"
		printf "#!/bin/sh\n" >/bin/gnuplot; chmod +x /bin/gnuplot
		/tamtrace --plot /tmp/x.png sh -c "exit 3"; echo "untouched $?"' >"$work/guest" 2>&1
}
said() { grep -q "$@" "$work/guest" || { cat "$work/guest"; return 1; }; }

# The page numbers and accesses of CSV lines that begin with $1, in the order of pages
# or, with a third word, of the lines; $2 says which base they count from.
touched() {
	local base

	base=$(sed -n 's/^base //p' "$work/guest" | sed -n "$2p")
	sed -n "s/^$1 [0-9.]*,[0-9]*,0x\([0-9a-f]*\),/\1,/p" "$work/guest" | while IFS=, read -r at pages access fallback; do
		echo "$(((0x$at - 0x$base) / 4096)) $pages $access $fallback"
	done | if [[ ${3-} ]]; then cat; else sort -n; fi
}
right_touches() {
	diff <(touched "$1" "$2") <(printf '%s\n' '0 1 write 0' '5 1 read 0' '7 1 read 0' '9 1 write 0') && said "^$1 $3\$"
}
text() {
	[[ $(grep -cE '^ +[0-9.]+ s +[0-9]+  [0-9a-f]{12}     1 page  (read|write)' "$work/guest") -eq 4 ]] &&
		said '^text 42$' && said '^tamtrace: 4 first touches, 2 of them reads; 4 pages; 0 fallbacks'
}
summary() {
	[[ $(grep -c '^summary ' "$work/guest") -eq 2 ]] && said '^summary tamtrace: 1024 first touches, 0 of them reads; 1024 pages; 0 fallbacks' &&
		said '^summary .* 4.2 MB touched, at most 4.2 MB of it resident; .* 4.2 MB at the end$'
}
# Runs of pages, in the order of the calls; each page that came has gone.
right_releases() {
	diff <(touched releases 3 unsorted | cut -d' ' -f1-3) <(printf '%s 1 write\n' 0 1 2 3 4 5
		printf '%s\n' '0 2 dontneed' '2 1 munmap' '4 1 mremap-from' '20 1 mremap-to' '5 1 munmap' '0 1 write' \
			'0 1 exit' '3 1 exit' '20 1 exit') && said '^releases 0$'
}
# 1024 touches, in a guest whose clocksource is jiffies: a time for each.
fine_clock() {
	in_guest --append clocksource=jiffies -- sh -c '/tamtrace --csv --output /tmp/csv /test-tamtrace many 4
		cat /sys/devices/system/clocksource/clocksource0/current_clocksource; sed 1d /tmp/csv' >"$work/clock" 2>&1
	grep -qx jiffies "$work/clock" || { cat "$work/clock"; return 1; }
	echo "$(grep -c ',write,' "$work/clock") touches at $(grep ',write,' "$work/clock" | cut -d, -f1 | sort -u | wc -l) times"
	[[ $(grep -c ',write,' "$work/clock") -eq 1024 && $(grep ',write,' "$work/clock" | cut -d, -f1 | sort -u | wc -l) -gt 900 ]]
}
not_inside() { said '^namespace 125$' && ! grep 'it ran inside' "$work/guest"; }
unprivileged() {
	cp "$tools/tamtrace" "$work/tamtrace"
	chmod 755 "$work"
	ends_with 125 'run as root' setpriv --reuid 65534 --clear-groups "$work/tamtrace" true
}

# A region written in two seconds, and far above it another, read with large folios.
{
	echo seconds,tid,address,pages,access,fallback
	for ((i = 0; i < 500; i++)); do printf '%d.%03d000,7,0x%x,1,write,0\n' $((i / 250)) $((i % 250 * 4)) $((0x7f0000000000 + i * 4096)); done
	for ((i = 0; i < 10; i++)); do printf '1.5,8,0x%x,16,read,%d\n' $((0x7f8000000000 + i * 65536)) $((i == 9)); done
} >"$work/csv"
from() { ends_with "$1" "$2" "$tools/tamtrace" --from "$work/csv" "${@:3}"; }
png() { from 0 '510 first touches, 10 of them reads; 660 pages; 1 fallbacks' --plot "$work/x.png" && head -c 8 "$work/x.png" | cmp - <(printf '\x89PNG\r\n\x1a\n'); }
svg() {
	from 0 '' --plot "$work/x.svg" && python3 - "$work/x.svg" <<-'END'
		import sys, xml.dom.minidom
		text = " ".join(e.toxml() for e in xml.dom.minidom.parse(sys.argv[1]).getElementsByTagName("text"))
		assert "csv: 510 first touches, 2.7 MB; at most 2.7 MB resident; 0.0 MB given back" in text, text
		assert "7f0000000000, 2.0 MB" in text and "7f8000000000, 0.7 MB" in text and "MB resident" in text, text
	END
}
# A region, of which half is given back, and 900 single pages, each a gigabyte from the next.
{
	echo seconds,tid,address,pages,access,fallback
	for ((i = 0; i < 900; i++)); do printf '%d.000000,7,0x%x,64,write,0\n' $((i / 100)) $((0x7f0000000000 + i * 64 * 4096)); done
	for ((i = 0; i < 900; i++)); do printf '9.000000,7,0x%x,1,write,0\n' $((0x600000000000 + i * (1 << 30))); done
	printf '9.500000,7,0x7f0000000000,28800,dontneed,0\n'
} >"$work/redis <\"x.csv"
sparse() {
	ends_with 0 '239.6 MB touched, at most 239.6 MB of it resident; given back: 0.0 MB by munmap, 118.0 MB by madvise' \
		"$tools/tamtrace" --from "$work/redis <\"x.csv" --plot "$work/sparse.svg" --html "$work/x.html" && python3 - "$work/sparse.svg" <<-'END'
		import sys, xml.etree.ElementTree as tree
		texts = ["".join(e.itertext()).strip() for e in tree.parse(sys.argv[1]).iter() if e.tag.endswith("}text")]
		assert "900 small ranges, 3.7 MB" in " ".join(texts) and sum(", " in text and " MB" in text for text in texts) < 5, texts
		assert any(text.startswith('redis <"x: ') and "118.0 MB given back" in text for text in texts), texts
	END
}
# What the page is given is what there was.
page() {
	python3 - "$work/x.html" <<-'END'
		import json, re, sys
		text = open(sys.argv[1]).read()
		run = json.loads(re.search(r"const run = (.*?);\nconst", text, re.S)[1])
		assert run["title"] == 'redis <"x' and run["touches"] == sum(s["touches"] for s in run["steps"]) == 1800
		came = sum(sum(s["changes"][1::4]) for s in run["steps"])
		went = sum(sum(s["changes"][2::4]) for s in run["steps"])
		assert (came, went, sum(s["released"] for s in run["steps"])) == (58500, 28800, 28800), (came, went)
		assert [b["ranges"] for b in run["bands"]] == [1, 900] and run["releases"] == [[9.5, "dontneed", 28800, "7f0000000000", 7]]
		assert "http://" not in text and "https://" not in text
	END
}
# Random touches of 256 MB, so that there is something in each step and cell.
many_touches() {
	awk 'BEGIN { srand(1); print "seconds,tid,address,pages,access,fallback"
		     for (i = 0; i < 1000000; i++) printf "%.6f,7,0x7f%08x,1,write,0\n", i / 1e5, int(rand() * 65536) * 4096 }' >"$work/many.csv"
	"$tools/tamtrace" --from "$work/many.csv" --html "$work/many.html" && ls -l "$work/many.html" &&
		[[ $(stat -c %s "$work/many.html") -lt 8000000 ]]
}
round_trip() { "$tools/tamtrace" --from - --csv --output "$work/again" <"$work/csv" 2>/dev/null && sed 's/1\.5,8/1.500000,8/' "$work/csv" | cmp - "$work/again"; }
bad_line() { # LINE
	{ head -n 2 "$work/csv"; echo "$1"; } >"$work/bad"
	ends_with 125 "bad:3 is no touch: $1" "$tools/tamtrace" --from "$work/bad"
}
bad_lines() { bad_line x && bad_line 1,2,0x1,0,read,0 && bad_line inf,2,0x1,1,read,0 && bad_line 1,2,0xffffffffffff0000,1,read,0; }
no_touch() { head -n 1 "$work/csv" >"$work/empty" && ends_with 0 'nothing to draw' "$tools/tamtrace" --from "$work/empty" --plot "$work/x.png"; }
no_gnuplot() { PATH=/none from 125 'gnuplot-nox' --plot "$work/x.png" && said 'gnuplot-nox' && ! grep 'it ran' "$work/guest"; }
# On a full disk gnuplot's status is 0.
old_picture() { # STATUS, gnuplot's
	mkdir -p "$work/bin" && printf '#!/bin/sh\necho half; exit %d\n' "$1" >"$work/bin/gnuplot" && chmod +x "$work/bin/gnuplot" &&
		echo old >"$work/x.png" && PATH=$work/bin:$PATH from 125 'as it was' --plot "$work/x.png" &&
		[[ $(cat "$work"/x.png*) == old ]]
}

tap_plan 43
tap_check "it compiles" make -s -C userspace tools tool-tests OUT="$PWD/build/userspace"
tap_check "a guest runs it" run_all
tap_check "it shows the touches of a program, its threads and children, and exits with its status" right_touches program 1 42
tap_check "it shows them as text with --events" text
tap_check "by default it says only how many there were" summary
tap_check "it shows what is given back, moved and left at the end" right_releases
tap_check "it writes a page for a browser" said '^page 1$'
tap_check "where the kernel's clocksource is jiffies, it takes a finer clock" fine_clock
tap_check "in a PID namespace it refuses, as the kernel has other numbers" said '^tamtrace: the kernel traces by the process numbers of the initial'
tap_check "before the program runs" not_inside
tap_check "a process that nobody has waited for has ended" said '^zombie 0$'
tap_check "it shows the touches of a running process" right_touches pid 4 0
tap_check "a process has its whole name on the page" said '^named 1$'
tap_check "it reports lost touches" said 'more were lost'
tap_check "a program killed by a signal is 128 and its number" said '^killed 137$'
tap_check "a missing program is 127" said '^none 127$'
tap_check "SIGHUP ends the program and leaves nothing behind" said '^hup 129 0 0$'
tap_check "a signal right at the start leaves nothing behind" said '^early 0 0 0$'
tap_check "SIGQUIT stops tracing a process" said '^quit 0 0 0$'
tap_check "a pipe without a reader is 125 and leaves nothing behind" said '^pipe 125 0 0$'
tap_check "nothing is left in tracefs" said '^left 0$'
tap_check "it says that it needs root" unprivileged
tap_check "it draws a PNG from CSV" png
tap_check "an SVG has the ranges of addresses on its axis" svg
tap_check "a picture has the program's name and totals, and folds small ranges" sparse
tap_check "the page has the same touches and releases, and loads nothing" page
tap_check "the page of a million touches is some MB" many_touches
tap_check "it reads the CSV that it writes" round_trip
tap_check "lines that are not touches are 125" bad_lines
tap_check "a file of another format is 125" ends_with 125 'is not from tamtrace' "$tools/tamtrace" --from /etc/passwd
tap_check "a missing file is 125" ends_with 125 '/none: No such file' "$tools/tamtrace" --from /none
tap_check "having no touch to draw is reported and is not a failure" no_touch
tap_check "the exit status is the program's then" said '^untouched 3$'
tap_check "a missing gnuplot is 125, before the program runs" no_gnuplot
tap_check "a picture that could not be drawn leaves the old one" old_picture 1
tap_check "a picture that was cut off leaves the old one" old_picture 0
tap_check "a picture of another format is 125" from 125 'has to end in .png or .svg' --plot x.jpg
tap_check "a picture that cannot be written is 125" from 125 'No such file' --plot /none/x.png
tap_check "nor a page" from 125 'No such file' --html /none/x.html
tap_check "--help prints the usage" ends_with 0 'usage: tamtrace' "$tools/tamtrace" --help
tap_check "no program is 125, and that is said" ends_with 125 $'is missing\nusage: tamtrace' "$tools/tamtrace" --csv
tap_check "so are a program and a PID" ends_with 125 $'only one of them\nusage: tamtrace' "$tools/tamtrace" -p 1 true
tap_check "a PID that is not a number is 125" ends_with 125 '-p 1x is not a number' "$tools/tamtrace" -p 1x
tap_end
