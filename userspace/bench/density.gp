# SPDX-License-Identifier: GPL-2.0
# gnuplot: cost and resident size against the density of touch, as SVG and PNG.
# dir: where scripts/bench has left a file for each kind of memory.
floor = real(system("cat ".dir."/floor.dat"))

draw = "set multiplot layout 2,1; \
	set label 1 'What a touched page costs' at graph 0, 1.07 font ',14'; \
	@cost; @size; unset multiplot"
