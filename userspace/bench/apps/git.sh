#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Makes a repository: the same commits each time, and so the same hashes.
set -e
export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_NOSYSTEM=1
cd /tmp/repo
git init -q -b main . 2>/dev/null
for round in 1 2 3; do
	awk -v round="$round" 'BEGIN {
		for (f = 0; f < 40; f++)
			for (i = 0; i < 200; i++)
				print "line", i, "of", f, i % 7 == round ? round : 0 >("file" f)
	}'
	git add -A
	git commit -q -m "round $round"
done
git gc -q --aggressive
git fsck --full --strict
git rev-parse HEAD
git log -p | sha1sum
git rev-list --objects --all | wc -l
