marcos de páginas vecinas, tocadas en orden disperso: 1db1 1e0a 1962 19c2 3ffaa 1d6e 1dc7 1e20 ...
seguidas por el marco siguiente: 0 de 511
una página enorme: 2800 - 29ff, 511 de 511
tramos libres de 1, 2, 4 ... 1024 marcos (/proc/buddyinfo)
  Node 0, zone    DMA32      2      1      2      0      2      2      3      2      1      2    239 
