#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The page of tamtrace --html, as a browser shows it. Leaves pictures of it in build/browser/.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
out=$PWD/build/browser
mkdir -p "$out"

# 2 s: 1000 pages in order, by two threads; the first half is given back in the middle.
# Far above them, 20 pages are only read.
{
	echo seconds,tid,address,pages,access,fallback
	for ((i = 0; i < 1000; i++)); do
		printf '%d.%03d000,%d,0x%x,1,write,0\n' $((i / 500)) $((i % 500 * 2)) $((7 + i / 500)) $((0x7f0000000000 + i * 4096))
		((i != 499)) || printf '0.999000,7,0x7f0000000000,500,dontneed,0\n'
	done
	for ((i = 0; i < 20; i++)); do printf '1.999000,9,0x%x,1,read,0\n' $((0x7f8000000000 + i * 4096)); done
	printf '2.000000,7,0x7f00001f4000,500,exit,0\n2.000000,7,0x7f8000000000,20,exit,0\n'
} >"$out/<b>&.csv"

page() {
	build/userspace/tools/tamtrace --from "$out/<b>&.csv" --html "$out/page.html" &&
		python3 "$here/browser.py" "$out/page.html" "$out/page" >"$out/found"
}
found() { # PYTHON: of what the browser has found
	python3 - "$out/found" "$out/<b>&.csv" "$1" <<-'END'
		import csv, json, sys
		found = json.load(open(sys.argv[1]))
		lines = list(csv.DictReader(open(sys.argv[2])))
		touches = [line for line in lines if line["access"] in ("read", "write")]
		mb = lambda lines: f'{sum(int(line["pages"]) for line in lines) * 4096 / 1e6:.1f}'
		assert eval(sys.argv[3]), json.dumps(found, indent=1)
	END
}
pictures() { for name in phone desk; do [[ $(stat -c %s "$out/page-$name.png") -gt 5000 ]] || return; done; }

tap_plan 13
tap_check "Chromium shows the page" page
tap_check "without an error, or a word on its console" found 'found["complaints"] == []'
tap_check "and asks for no other file" found '[url.startswith("file:") and url.endswith("/page.html") for url in found["requests"]] == [True]'
tap_check "its title is the program's name, whatever is in that" found 'found["end"]["title"] == "<b>&"'
tap_check "at the end of the slider it has counted all touches" found 'int(found["end"]["touches"]) == len(touches) == 1020 and found["end"]["seconds"] == "2.000"'
tap_check "and all that was given back" found 'found["end"]["resident"] == "0.0" and found["end"]["released"] == mb(touches)'
tap_check "in the middle those until then" found '0 < int(found["middle"]["touches"]) - sum(float(line["seconds"]) < 1 for line in touches) < 10 and found["middle"]["released"] == "2.0"'
tap_check "at the start hardly any" found 'int(found["start"]["touches"]) < 10 and found["start"]["released"] == "0.0"'
tap_check "Play begins at the start" found 'found["playing"] == "Pause0"'
tap_check "when it was played it stands at the end" found 'found["played"] == found["end"]'
tap_check "it lists the ranges and releases, and says what is under the pointer" found 'found["bands"] == ["7f0000000000, 4.1 MB, 1000 pages touched", "7f8000000000, 0.1 MB, 20 pages touched"] and [row.split()[1] for row in found["releases"]] == ["dontneed", "exit"] and found["here"].startswith("7f0000000000 (4 kB): 0 pages resident; first touch at 0.007 s")'
tap_check "a phone shows it without scrolling sideways" found 'found["phone-overflow"] <= 0'
tap_check "pictures of it are left in build/browser" pictures
tap_end
