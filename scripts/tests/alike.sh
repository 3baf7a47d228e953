#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The series of patches/linux-*: each patch of one has its counterpart in the others, and where
# they touch other files docs/ports.md says why. No kernel is needed.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A subject may be folded.
subject() {
	awk '/^Subject: / { folded = subject = $0; next }
		folded && /^ / { subject = subject $0; next }
		folded { sub(/^Subject: \[[^]]*\] /, "", subject); print subject; exit }' "$1"
}
subjects() { # SERIES
	local patch

	for patch in "$1"/*.patch; do
		[[ $patch == */0000-* ]] || subject "$patch"
	done
}
patch_of() { # SERIES SUBJECT
	local patch

	for patch in "$1"/*.patch; do
		[[ $patch == */0000-* || $(subject "$patch") != "$2" ]] || { echo "$patch"; return; }
	done
}
files() { sed -nE 's,^(\+\+\+ b|--- a)/([^\t]+).*,\2,p' "$1" | sort -u; }

# What each of two series has and the other has not, in the second's order.
alone() { # SERIES OTHER
	local subject

	while read -r subject; do
		[[ $(patch_of "$2" "$subject") ]] || echo "${2##*/} has no counterpart of ${1##*/}: $subject"
	done < <(subjects "$1")
}
other_files() { # SERIES OTHER
	local subject file

	while read -r subject; do
		[[ $(patch_of "$2" "$subject") ]] || continue
		while read -r file; do
			echo "$subject: $file: ${1##*/linux-}"
		done < <(comm -23 <(files "$(patch_of "$1" "$subject")") <(files "$(patch_of "$2" "$subject")"))
	done < <(subjects "$1")
}
# The table of docs/ports.md as other_files() prints it. The first column is the patch, and the
# head of each next one a kernel.
told() {
	awk -F ' *[|] *' '!/^[|]/ { delete kernel }
		/^[|] patch / { for (i = 3; i <= NF; i++) kernel[i] = $i; next }
		/^[|] [^-]/ && $2 != "" {
			for (i = 3; i <= NF; i++) {
				if (kernel[i] !~ /^[0-9.]+$/)
					continue
				n = split($i, names, "`")
				for (j = 2; j <= n; j += 2)
					print $2 ": " names[j] ": " kernel[i]
			}
		}' docs/ports.md
}

mapfile -t series < <(printf '%s\n' patches/linux-* | sort -rV)
newest=${series[0]}

no_patch_alone() { # SERIES
	local said

	said=$(alone "$newest" "$1"; alone "$1" "$newest")
	echo "$said"
	[[ ! $said ]]
}
same_order() { diff <(subjects "$newest") <(subjects "$1"); }
differences_are_told() {
	diff <(told | sort) <(for other in "${series[@]:1}"; do
		other_files "$newest" "$other"
		other_files "$other" "$newest"
	done | sort -u)
}

# A patch that one of them lacks is named, and whichever lacks it.
names_the_missing() { # SERIES OTHER
	local patch said

	rm -rf "$work/cut"
	mkdir "$work/cut"
	cp -a "$2" "$work/cut"
	patch=$(printf '%s\n' "$work/cut/${2##*/}"/*.patch | tail -n 1)
	said="${2##*/} has no counterpart of ${1##*/}: $(subject "$patch")"
	rm "$patch"
	diff <(alone "$1" "$work/cut/${2##*/}") - <<<"$said"
}

tap_plan $((1 + 4 * (${#series[@]} - 1)))
for other in "${series[@]:1}"; do
	tap_check "each patch of ${newest##*/} has its counterpart in ${other##*/}, and the reverse" no_patch_alone "$other"
	tap_check "they come in the same order" same_order "$other"
	tap_check "one that ${other##*/} lacks is named" names_the_missing "$newest" "$other"
	tap_check "one that ${newest##*/} lacks is named" names_the_missing "$other" "$newest"
done
tap_check "docs/ports.md says which files a patch touches in one series only" differences_are_told
tap_end
