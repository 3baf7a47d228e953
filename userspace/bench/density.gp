# SPDX-License-Identifier: GPL-2.0
# gnuplot: cost and resident size over the density of touches, as SVG and PNG.
# dir: where scripts/bench leaves a file for each curve and kind of memory.
floor = real(system("cat '".dir."/floor'"))

# Okabe and Ito's colours, safe for the colour-blind; dashes say it again.
set style line 1 lc rgb "#999999" lw 3 dt 1		# plain, 4 KiB pages
set style line 2 lc rgb "#56B4E9" lw 3 dt (8,3)		# mTHP 64 KiB
set style line 3 lc rgb "#0072B2" lw 3 dt (3,3)		# THP 2 MiB
set style line 4 lc rgb "#000000" lw 3 dt (9,4,2,4)	# strict
set style line 5 lc rgb "#D55E00" lw 5 dt 1		# adaptive
set style line 6 lc rgb "#000000" lw 1 dt (1,4)		# the floor

set border 3 lc rgb "#555555"
set tics nomirror textcolor rgb "#333333"
set grid ytics lc rgb "#e4e4e4" lt 1 lw 1
set logscale x 2
unset key

left(column) = column == 0 ? 0.095 : 0.575
file(kind) = dir."/".curve.".".kind

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1280,960 font "DejaVu Sans,17" background "#ffffff"
	} else {
		set terminal pngcairo size 1280,960 font "DejaVu Sans,13" background "#ffffff"
	}
	set output dir."/density.".format
	set multiplot
	set label 100 "As cheap as huge pages where memory is dense, as small as single pages where it is sparse" \
		at screen 0.03, 0.965 font (format eq "svg" ? ",24" : ",18")
	set label 101 "First touch of part of 64 MiB, written in ascending order. Lower is better; all scales are logarithmic." \
		at screen 0.03, 0.927 textcolor rgb "#555555"
	do for [column = 0:1] {
		curve = column == 0 ? "density" : "runs"
		set label 103 (column == 0 ? "{/:Bold Touched: single pages, anywhere}" : \
			"{/:Bold Touched: runs of 64 pages, anywhere}") at screen left(column), 0.877
		set lmargin at screen left(column)
		set rmargin at screen left(column) + 0.405
		set xrange [column == 0 ? 1.0/1150 : 1.0/280 : 1.06]

		set tmargin at screen 0.815
		set bmargin at screen 0.53
		set label 102 "Cost: instructions per touched page" at screen left(column), 0.845
		set logscale y 10
		set yrange [350:500000]
		set ytics ("500" 500, "1,000" 1000, "3,000" 3000, "10,000" 10000, "30,000" 30000, \
			"100,000" 100000, "300,000" 300000)
		set xtics ("1/1024" 1.0/1024, "1/256" 1.0/256, "1/64" 1.0/64, "1/16" 1.0/16, "1/4" 0.25, "1" 1)
		if (column == 0) {
			set label 1 "mmap, THP 2 MiB" at 1.0/200, 150000 textcolor rgb "#0072B2"
			set label 2 "mmap, mTHP 64 KiB" at 1.0/900, 19000 textcolor rgb "#2b86b8"
			set label 3 "plain mmap, 4 KiB; strict tamalloc" at 1.0/900, 2200
			set label 5 "zeroing alone" at 1.0/900, floor * 1.4 textcolor rgb "#555555"
			set label 4 "{/:Bold adaptive tamalloc}" at 0.3, 1150 right textcolor rgb "#D55E00"
		} else {
			set label 1 "mmap, THP 2 MiB" at 1.0/240, 7500 textcolor rgb "#0072B2"
			set label 3 "plain mmap, 4 KiB; strict tamalloc" at 1.0/240, 2150
			set label 2 "mmap, mTHP 64 KiB" at 1.0/240, 720 textcolor rgb "#2b86b8"
			set label 4 "{/:Bold adaptive tamalloc}" at 1.0/18, 720 textcolor rgb "#D55E00"
		}
		plot floor with lines ls 6, \
			file("thp") using 1:2 with lines ls 3, file("mthp64") using 1:2 with lines ls 2, \
			file("adaptive") using 1:2 with lines ls 5, file("plain") using 1:2 with lines ls 1, \
			file("strict") using 1:2 with lines ls 4
		unset label

		set tmargin at screen 0.405
		set bmargin at screen 0.095
		set label 102 "Size: pages resident per touched page" at screen left(column), 0.435
		set logscale y 2
		set yrange [0.75:700]
		set ytics ("1" 1, "2" 2, "4" 4, "16" 16, "64" 64, "256" 256)
		set xlabel "Fraction of the pages touched"
		if (column == 0) {
			set label 1 "mmap, THP 2 MiB" at 1.0/200, 250 textcolor rgb "#0072B2"
			set label 2 "mmap, mTHP 64 KiB" at 1.0/900, 23 textcolor rgb "#2b86b8"
			set label 3 "plain mmap, 4 KiB; strict tamalloc" at 1.0/900, 1.4
			set label 4 "{/:Bold adaptive tamalloc: never above 2}" at 0.25, 2.8 right textcolor rgb "#D55E00"
		} else {
			set label 1 "mmap, THP 2 MiB" at 1.0/240, 12 textcolor rgb "#0072B2"
			set label 4 "{/:Bold adaptive tamalloc: never above 2}" at 1.0/240, 2.8 textcolor rgb "#D55E00"
		}
		set arrow 1 from graph 0, first 2 to graph 1, first 2 nohead ls 6
		plot file("thp") using 1:3 with lines ls 3, file("mthp64") using 1:3 with lines ls 2, \
			file("adaptive") using 1:3 with lines ls 5, file("plain") using 1:3 with lines ls 1, \
			file("strict") using 1:3 with lines ls 4
		unset label
		unset arrow
		unset xlabel
	}
	unset multiplot
}
