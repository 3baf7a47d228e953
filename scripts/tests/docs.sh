#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The documents: the commands that they show run, and their links lead somewhere.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
cd "$here/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/x.md" <<'END'
    $ no command
yes, this line stays
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
			yes, this line stays
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
one_section() {
	printf '%s\n' '```console' '$ echo no' '```' '## One' '```console' '$ echo one' '```' \
		'## Two' '```console' '$ echo no' '```' >"$work/y.md"
	scripts/transcripts --section One "$work/y.md" &&
		diff "$work/y.md" - <<-'END'
			```console
			$ echo no
			```
			## One
			```console
			$ echo one
			one
			```
			## Two
			```console
			$ echo no
			```
		END
}
failure() {
	# shellcheck disable=SC2016 # what looks like a command is text
	printf '```console\n$ echo why; (exit 3)\nold\n```\n' >"$work/z.md"
	cp "$work/z.md" "$work/y.md"
	! scripts/transcripts "$work/y.md" 2>"$work/said" && cat "$work/said" && cmp "$work/z.md" "$work/y.md" &&
		grep -q 'status 3 of: echo why' "$work/said" && grep -q '  | why' "$work/said"
}

# The names by which links reach the headings of a document, as GitHub makes them.
# shellcheck disable=SC2016 # not commands
anchors() {
	sed -nE '/^```/,/^```/d; s/^#+ //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^[:alnum:] _-]//g; s/ /-/g'
}

# What [text](path#anchor) refers to, from the directory of the document.
links() {
	local file target path bad=0

	for file in *.md docs/*.md docs/*/*.md; do
		while read -r target; do
			[[ $target != http* ]] || continue
			path=$file
			[[ $target == \#* ]] || path=${file%"${file##*/}"}${target%%#*}
			[[ -e $path ]] || { echo "$file: $target"; bad=1; }
			[[ $target != *.md#* && $target != \#* ]] || anchors "$path" | grep -xF -e "${target#*#}" >/dev/null ||
				{ echo "$file: $target: no such heading"; bad=1; }
		done < <(grep -oE '\]\([^)]+\)' "$file" | sed 's/^](//; s/)$//; s/ .*//')
	done
	return "$bad"
}

# What a translation keeps: commands, the levels of the headings, the links, the rows of tables.
# A command that asks for Spanish is its own.
kept() {
	grep -E '^    (make|scripts/)' "$1" | sed 's/ *# .*//'
	grep -oE '^#+ ' "$1"
	grep -oE '\]\([^)]+\)' "$1" | grep -v '(README\|(docs/es/' | sort -u
	# shellcheck disable=SC2016 # not commands
	grep -oE '`make [^`]+`' "$1" | grep -v 'LANG=' | sort -u
	grep -c '^|' "$1"
}
translated() { diff <(kept README.md) <(kept README.es.md); }
# Those of a section of the guide: HEADING FILE.
commands_of() { awk -v here="## $1" '/^## / { on = $0 == here } on && /^(\$|>) /' "$2"; }
same_commands() { # HEADING SPANISH-HEADING
	diff <(commands_of "$1" docs/guide.md) <(commands_of "$2" docs/es/guia.md)
}

# What the demo prints in each language; a number is N, a bar is B.
shape() { sed -E 's/0x[0-9a-f]+|[0-9]+/N/g; s/\[[#.]+\]/B/; s/ +/ /g'; }
demo() {
	# shellcheck disable=SC2016 # for the guest's shell
	scripts/boot --timeout 600 --add build/userspace/demo -- \
		sh -c 'LANG=C /demo && echo === && LANG=es_ES.UTF-8 /demo' >"$work/both" &&
		sed '/^===$/,$d' "$work/both" >"$work/en" && sed '1,/^===$/d' "$work/both" >"$work/es"
}
# Of the tables' lines, in characters.
widths() { grep -E '\||VmSize|  [0-9]+  ' | iconv -f UTF-8 -t LATIN1 | awk '{ print length }'; }
# Line by line the same figures, in columns of the same width, and other words.
speaks_spanish() {
	cat "$work/es"
	diff <(wc -l <"$work/en") <(wc -l <"$work/es") &&
		diff <(widths <"$work/en") <(widths <"$work/es") &&
		diff <(shape <"$work/en" | grep '^ N MB') <(shape <"$work/es" | grep '^ N MB') &&
		! grep -wE 'pages?|faults?|the|each|before|after|reserved' "$work/es"
}
in_readme() { # README OUTPUT
	local line bad=0

	shape <"$2" >"$work/shape"
	while IFS= read -r line; do
		grep -qxF -e "$line" "$work/shape" || { echo "$1: the demo does not print: $line"; bad=1; }
	done < <(sed -n '/^    .*10 MB.*2560/,/^    *10 MB/s/^    //p' "$1" | grep -vE '^ *\.\.\.$' | shape)
	return "$bad"
}

in_spanish() { env -u LC_MESSAGES LC_ALL=C make -n run "$@" | grep -F 'env LANG=es /demo'; }
users_language() { in_spanish LANG=es && in_spanish LC_ALL=es_MX.UTF-8 && ! in_spanish LANG=en; }
# Its answer has the figures: which of 16 huge pages there are depends on where they lie.
would_help() {
	cp docs/guide.md "$work/help.md" && scripts/transcripts --section "Would it help?" "$work/help.md" &&
		grep -E '^[0-9]+ calloc: up to (29|3[01])\.[0-9] of 3[0-2]\.[0-9] MB resident could be saved$' "$work/help.md"
}
guide() { scripts/transcripts --check --section "$1" docs/guide.md; }

tap_plan 17
tap_check "transcripts replaces the output of a command" renews
tap_check "with --check it leaves the document alone" check_leaves
tap_check "with --section it runs the commands of that section only" one_section
tap_check "a section that does not exist is 125" ends_with 125 'has no section "None"' guide None
tap_check "a command that fails is 1, and leaves the document alone" failure
tap_check "every link of the documents leads to a file or a heading" links
tap_check "README.es.md keeps the commands, headings and links of README.md" translated
tap_check "the guide's experiment on over-commit runs" guide Over-commit
tap_check "so do the commands of its first steps" guide "First steps"
tap_check "so do those that ask whether it would help, with its figures" would_help
tap_check "the demo runs in the guest" demo
tap_check "it speaks Spanish, with the same figures in the same columns" speaks_spanish
tap_check "README.md shows what it prints" in_readme README.md "$work/en"
tap_check "README.es.md shows what it prints in Spanish" in_readme README.es.md "$work/es"
tap_check "make run has it speak the user's language" users_language
tap_check "the Spanish guide has the commands of the first steps" same_commands "First steps" "Primeros pasos"
tap_check "and those of the experiment on over-commit" same_commands "Over-commit" "Overcommit"
tap_end
