#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest: a trace in memory cgroups of these sizes, with MGLRU and with two lists.
#   linux.sh TRACE SCALE FRAMES...
set -eu
trace=$1 scale=$2
shift 2

echo 512M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0
echo 0 >/proc/sys/vm/page-cluster
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
# With two lists and every page young, reclaim may give up with swap free: the OOM killer finds
# nobody that it may kill, says so at length, and the fault is tried again. That is no fault of
# this run, and what is one (WARN, BUG) taints the kernel or is more urgent.
echo 4 >/proc/sys/kernel/printk
for kind in mglru lists flushed; do
	flush=0
	case $kind in
	mglru) echo y >/sys/kernel/mm/lru_gen/enabled ;;
	*) echo n >/sys/kernel/mm/lru_gen/enabled ;;
	esac
	[ $kind != flushed ] || flush=1000
	for frames; do
		echo "$kind $(/linux "$trace" "$scale" "$frames" $flush)"
		rmdir /sys/fs/cgroup/lab
	done
done
