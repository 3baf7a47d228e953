#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest: program.sh PROGRAM [ARG]..., unmodified, in memory cgroups over zram: without a
# limit, then with 80, 60, 40 and 30 % of what it took. Each has to print the same.
set -u
echo 512M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0
echo 0 >/proc/sys/vm/page-cluster
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
echo 4 >/proc/sys/kernel/printk # as in linux.sh
group=/sys/fs/cgroup/program
stat_of() { sed -n "s/^$1 //p" $group/memory.stat; }
failed=0
refuse() {
	echo "program.sh: $*" >&2
	failed=1
}

# The kernel gives back to its caches what it charged a bit at a time; a limit has whole pages.
run() { # NAME LIMIT PROGRAM...
	name=$1 limit=$2
	shift 2
	mkdir $group
	echo "$limit" >$group/memory.max
	# shellcheck disable=SC2016 # for that shell
	sh -c 'echo -1000 >/proc/self/oom_score_adj; echo 0 >/sys/fs/cgroup/program/cgroup.procs; exec "$@"' - "$@" \
		>"/tmp/$name" </dev/null
	status=$?
	peak=$(($(cat $group/memory.peak) / 1024))
	faults=$(stat_of pgmajfault)
	printf '%8s %11s %11s %11s\n' "$name" "$([ "$limit" = max ] && echo - || echo $((limit / 1024)))" $peak "$faults"
	rmdir $group
}
printf '%8s %11s %11s %11s\n' memory 'limit kB' 'most kB' faults
run all max "$@"
all=$peak expected=$status
[ "$faults" -eq 0 ] || refuse "without a limit there were $faults faults from swap"
last=0
for percent in 80 60 40 30; do
	limit=$((all * 1024 * percent / 100))
	limit=$((limit - limit % 4096))
	run $percent% $limit "$@"
	[ $status -eq $expected ] || refuse "in $percent % it ended with $status, not $expected"
	cmp /tmp/all /tmp/$percent% || refuse "in $percent % it printed something else"
	[ $peak -le $((limit / 1024)) ] || refuse "in $percent % it took more than the limit: $peak kB"
	last=$faults
done
[ "$last" -gt 0 ] || refuse "with the least memory nothing had to come back from swap"
exit $failed
