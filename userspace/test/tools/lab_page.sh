#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The lab's page, as a browser shows it. Leaves pictures of it in build/browser/.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../../../scripts/lib/tap.sh"
cd "$here/../../.." || exit
out=$PWD/build/browser
mkdir -p "$out"

# A thousand lines "FRAMES PAGE PAGE ...", the same every time.
strings() {
	awk 'function random(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
		BEGIN { seed = 16; for (i = 0; i < 1000; i++) {
			pages = 1 + random(10)
			line = ""
			for (n = 1 + random(50); n; n--) line = line " " random(pages)
			print 1 + random(10) line } }' >"$out/strings"
}
page() {
	strings
	scripts/lab --output "$out/lab" --lang en --string "$(seq -s ' ' 1 40) $(seq -s ' ' 1 3 40) $(seq -s ' ' 40 -2 1)" \
		strings faults anomaly ws pff sizes fit segments >"$out/lab.said" 2>&1 || { cat "$out/lab.said"; return 1; }
	python3 "$here/lab_page.py" "$out/lab/index.html" "$out/lab" "$out/strings" >"$out/lab.found"
}
found() { # PYTHON: of what the browser has found
	python3 - "$out/lab.found" "$1" <<-'END'
		import json, sys
		found = json.load(open(sys.argv[1]))
		assert eval(sys.argv[2]), json.dumps({name: found[name] for name in found if name != "faults"}, indent=1)
	END
}
# The faults of each policy in the line's frames; in more than there are pages, those of all.
counts() {
	cut -d' ' -f2- "$out/strings" | build/userspace/lab/replay batch >"$out/batch" &&
		python3 - "$out" <<-'END'
			import json, sys
			shown = json.load(open(sys.argv[1] + "/lab.found"))["faults"]
			frames = [int(line.split()[0]) for line in open(sys.argv[1] + "/strings")]
			batch = [[int(word) for word in line.split()[1:]] for line in open(sys.argv[1] + "/batch")]
			assert len(shown) == len(frames) == 1000 and len(batch) == 4000
			right = [[of[min(n, len(of)) - 1] for of in batch[4 * i:4 * i + 4]] for i, n in enumerate(frames)]
			assert shown == right, [(i, *both) for i, both in enumerate(zip(shown, right)) if both[0] != both[1]][:5]
		END
}
pictures() { for name in phone desk answers; do [[ $(stat -c %s "$out/lab-$name.png") -gt 20000 ]] || return; done; }

tap_plan 12
tap_check "Chromium shows the page" page
tap_check "without an error, or a word on its console" found 'found["complaints"] == []'
tap_check "and asks for no other file" found '[url.startswith("file:") and url.endswith("/index.html") for url in found["requests"]] == [True]'
tap_check "the stepper's faults are the C engine's, on a thousand strings" counts
tap_check "it begins before the first reference, goes forth and back, and to both ends" found 'found["begins"] == found["steps"][0] and [step.split(" / ")[0] for step in found["steps"]] == ["0", "1", "2", "1", found["steps"][0].split(" / ")[1]]'
tap_check "each answer is hidden until something is guessed" found 'set(found["hidden"]) == {"none"} and set(found["shown"]) == {"block"} and len(found["shown"]) == found["right"] >= 7'
tap_check "in Spanish it shows no English, and the other way round" found 'all(found["languages"][lang][lang] > 50 and found["languages"][lang][other] == 0 for lang, other in (("es", "en"), ("en", "es"))) and found["languages"]["es"]["clocks"] == found["languages"]["en"]["relojes"] == [] != found["languages"]["en"]["clocks"] and found["languages"]["es"]["relojes"]'
tap_check "title and errors are in the language" found '[found["languages"][lang]["title"] for lang in ("es", "en")] == ["El laboratorio de memoria", "The memory lab"] and "no es un" in found["languages"]["es"]["wrong"] and "is no page number" in found["languages"]["en"]["wrong"]'
tap_check "a curve goes off and on, and is read under the pointer" found 'found["curve"]["off"] == "none" and found["curve"]["on"] != "none" and "OPT 40" in found["curve"]["read"]'
tap_check "a phone shows it without scrolling sideways, its curves not too small" found 'found["phone-overflow"] <= 0 and found["phone-curve"] >= 600'
tap_check "on paper are all answers, and the names of curves" found 'set(found["print"][:-1]) == {"block"} and found["print"][-1] == "inline-block"'
tap_check "pictures of it are left in build/browser" pictures
tap_end
