# SPDX-License-Identifier: GPL-2.0
"""
A large array of which one page in 64 is touched: of zeros(), or of empty(), which numpy
advises to be in huge pages.
"""
import subprocess
import sys
import time

import numpy


def at(moment):
    subprocess.run(["/run.sh", "at", moment, "python3"], check=True)


at("start")
table = getattr(numpy, sys.argv[1])(256 << 20, dtype=numpy.uint8)
touched = table[:: 64 * 4096]
touched[:] = numpy.arange(touched.size, dtype=numpy.uint8)
print(touched.size, int(touched.sum(dtype=numpy.int64)))
at("load")
del table, touched
time.sleep(15)
at("idle")
