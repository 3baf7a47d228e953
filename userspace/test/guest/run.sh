#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs test programs in the guest, all of them or those that are named:
#
#	/run.sh [NAME[:PATTERN] [PARAMETER=NUMBER]...]...
#
# With a PATTERN only the tests of NAME that have it in their sentence or function.
# Prints for each "# program NAME", its TAP, "# exit NAME STATUS" and "# time NAME SECONDS".
# Exits with 0 if all programs did, with 2 if there is no such program or test.
dir=${TESTS_DIR:-/tests}

fail() {
	echo "run.sh: $*" >&2
	exit 2
}

# Hundredths of a second since boot. The 1 keeps 08 from being octal.
now() {
	read -r up _ </proc/uptime
	echo $((${up%.*} * 100 + 1${up#*.} - 100))
}

# enosys passes only where the call is missing, gigantic only with a huge page of 1 GiB:
# they run when they are named.
if [ $# -eq 0 ]; then
	for path in "$dir"/*; do
		case ${path##*/} in enosys | gigantic) continue ;; esac
		[ -x "$path" ] && set -- "$@" "${path##*/}"
	done
fi
[ $# -gt 0 ] || fail "no test programs in $dir"
for word; do
	program=${word%%:*}
	case $word in
	*=*) continue ;;
	esac
	if [ ! -f "$dir/$program" ] || [ ! -x "$dir/$program" ]; then
		fail "no test named '$program'; there are: $(cd "$dir" && echo *)"
	fi
	case $word in
	selftest:*) fail "selftest, the kernel's own, has no tests that can be named" ;;
	*:*) "$dir/$program" --list "${word#*:}" >/dev/null || exit 2 ;;
	esac
done

result=0
# run NAME[:PATTERN] [PARAMETER=NUMBER]...
run() {
	name=$1
	program=${name%%:*}
	shift
	case $name in
	*:*) set -- "$@" "${name#*:}" ;;
	esac
	echo "# program $program"
	began=$(now)
	"$dir/$program" "$@"
	status=$?
	took=$(($(now) - began))
	echo "# exit $program $status"
	printf '# time %s %d.%02d\n' "$program" $((took / 100)) $((took % 100))
	[ $status -eq 0 ] || result=1
}
# A program runs when all of its parameters are there: before the next one, or at the end.
name='' parameters=''
for word in "$@" ''; do
	case $word in
	*=*)
		[ "$name" ] || fail "$word has to follow the program that it is for"
		parameters="$parameters $word"
		continue ;;
	esac
	# shellcheck disable=SC2086 # several parameters, several words
	[ ! "$name" ] || run "$name" $parameters
	name=$word parameters=''
done
exit $result
