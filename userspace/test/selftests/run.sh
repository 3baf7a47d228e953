#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the kernel's selftests in the guest, each on plain memory and then on another
# kind, by tamrun: /run.sh --kind KIND [NAME...], with names from /programs. The output of a
# program stands between "# run NAME KIND" and "# end NAME KIND STATUS TOUCHED SECONDS LIMIT",
# where TOUCHED are the first touches of tamalloc memory meanwhile, less the shell's; compare
# judges it.
# SLOWER=N makes all time limits N times as long.
[ "$1" = --kind ] || { echo 'usage: /run.sh --kind KIND [NAME...]' >&2; exit 2; }
kind=$2
shift 2

export PATH="/selftests:$PATH"
if [ -b /dev/vda ]; then
	mkswap /dev/vda >/dev/null && swapon /dev/vda
fi

# The guest has less memory than some programs reserve.
echo 1 >/proc/sys/vm/overcommit_memory

seconds() { cut -d. -f1 /proc/uptime; }
touched() { sed -n 's/^tamalloc_fault //p' /proc/vmstat; }

# What one program leaves behind must not affect the next.
calm() {
	dmesg -n 7
	echo 0 >/proc/sys/vm/nr_hugepages
	echo 2 >/proc/sys/kernel/randomize_va_space
	echo 2 >/sys/kernel/mm/ksm/run
	echo 0 >/sys/kernel/mm/ksm/run
	echo 3 >/proc/sys/vm/drop_caches
}

# For commands: again N COMMAND... tries N times; compare looks at the last try.
# shellcheck disable=SC2016 # the command's shell expands it
again='again() {
	tries=$1
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		echo "# again"
	done
}'

# run NAME KIND LIMIT COMMAND
run() {
	patience=$(($3 * ${SLOWER:-1}))

	calm
	case $2 in
	strict) by=/tamrun ;;
	adaptive) by='/tamrun --adaptive' ;;
	*) by='' ;;
	esac
	mkdir -p /tmp/work
	chmod 777 /tmp/work
	cd /tmp/work || exit
	echo "# run $1 $2"
	before=$(touched)
	$by sh -c "$again; :"
	shell=$(($(touched) - before))
	began=$(seconds) before=$(touched)
	# In a session of its own, to end all of it.
	# shellcheck disable=SC2086 # a command and its option
	setsid timeout -s KILL $patience $by sh -c "$again; $4" </dev/null 2>&1 &
	pid=$!
	wait $pid
	status=$?
	kill -KILL -$pid 2>/dev/null
	echo
	echo "# end $1 $2 $status $(($(touched) - before - shell)) $(($(seconds) - began)) $patience"
	cd /
	rm -rf /tmp/work
}

while read -r name limit command; do
	case $name in '#'* | '') continue ;; esac
	case " $* " in *" $name "* | '  ') ;; *) continue ;; esac
	for each in plain "$kind"; do
		run "$name" "$each" "$limit" "$command"
	done
done </programs
