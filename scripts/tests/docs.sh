#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The documents: what they show can be run, and what they refer to is there.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/x.md" <<'END'
    $ no command
```console
$ a=one; echo $a \
>     two "a
> b"
old
$ echo $a; echo boot: not this
```
$ no command
END
renews() {
	cp "$work/x.md" "$work/y.md"
	scripts/transcripts "$work/y.md" &&
		diff "$work/y.md" - <<-'END'
			    $ no command
			```console
			$ a=one; echo $a \
			>     two "a
			> b"
			one two a
			b
			$ echo $a; echo boot: not this
			one
			```
			$ no command
		END
}
check_leaves() { cp "$work/x.md" "$work/y.md" && scripts/transcripts --check "$work/y.md" && cmp "$work/x.md" "$work/y.md"; }
failure() {
	# shellcheck disable=SC2016 # what looks like a command is text
	printf '```console\n$ echo why; (exit 3)\nold\n```\n' >"$work/z.md"
	cp "$work/z.md" "$work/y.md"
	! scripts/transcripts "$work/y.md" 2>"$work/said" && cat "$work/said" && cmp "$work/z.md" "$work/y.md" &&
		grep -q 'status 3 of: echo why' "$work/said" && grep -q '  | why' "$work/said"
}

# What [text](path) refers to, from the directory of the document.
links() {
	local file target bad=0

	for file in README*.md docs/*.md docs/*/*.md; do
		while read -r target; do
			[[ $target == http* || -e ${file%"${file##*/}"}${target%%#*} ]] || { echo "$file: $target"; bad=1; }
		done < <(grep -oE '\]\([^)]+\)' "$file" | sed 's/^](//; s/)$//; s/ .*//; s/^#.*/./')
	done
	return "$bad"
}

# What a translation keeps: commands and output, the levels of the headings, the links.
kept() {
	grep '^    ' "$1" | sed 's/ *# .*//'
	grep -oE '^#+ ' "$1"
	grep -oE '\]\([^)]+\)' "$1" | grep -v '(README' | sort -u
}
translated() { diff <(kept README.md) <(kept README.es.md); }

tap_plan 7
tap_check "transcripts puts what a command prints in its place" renews
tap_check "with --check it leaves the document alone" check_leaves
tap_check "a command that fails is 1, and leaves the document alone" failure
tap_check "every link of the documents leads to a file" links
tap_check "README.es.md keeps the commands, headings and links of README.md" translated
tap_check "the experiment on over-commit runs" scripts/transcripts --check docs/overcommit.md
tap_check "so do the commands of the tutorial" scripts/transcripts --check docs/tutorial.md
tap_end
