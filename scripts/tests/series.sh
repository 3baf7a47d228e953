#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The patch series: it applies both ways, survives the round trip through a work
# tree byte for byte, pleases checkpatch, and each patch compiles alone.
set -uo pipefail
# shellcheck source=scripts/lib/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/lib/tap.sh
. "$here/../lib/tap.sh"
# No identity, signing or hook of the user's may make a difference.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
# shellcheck source=scripts/lib/kernel.sh
. "$top/scripts/lib/kernel.sh"
series=$top/patches/linux-$kernel
find_source

# Always the same place: the compiler is told where the source is, and ccache by that.
work=$top/build/series
rm -rf "$work"
mkdir -p "$work"
declare -A lanes
# A lane is a process group: its compilers go with it.
trap 'for lane in "${lanes[@]}"; do kill -- "-$lane" 2>/dev/null; done; wait; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
base=$work/base tree=$work/tree
patches=()
for patch in "$series"/*.patch; do
	[[ $patch == */0000-* ]] || patches+=("$patch")
done

applies_with_git_am() { KERNEL_SRC=$base "$top/scripts/checkout" "$tree"; }

applies_with_patch() {
	cp -al "$base" "$work/plain" || return
	cat "${patches[@]}" | patch -d "$work/plain" -p1 --fuzz=0 --no-backup-if-mismatch &&
		diff -r --exclude=.git "$work/plain" "$tree"
}

round_trip() {
	"$top/scripts/export" --to "$work/exported" "$tree" && diff -r "$series" "$work/exported"
}

# Whoever keeps what it touches, and nobody twice.
names_recipients() {
	local said address

	said=$("$top/scripts/export" --recipients "$tree") || return
	echo "$said"
	for address in 'To: Andrew Morton <' 'To: x86@kernel.org' 'Cc: linux-mm@kvack.org' 'Cc: linux-api@vger.kernel.org'; do
		grep -qF "$address" <<<"$said" || { echo "no $address"; return 1; }
	done
	[[ ! $(sed -E 's/^(To|Cc): //' <<<"$said" | sort | uniq -d) ]]
}

# What checkpatch may say is listed, word for word, and explained in the cover letter.
checkpatch() {
	# A copy: checkpatch takes a file that git tracks for source code, not a patch.
	mkdir "$work/series" && cp "${patches[@]}" "$work/series" || return
	"$tree/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary --show-types \
		"$work"/series/*.patch >"$work/checkpatch"
	sed 's/^[^:]*:[0-9]*: //' "$work/checkpatch" | sort -u | diff - <(cat <<-'END'
		CHECK:OPEN_ENDED_LINE: Lines should not end with a '('
		CHECK:PARENTHESIS_ALIGNMENT: Alignment should match open parenthesis
		WARNING:ENOSYS: ENOSYS means 'invalid syscall nr' and nothing else
	END
	# Later kernels' checkpatch does not mind.
	[[ $kernel != 6.12 ]] || cat <<-'END'
		WARNING:MACRO_ARG_UNUSED: Argument 'flag' is not used in function-like macro
		WARNING:MACRO_ARG_UNUSED: Argument 'name' is not used in function-like macro
	END
	)
}

show() { git -C "$tree" show "$1:$2" 2>/dev/null; }
has_prompt() { show "$1" mm/Kconfig | awk '/^config / { ours = $2 == "TAMALLOC" } ours && /^\tbool "/ { found = 1 } END { exit !found }'; }
has_call() { show "$1" mm/tamalloc.c | grep '^SYSCALL_DEFINE.*(luis_tamalloc,' >/dev/null; }

# There is nothing to enable before that.
prompt_comes_with_the_call() {
	local commit

	for commit in "${commits[@]}"; do
		git -C "$tree" show -s --format='%h %s' "$commit"
		if has_call "$commit"; then has_prompt "$commit"; else ! has_prompt "$commit"; fi || return
	done
	has_call "$commit"
}

# Each value has a lane: a tree of its own, in which one patch after the other is applied
# and compiled, both lanes at once. $lane and $value are those of the lane.
#
# What is compiled is the code that could fail to: what the series touches and, where the
# option is on, all of mm/, but with --quick. Whatever else includes the headers is compiled
# with the last patch.
touched=(fs/proc/task_mmu.o kernel/sys.o kernel/sys_ni.o kernel/fork.o arch/x86/entry/)
touched_mm=$(sed -nE 's,^--- a/(mm/[^/]*)\.c$,\1.o,p' "${patches[@]}" | grep -v '^mm/tamalloc' | sort -u | xargs)
declare -A touched_by=([y]=mm/ [n]="mm/mincore.o $touched_mm")
[[ ${1-} != --quick ]] || touched_by[y]=${touched_by[n]}
all=(mm/ fs/proc/ kernel/sys.o kernel/sys_ni.o kernel/fork.o arch/x86/entry/)

lane_make() { kernel_make -s -C "$lane" O=out ARCH="$arch" "${ccache[@]}" KCFLAGS=-Werror "${kconfig[@]}" "$@"; }

# Without a prompt y could not be chosen: a second definition lends one.
configure() {
	kconfig=()
	if ! has_prompt "$1"; then
		{ cat "$lane/Kconfig" && printf '\nconfig TAMALLOC\n\tbool "lent by %s"\n' "${0##*/}"; } >"$lane.Kconfig"
		kconfig=(KBUILD_KCONFIG="$lane.Kconfig")
	fi
	mkdir -p "$lane/out"
	{ cat "$top/kernel-config/"{common,"$arch","$kernel"}.config && echo "CONFIG_TAMALLOC=$value"; } >"$lane.config" &&
		lane_make KCONFIG_ALLCONFIG="$lane.config" allnoconfig || return
	# Kconfig drops an option that it cannot set, and says nothing.
	if grep -qx CONFIG_TAMALLOC=y "$lane/out/.config"; then [[ $value == y ]]; else [[ $value == n ]]; fi ||
		{ echo "CONFIG_TAMALLOC is not $value"; return 1; }
}

