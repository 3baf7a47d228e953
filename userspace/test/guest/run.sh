#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the test programs in the guest: /run.sh [NAME...]
# Prints "# program NAME", its TAP, "# exit NAME STATUS"; 0 only if all were 0.
dir=${TESTS_DIR:-/tests}

# enosys passes only where the call is missing, gigantic only where there is a huge page
# of 1 GiB: they run when they are named.
if [ $# -eq 0 ]; then
	for path in "$dir"/*; do
		case ${path##*/} in enosys | gigantic) continue ;; esac
		[ -x "$path" ] && set -- "$@" "${path##*/}"
	done
fi
if [ $# -eq 0 ]; then
	echo "run.sh: no test programs in $dir" >&2
	exit 2
fi
for name; do
	if [ ! -f "$dir/$name" ] || [ ! -x "$dir/$name" ]; then
		echo "run.sh: no test named '$name'; there are:" >&2
		ls "$dir" >&2
		exit 2
	fi
done

result=0
for name; do
	echo "# program $name"
	"$dir/$name"
	status=$?
	echo "# exit $name $status"
	[ $status -eq 0 ] || result=1
done
exit $result
