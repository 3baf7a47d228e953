#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest: live.sh LANG... -- EXPERIMENT..., after each a line "== NAME LANG STATUS".
set -u
languages=
while [ "$1" != -- ]; do
	languages="$languages $1"
	shift
done
shift
echo 64M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mount -t tracefs tracefs /sys/kernel/tracing
status=0
for name; do
	for language in $languages; do
		/live "$name" "$language"
		ended=$?
		if [ $ended -ne 0 ]; then
			status=1
			# It may have ended with the disk as swap, and the next one writes to that.
			swapoff /dev/vda 2>/dev/null && swapon /dev/zram0
		fi
		echo "== $name $language $ended"
	done
done
exit $status
