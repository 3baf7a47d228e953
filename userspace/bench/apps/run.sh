#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest: runs one program on different memory. /run.sh APP MEMORY...
# Prints a line for each finding, which scripts/apps reads: APP MEMORY KEY VALUE. "none" has
# as its value why there is no such run.
#
# An app writes to $out what has to be the same on all memory, and calls "at" to record
# what is resident at three moments: start, load, idle.

# Where the findings of a run are kept until its end. $app and $memory come from the
# environment if an app calls back: /run.sh at MOMENT PROGRAM
found=/tmp/found
say() { echo "$app $memory $1 $2" >>$found; }

# at MOMENT PROGRAM: kB resident, in all and in tamalloc regions.
at() {
	pid=$(pidof "$2" | awk '{ print $NF }')
	say "rss_$1" "$(awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup")"
	say "tamalloc_$1" "$(awk '/^Rss:/ { rss = $2 } /^VmFlags:.* tm( |$)/ { kb += rss }
		END { print kb + 0 }' "/proc/$pid/smaps")"
}
if [ "${1-}" = at ]; then
	at "$2" "$3"
	exit
fi

# start PROGRAM [ARG]...: on the memory in question, measured.
# shellcheck disable=SC2086 # words
start() { /measure "$usage" env $with "$@"; }

# must COMMAND...: reports a failure and makes the app fail.
must() { "$@" || { echo "$app on $memory: $* gives $?" >&2; failed=1; }; }
wait_for() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || { echo "$app on $memory: no answer to: $*" >&2; failed=1; return; }
		sleep 0.1
	done
}

app_redis() {
	rm -f /tmp/dump.rdb
	start redis-server --save '' --appendonly no --enable-debug-command yes --dir /tmp >"$log" 2>&1 &
	wait_for redis-cli ping
	at start redis-server
	awk 'BEGIN { for (i = 0; i < 50000; i++) printf "SET key:%d %d-%0" i % 200 + 1 "d\r\n", i, i, i }' >/tmp/load
	must redis-cli --pipe </tmp/load >>"$log" 2>&1
	must redis-benchmark -q --dbnum 1 -n 3000 -r 3000 -d 200 -t set,get,lpush,hset,zadd,lrange_100 >>"$log" 2>&1
	at load redis-server
	must redis-cli -n 1 flushdb >>"$log"
	sleep 15
	must redis-cli ping >>"$log"
	at idle redis-server
	# A child saves the data, from copy-on-write memory.
	must [ "$(redis-cli dbsize)" = 50000 ]
	must redis-cli debug digest >"$out"
	must redis-cli get key:4711 >>"$out"
	must redis-cli bgsave >>"$log"
	wait_for sh -c 'redis-cli info persistence | grep -q rdb_bgsave_in_progress:0'
	must redis-check-rdb /tmp/dump.rdb >>"$log"
	grep -c 'RDB looks OK' "$log" >>"$out"
	redis-cli shutdown nosave >>"$log" 2>&1
	wait
}

app_sqlite3() {
	start sqlite3 :memory: >"$out" 2>"$log" <<-END
		.shell /run.sh at start sqlite3
		CREATE TABLE t(id INTEGER PRIMARY KEY, k INT, v TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $ROWS)
			INSERT INTO t SELECT i, i * 7919 % 100003, printf('%d-%x', i, i * 31) FROM n;
		CREATE INDEX tk ON t(k);
		SELECT count(*), sum(k), max(v) FROM t;
		SELECT k, count(*) FROM t GROUP BY k ORDER BY 2 DESC, 1 LIMIT 5;
		.shell /run.sh at load sqlite3
		DELETE FROM t WHERE id % 100;
		SELECT count(*), sum(k), max(v) FROM t;
		VACUUM;
		PRAGMA integrity_check;
		.shell sleep 15
		PRAGMA shrink_memory;
		.shell /run.sh at idle sqlite3
	END
}

app_python3() { start /usr/bin/python3 /work.py >"$out" 2>"$log"; }

app_numpy() { start /usr/bin/python3 /sparse.py "$1" >"$out" 2>"$log"; }
app_numpy_zeros() { app_numpy zeros; }
app_numpy_empty() { app_numpy empty; }

