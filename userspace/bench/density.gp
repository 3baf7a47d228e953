# SPDX-License-Identifier: GPL-2.0
# gnuplot: cost and resident size against the density of touch, as SVG and PNG.
# dir: where scripts/bench has left a file for each kind of memory.
floor = real(system("cat '".dir."/floor.dat'"))

# Okabe and Ito's colours, that the colour-blind can tell apart; dashes say it again.
set style line 1 lc rgb "#999999" lw 2.5 dt 1		# mmap, 4 KiB pages
set style line 2 lc rgb "#56B4E9" lw 2.5 dt (8,3)	# mmap, mTHP 64 KiB
set style line 3 lc rgb "#0072B2" lw 2.5 dt (3,3)	# mmap, THP 2 MiB
set style line 4 lc rgb "#000000" lw 2.5 dt (9,4,2,4)	# tamalloc, strict
set style line 5 lc rgb "#D55E00" lw 4.5 dt 1		# tamalloc, adaptive
set style line 6 lc rgb "#000000" lw 1 dt (1,4)		# the floor

set border 3 lc rgb "#555555"
set tics nomirror textcolor rgb "#333333"
set grid ytics lc rgb "#e4e4e4" lt 1 lw 1
set logscale x 2
set xrange [1.0/1150 : 1.06]
set xtics ("1/1024" 1.0/1024, "1/256" 1.0/256, "1/64" 1.0/64, "1/16" 1.0/16, "1/4" 0.25, "1/2" 0.5, "1" 1)
unset key

lines = "dir.'/thp.dat' using 1:COLUMN with lines ls 3, \
	dir.'/mthp64.dat' using 1:COLUMN with lines ls 2, \
	dir.'/adaptive.dat' using 1:COLUMN with lines ls 5, \
	dir.'/mmap.dat' using 1:COLUMN with lines ls 1, \
	dir.'/strict.dat' using 1:COLUMN with lines ls 4"
labelled(x) = x

do for [kind in "svg png"] {
	if (kind eq "svg") {
		set terminal svg size 900,1000 font "DejaVu Sans,15" background "#ffffff"
	} else {
		set terminal pngcairo size 900,1000 font "DejaVu Sans,11" background "#ffffff"
	}
	set output dir."/density.".kind
	set multiplot
	set lmargin at screen 0.11
	set rmargin at screen 0.97
	set label 100 "Huge pages when dense, single pages when sparse" at screen 0.11, 0.967 font ",19"
	set label 101 "First touch of 64 MiB, where a part of the pages is written, in order, chosen at random" \
		at screen 0.11, 0.935 textcolor rgb "#555555"

	set tmargin at screen 0.86
	set bmargin at screen 0.545
	set label 102 "Guest instructions for each touched page" at screen 0.11, 0.89 font ",15"
	set logscale y 10
	set yrange [350:500000]
	set ytics ("500" 500, "1,000" 1000, "3,000" 3000, "10,000" 10000, "30,000" 30000, "100,000" 100000, "300,000" 300000)
	set format x ""
	set label 1 "mmap, THP 2 MiB" at 1.0/230, 150000 textcolor rgb "#0072B2"
	set label 2 "mmap, mTHP 64 KiB" at 1.0/900, 17500 textcolor rgb "#2b86b8"
	set label 3 "mmap, 4 KiB pages, and tamalloc, strict: the same" at 1.0/900, 2350
	set label 4 "{/:Bold tamalloc, adaptive}" at 0.42, 1250 right textcolor rgb "#D55E00"
	set label 5 "zeroing alone" at 1.0/900, floor * 1.3 textcolor rgb "#333333"
	COLUMN = 2
	plot floor with lines ls 6, @lines
	unset label

	set tmargin at screen 0.455
	set bmargin at screen 0.10
	set label 102 "Pages resident for each touched page" at screen 0.11, 0.485 font ",15"
	set logscale y 2
	set yrange [0.75:700]
	set ytics ("1" 1, "2" 2, "4" 4, "16" 16, "64" 64, "256" 256, "512" 512)
	set format x "%g"
	set xlabel "Part of the pages that is touched" offset 0, -0.5
	set label 1 "mmap, THP 2 MiB" at 1.0/230, 260 textcolor rgb "#0072B2"
	set label 2 "mmap, mTHP 64 KiB" at 1.0/900, 21 textcolor rgb "#2b86b8"
	set label 3 "mmap, 4 KiB pages, and tamalloc, strict: 1" at 1.0/900, 1.35
	set label 4 "{/:Bold tamalloc, adaptive:} never above 2" at 0.42, 2.7 right textcolor rgb "#D55E00"
	set arrow 1 from graph 0, first 2 to graph 1, first 2 nohead ls 6
	COLUMN = 3
	plot @lines
	unset label
	unset arrow
	unset xlabel
	unset multiplot
}
