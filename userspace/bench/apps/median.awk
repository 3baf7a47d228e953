# SPDX-License-Identifier: GPL-2.0
# One finding of several runs of a program on the same memory: the median of each figure, and
# of the instructions also the fewest and the most. One failure is a failure, and one other
# result is the result.

function sort(list, n,    i, j, x) {
	for (i = 2; i <= n; i++) {
		x = list[i]
		for (j = i - 1; j && list[j] > x; j--)
			list[j + 1] = list[j]
		list[j + 1] = x
	}
}

{
	what = $1 " " $2 " " $3
	if (!(what in times))
		order[++count] = what
	if ($3 == "failed")
		failed[$1 " " $2] = 1
	text = substr($0, length(what) + 2)
	if (text != value[what, 1])
		last[what] = text
	value[what, ++times[what]] = text
}

END {
	for (i = 1; i <= count; i++) {
		what = order[i]
		split(what, word, " ")
		n = times[what]
		for (k = 1; k <= n; k++)
			list[k] = value[what, k] + 0
		sort(list, n)
		if (word[3] == "result" || word[3] == "failed" || word[3] == "none") {
			if (word[3] != "result" || !((word[1] " " word[2]) in failed))
				print what, last[what]
			continue
		}
		print what, list[int((n + 1) / 2)]
		if (word[3] == "cpu_us" && n > 1) {
			print what "_min", list[1]
			print what "_max", list[n]
		}
	}
}