app_jvm() { start /usr/lib/jvm/*/bin/java -cp /java Work "$1" >"$out" 2>"$log"; }
app_jvm_sparse() { app_jvm sparse; }
app_jvm_dense() { app_jvm dense; }

app_node() { start node --expose-gc /work.js >"$out" 2>"$log"; }

# Its output has times in it that change.
app_pytest() {
	start /usr/bin/python3 -m test test_list test_dict test_array test_heapq >"$log" 2>&1
	grep -oE 'All [0-9]+ tests OK' "$log" >"$out"
}

app_memcached() {
	start memcached -u root -m 64 -l 127.0.0.1 >"$log" 2>&1 &
	wait_for sh -c 'printf "version\r\nquit\r\n" | nc 127.0.0.1 11211'
	at start memcached
	awk 'BEGIN { for (i = 0; i < 20000; i++) { v = sprintf("%0" 100 + i % 900 "d", i)
		printf "set k%d 0 0 %d noreply\r\n%s\r\n", i, length(v), v }
		print "get k19999\r\nquit\r" }' >/tmp/load
	must nc 127.0.0.1 11211 </tmp/load >"$log"
	at load memcached
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "get k%d\r\n", i; print "flush_all\r\nquit\r" }' >/tmp/load
	must nc 127.0.0.1 11211 </tmp/load >"$out"
	must [ "$(grep -c '^VALUE' "$out")" = 20000 ]
	sleep 15
	at idle memcached
	kill -TERM "$(pidof memcached)"
	wait
}

# It verifies its own data.
app_stress() {
	start stress-ng --verify --no-rand-seed --temp-path /tmp --vm 1 --vm-bytes 16M --vm-ops 2000 \
		--malloc 1 --malloc-bytes 32M --malloc-ops 3000 >"$log" 2>&1
	grep -o 'successful run completed' "$log" >"$out"
}

app_git() {
	rm -rf /tmp/repo
	mkdir /tmp/repo
	start sh /git.sh >"$out" 2>"$log"
}

# Compiles and assembles a preprocessed source file.
app_gcc() {
	start gcc -O2 -fpreprocessed -c -o /tmp/x.o /work.i >"$log" 2>&1
	sha1sum </tmp/x.o >"$out"
}

app_asan() { start /heap >"$out" 2>"$log"; }

app_gojq() {
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "{\"n\": %d, \"k\": %d, \"text\": \"%x\"}\n", i, i * 7919 % 1009, i * 31 }' >/tmp/load
	start gojq -n '[inputs] | group_by(.k) | map({k: .[0].k, n: map(.n) | add, text: map(.text) | sort | .[0]}) | sort_by(.n)' </tmp/load >"$out" 2>"$log"
}

# unserved: why nothing that is preloaded can serve the program, if it cannot.
unserved() {
	case $app in
	asan) echo "AddressSanitizer's runtime is the malloc, and ends a program in which another comes first" ;;
	gojq) echo "the program is static: no loader preloads anything" ;;
	esac
}

app=$1
shift
export app memory
usage=/tmp/usage log=/tmp/log out=/tmp/out
# What the results need to be the same each time.
export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
# For memcached -u.
echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
# The first program to ask for random bytes spins until there are some: a billion
# instructions here, where nothing is random. Do not charge that to the first program.
head -c 1 /dev/random >/dev/null
result=0
for memory; do
	failed=0
	thp=madvise
	case $memory in
	plain) with='' ;;
	thp) with='' thp=always ;;
	jemalloc) with=LD_PRELOAD=/libjemalloc.so.2 ;;
	decay0) with='LD_PRELOAD=/libjemalloc.so.2 MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0' ;;
	mimalloc) with=LD_PRELOAD=/libmimalloc.so.2 ;;
	tamrun) with=/tamrun ;;
	adaptive) with='/tamrun --adaptive' ;;
	*) echo "run.sh: there is no memory $memory" >&2; exit 2 ;;
	esac
	echo $thp >/sys/kernel/mm/transparent_hugepage/enabled
	rm -f $usage $log $out $found
	case $with in
	LD_PRELOAD=*)
		why=$(unserved)
		if [ "$why" ]; then
			say none "$why"
			cat $found
			continue
		fi ;;
	esac
	"app_$app"
	read -r status peak faults cpu zero <$usage || status=lost
	if [ "$status" != 0 ] || [ $failed != 0 ] || [ ! -s $out ]; then
		say failed "$status"
		tail -n 20 $log >&2
		result=1
	else
		say peak "$peak"
		say faults "$faults"
		say cpu_us "$cpu"
		say zero "$zero"
		say result "$(sha1sum <$out | cut -d' ' -f1)"
	fi
	cat $found
done
exit $result
