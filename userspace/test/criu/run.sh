#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Checkpoints and restores /sparse with CRIU, in the guest: each line is "CASE: what it said".
work=/tmp/criu
mkdir -p $work
# Where a huge page fits, plain memory has one, so that nothing else looks like a first touch.
echo always >/sys/kernel/mm/transparent_hugepage/enabled
echo 1000000000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs

die() { # FILE...
	tail -n 20 "$@" >&2
	exit 1
}
said() { # TEXT
	for _ in $(seq 600); do
		! grep -q "$1" $work/said || return 0
		sleep 0.1
	done
	die $work/said
}

# CASE MEMORY BEFORE AFTER [pre-dump]: MEMORY as sparse has it; it is started by the command
# BEFORE, and CRIU by AFTER when it restores.
round() {
	rm -rf $work/images $work/first
	mkdir $work/images $work/first
	: >$work/said
	# shellcheck disable=SC2086 # a command and its options, or none
	setsid $3 /sparse "$2" </dev/null >$work/said 2>&1 &
	said ready
	pid=$(pidof sparse)
	if [ "$5" ]; then
		criu pre-dump --track-mem -t "$pid" -D $work/first -o log -v4 || die $work/first/log
		set -- "$1" "$2" "$3" "$4" "--track-mem --prev-images-dir ../first"
	fi
	# shellcheck disable=SC2086
	criu dump -t "$pid" -D $work/images -o log -v4 $5 || die $work/images/log
	# shellcheck disable=SC2086
	$4 criu restore -d -D $work/images -o restore.log -v4 || die $work/images/restore.log
	kill -USR1 "$pid"
	said 'goes on'
	echo "$1: $(tr '\n' ';' <$work/said)"
	echo "$1: $(du -ck $work/images/pages-*.img $work/first/pages-*.img 2>/dev/null | tail -n 1 | cut -f1) kB of pages"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

round strict call '' /tamrun
round mode mmap /tamrun /tamrun
round adaptive mmap '/tamrun --adaptive' '/tamrun --adaptive'
round incremental call '' /tamrun pre-dump
round plain call '' ''
