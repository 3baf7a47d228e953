# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # $name, $began and $log are of the script that sources this
# What a build says while it runs: $name is who speaks, $began the $SECONDS at which the
# stage began, $log where make's output goes.

# What Ctrl-C ends has not failed.
trap 'exit 130' INT

stage() { printf '%-58s %3d s\n' "$name: $1" $((SECONDS - began)); }

fail() {
	echo "$name: $1" >&2
	if [[ -e ${2-} ]]; then
		tail -n 20 "$2" | sed 's/^/  | /' >&2
		echo "$name: the whole log: $2" >&2
	fi
	exit 1
}

# show_progress EXPECTED EVERY: a live count of the objects, or a line in EVERY seconds
# where there is no terminal. EXPECTED is how many there will be, if that is known.
show_progress() {
	local steps=0 expected=$1 every=$2 shown=$SECONDS line

	((${expected:-0} > 0)) || expected=''
	while IFS= read -r line; do
		echo "$line" >&5
		# What is compiled for the link is not known before, and is little.
		[[ ! $expected || $line != *' LD '*' vmlinux.o' ]] || break
		[[ $line =~ ^\ \ (CC|AS)\  ]] || continue
		steps=$((steps + 1))
		if [[ -t 1 ]]; then
			printf '\r%s: compiling %d%s ' "$name" $steps "${expected:+ of $expected}"
		elif ((SECONDS - shown >= every)); then
			shown=$SECONDS
			printf '%s: compiling %d%s, %d s\n' "$name" $steps "${expected:+ of $expected}" $((SECONDS - began))
		fi
	done 5>"$log"
	cat >>"$log"
	[[ ! -t 1 ]] || printf '\r\033[K'
}
