#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# sparse, W=1 with gcc and with clang, kernel-doc and Coccinelle, on the files that the series
# touches: they say nothing that they do not say without it. Each is seen to object, too.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
# No setting of the user's may make a difference.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
# shellcheck source=scripts/lib/kernel.sh
. "$top/scripts/lib/kernel.sh"
find_source

# Always the same place, for ccache.
work=$top/build/static
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
base=$work/base tree=$work/tree
# What the compilers see of it, and the objects.
touched=() objects=() rules='*.cocci'
while read -r file; do
	touched+=("$file")
	[[ $file != *.c ]] || objects+=("${file%.c}.o")
done < <(sed -nE 's,^\+\+\+ b/((fs|include|kernel|mm)/.*\.[ch])$,\1,p' "$top/patches/linux-$kernel"/*.patch | sort -u)

# patch makes new files, so that those of the base stay what they are.
lay_out() {
	lay_out_base "$base" && cp -al "$base" "$tree" &&
		cat "$top/patches/linux-$kernel"/*.patch | patch -s -d "$tree" -p1 --fuzz=0 --no-backup-if-mismatch
}

# Those of the lines of FILE that FILE-OF-THE-BASE has not. They may have moved in their source.
new_lines() { # FILE-OF-THE-BASE FILE
	comm -13 <(without_place "$1") <(without_place "$2")
}
without_place() { sed -E "s,($base|$tree)/,,g; s/:[0-9]+([:-][0-9]+)*([:, ])/\2/g; s/on line [0-9]+//" "$1" | sort; }

# As the compiler sees a file, so does sparse, and then the file of the base: each time with the
# headers that go with it. Debian's sparse does not know __typeof_unqual__, and 7.3 asks for it.
make_checker() {
	{
		echo '#!/bin/bash'
		declare -p work base tree
		cat <<-'END'
			check() { LC_ALL=C sparse -D__typeof_unqual__=__typeof__ "$@" 2>&1; }
			file=${!#}
			[[ $file == "$tree"/* ]] || { check "$@"; exit; }
			said=$(mktemp "$work/sparse.XXXXXX")
			: >"$said.base"
			[[ ! -e $base${file#"$tree"} ]] || check "${@//"$tree"/"$base"}" >"$said.base"
			check "$@" >"$said"
			echo "${file#"$tree/"}" >"$said.file"
		END
	} >"$work/check"
	chmod +x "$work/check"
}

# make for one of the trees; the directories of objects are outside, and names of sources absolute.
static_make() { # TREE gcc|clang ARG...
	local compiler=$2 ccached=''

	[[ $compiler != clang ]] || compiler=$clang
	! command -v ccache >/dev/null || ccached='ccache '
	kernel_make -s -C "$1" O="$work/$2-${1##*/}" ARCH="$arch" CC="$ccached$compiler" -j"$(nproc)" "${@:3}" 2>&1
}
configure() { # TREE gcc|clang
	local out=$work/$2-${1##*/}

	mkdir -p "$out"
	cat "$top/kernel-config/"{common,"$arch","$kernel",tamalloc}.config >"$out/requested.config" || return
	static_make "$1" "$2" KCONFIG_ALLCONFIG="$out/requested.config" allnoconfig || return
	[[ $1 == "$base" ]] || grep -qx CONFIG_TAMALLOC=y "$out/.config"
}
# The base is compiled only if there is something to compare with it.
compile() { # gcc|clang OBJECT...
	local said=$work/said.$1 object of_base=() checker=()

	[[ $1 != gcc ]] || checker=(C=2 CHECK="$work/check")
	if ! static_make "$tree" "$1" W=1 "${checker[@]}" "${@:2}" >"$said"; then
		cat "$said"
		echo "it does not compile"
	elif [[ -s $said ]]; then
		for object in "${@:2}"; do
			[[ ! -e $base/${object%.o}.c ]] || of_base+=("$object")
		done
		: >"$said.base"
		# Without a target make would build the whole kernel.
		if ((${#of_base[@]})); then
			configure "$base" "$1" >/dev/null
			static_make "$base" "$1" W=1 "${of_base[@]}" >"$said.base"
		fi
		new_lines "$said.base" "$said"
	fi
}
with_gcc() { compile gcc "${objects[@]}"; }
with_clang() { compile clang "${objects[@]}"; }

# pte_offset_map_lock() has no annotation, and so whoever unlocks such a table has an
# unexpected unlock: in 6.12, a score of functions in mm/memory.c alone.
with_sparse() {
	local object file

	for object in "${objects[@]}"; do
		grep -qxF "${object%.o}.c" "$work"/sparse.*.file || echo "${object%.o}.c was not looked at"
	done
	for file in "$work"/sparse.*.file; do
		new_lines "${file%.file}.base" "${file%.file}"
	done | grep -vE "context imbalance in '.*' - unexpected unlock$|note: in included file" | sort -u
}

with_kernel_doc() {
	local of

	for of in "$base" "$tree"; do
		(cd "$of" && for file in "${touched[@]}"; do [[ ! -e $file ]] || echo "$file"; done |
			PYTHONDONTWRITEBYTECODE=1 xargs "$kernel_doc" -none -Wall) >"$work/doc.${of##*/}" 2>&1
	done
	new_lines "$work/doc.base" "$work/doc.tree"
}

# The functions that the series changes, with and without it: whole files take minutes.
cut_out() {
	local file of sign

	for file in "${touched[@]}"; do
		for of in base:- tree:+; do
			sign=${of#*:} of=$work/cut/${of%:*}/$file
			mkdir -p "${of%/*}"
			git diff --no-index -W "$(there "$base/$file")" "$tree/$file" |
				awk -v sign="$sign" '/^@@/ { hunk = 1; print ""; next }
					hunk && (/^ / || substr($0, 1, 1) == sign) { print substr($0, 2) }' >"$of"
		done
	done
}
there() { if [[ -e $1 ]]; then echo "$1"; else echo /dev/null; fi; }
# shellcheck disable=SC2016 # for another shell
with_coccinelle() {
	rm -rf "$work/cut"
	cut_out
	(cd "$work/cut" && grep -lErw '^virtual .*report' "$tree/scripts/coccinelle" --include="$rules" | sort |
		FILES=$(find base tree -type f | sort | xargs) xargs -P"$(nproc)" -I{} bash -c '
			options=$(sed -n "s,^// Options: *,,p" "$1")
			spatch -D report --very-quiet --no-show-diff --cocci-file "$1" $options $FILES 2>"$0" ||
				{ echo "tree/$1:"; tail -n 3 "$0"; }' "$work/said.spatch" {}) >"$work/said.cocci"
	new_lines <(sed -n 's,^base/,,p' "$work/said.cocci") <(sed '/^base\//d; s,^tree/,,' "$work/said.cocci")
}

says_nothing() {
	local said

	said=$("$@")
	echo "$said"
	[[ ! $said ]]
}
# A fault for each of them, at the end of a file.
plant() {
	rm -f "$work"/sparse.*
	{
		cat "$tree/mm/tamalloc.c"
		cat <<-'END'

			/**
			 * planted() - a fault for each of them
			 */
			unsigned long planted(unsigned long __user *addr)
			{
				unsigned long unused;

				unused = *addr;
				if (addr) {
					addr++;
				};
				return 0;
			}
		END
	} >"$work/planted" && mv "$work/planted" "$tree/mm/tamalloc.c"
	touched=(mm/tamalloc.c) objects=(mm/tamalloc.o) rules=semicolon.cocci
}
objects_to() { # WORDS COMMAND
	local said

	said=$("$2")
	echo "$said"
	[[ $said == *"$1"* ]]
}

tap_plan 13
tap_check "the series is laid out, and its base" lay_out || exit
make_checker
kernel_doc=$tree/scripts/kernel-doc
[[ -e $kernel_doc ]] || kernel_doc=$tree/tools/docs/kernel-doc
for compiler in gcc clang; do
	tap_check "$compiler: the tree is configured" configure "$tree" $compiler
done
tap_check "gcc, W=1: no new message about ${#objects[@]} objects" says_nothing with_gcc
tap_check "sparse: none" says_nothing with_sparse
tap_check "clang, W=1: none" says_nothing with_clang
tap_check "kernel-doc: none" says_nothing with_kernel_doc
tap_check "Coccinelle: none" says_nothing with_coccinelle
plant
tap_check "gcc objects to a fault that is planted" objects_to "variable 'unused' set but not used" with_gcc
tap_check "so does sparse" objects_to "dereference of noderef expression" with_sparse
tap_check "so does clang" objects_to "variable 'unused' set but not used" with_clang
tap_check "so does kernel-doc" objects_to "'addr' not described in 'planted'" with_kernel_doc
tap_check "so does Coccinelle" objects_to "Unneeded semicolon" with_coccinelle
tap_end