# What is compiled with the headers $1... as they are: a file of text and a file of macros.
read_headers() { # INTO HEADER...
	local into=$1 header gcc

	shift
	rm -rf "$into"
	mkdir "$into"
	gcc=$(sed -n 's/^savedcmd_mm.mincore\.o := //p' "$lane/out/mm/.mincore.o.cmd" | sed 's/ -c -o .*//; s/-Wp,-MMD,[^ ]*//')
	for header; do
		[[ -e $lane/$header ]] || continue
		(cd "$lane/out" && eval "$gcc -E -P -o $into/text -x c ../$header && $gcc -E -dM -x c ../$header") |
			sort >"$into/macros"
		mv "$into/text" "$into/${header//\//,}.text"
		mv "$into/macros" "$into/${header//\//,}.macros"
		stat -c @%Y "$lane/$header" >"$into/${header//\//,}.time"
	done
}

# Half of the time would go into files that only include a header which is the same to them:
# where it has gained no more than macros, whose names nobody knew before, or where what it
# has gained is not for this configuration. Such a header keeps its time.
apply_patch() { # FROM TO
	local headers=() header file

	mapfile -t headers < <(git -C "$tree" diff --name-only --diff-filter=M "$1" "$2" -- '*.h')
	if [[ -e $lane/out/mm/.mincore.o.cmd ]]; then
		for header in "$lane"/out/arch/*/include/generated/{,uapi/}asm/unistd*.h; do
			headers+=("${header#"$lane/"}")
		done
		read_headers "$lane.before" "${headers[@]}"
	fi
	git -C "$tree" diff "$1" "$2" | patch -s -d "$lane" -p1 -F0 --no-backup-if-mismatch || return
	configure "$2" || return
	[[ -e $lane.before ]] || return 0
	lane_make archheaders || return
	read_headers "$lane.after" "${headers[@]}"
	for header in "${headers[@]}"; do
		file=${header//\//,}
		! cmp -s "$lane.before/$file.text" "$lane.after/$file.text" ||
			[[ $(comm -23 "$lane.before/$file.macros" "$lane.after/$file.macros") ]] ||
			touch -d "$(<"$lane.before/$file.time")" "$lane/$header"
	done
}

compiles() { # FROM TO
	local what file

	apply_patch "$1" "$2" || return
	# shellcheck disable=SC2206 # several objects
	what=("${touched[@]}" ${touched_by[$value]})
	for file in "$lane"/mm/tamalloc*.c; do
		[[ $value == y && -e $file ]] || continue
		file=$(basename "$file" .c).o
		grep -wF "$file" "$lane/mm/Makefile" || { echo "mm/Makefile does not make $file"; return 1; }
		what+=("mm/$file")
	done
	[[ $2 != "${commits[-1]}" ]] || what=("${all[@]}")
	lane_make -j$((($(nproc) + 1) / 2)) "${what[@]}"
}

# Whatever 32-bit emulation pulls in, the file includes what it needs.
compiles_without_compat() {
	"$lane/scripts/config" --file "$lane/out/.config" -d IA32_EMULATION -d X86_X32_ABI &&
		lane_make olddefconfig && lane_make mm/tamalloc.o
}

run_lane() {
	local value=$1 lane=$work/$1 kconfig=() from=base commit status

	cp -al "$base" "$lane" || return
	for commit in "${commits[@]}"; do
		status=0
		compiles "$from" "$commit" >"$lane.$commit.said" 2>&1 || status=$?
		echo $status >"$lane.$commit"
		from=$commit
	done
	[[ $value == y ]] || return 0
	status=0
	compiles_without_compat >"$lane.compat.said" 2>&1 || status=$?
	echo $status >"$lane.compat"
}

said_by_lane() { # y|n WHAT
	[[ -s $work/$1.$2 ]] || { echo "it was not reached"; return 1; }
	cat "$work/$1.$2.said"
	return "$(<"$work/$1.$2")"
}

# What the lane has found out, as soon as it has.
check_lane() { # SENTENCE y|n WHAT
	while [[ ! -s $work/$2.$3 ]] && kill -0 "${lanes[$2]}" 2>/dev/null; do
		sleep 0.2
	done
	tap_check "$1" said_by_lane "${@:2}"
}

lay_out_base "$base" || exit
tap_plan $((6 + 2 * ${#patches[@]} + 1))
tap_check "the series applies with git am to ${source##*/}" applies_with_git_am
mapfile -t commits < <(git -C "$tree" rev-list --reverse base..tamalloc)
set -m
for value in y n; do
	run_lane $value &
	lanes[$value]=$!
done
set +m
tap_check "it applies with patch -p1, to the same tree" applies_with_patch
tap_check "checkout and export give patches/ again, byte for byte" round_trip
tap_check "checkpatch --strict says what the cover letter explains, and no more" checkpatch
tap_check "scripts/export --recipients names maintainers and lists" names_recipients
tap_check "CONFIG_TAMALLOC can be chosen once there is the system call, and not before" prompt_comes_with_the_call
for commit in "${commits[@]}"; do
	subject=$(git -C "$tree" show -s --format=%s "$commit")
	for value in y n; do
		check_lane "compiles, CONFIG_TAMALLOC=$value: $subject" $value "$commit"
	done
done
check_lane "mm/tamalloc.c compiles without 32-bit emulation" y compat
tap_end
