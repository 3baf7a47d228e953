struct page                     marco  n  indicadores
anónima                         3ffc0  1  UPTODATE ACTIVE MMAP ANON SWAPBACKED
tras fork                       3ffc0  2  UPTODATE LRU MMAP ANON SWAPBACKED
el hijo ha escrito: una copia    1943  1  UPTODATE ACTIVE MMAP ANON SWAPBACKED
mlock                           3ffc0  1  UPTODATE LRU MMAP ANON SWAPBACKED UNEVICTABLE MLOCKED
de un fichero                    28d8  1  UPTODATE LRU MMAP
escrita                          28d8  1  UPTODATE DIRTY LRU MMAP
fsync                            28d8  1  UPTODATE LRU MMAP
una página de tamalloc: order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO
una página enorme: order=9 migratetype=1 gfp_flags=GFP_TRANSHUGE|__GFP_NORETRY|__GFP_THISNODE
zona        libres     min     low    high presentes
DMA32       246128    5632    7040    8448    262011
