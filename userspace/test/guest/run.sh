#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs test programs in the guest, all of them or those that are named:
#
#	/run.sh [NAME | NAME:PATTERN]...
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
for name; do
	program=${name%%:*}
	if [ ! -f "$dir/$program" ] || [ ! -x "$dir/$program" ]; then
		fail "no test named '$program'; there are: $(cd "$dir" && echo *)"
	fi
	case $name in
	selftest:*) fail "selftest, the kernel's own, has no tests that can be named" ;;
	*:*) "$dir/$program" --list "${name#*:}" >/dev/null || exit 2 ;;
	esac
done

result=0
for name; do
	program=${name%%:*}
	echo "# program $program"
	began=$(now)
	case $name in
	*:*) "$dir/$program" "${name#*:}" ;;
	*) "$dir/$program" ;;
	esac
	status=$?
	took=$(($(now) - began))
	echo "# exit $program $status"
	printf '# time %s %d.%02d\n' "$program" $((took / 100)) $((took % 100))
	[ $status -eq 0 ] || result=1
done
exit $result
