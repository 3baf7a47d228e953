64 páginas                                   a la vez faltas
por demanda (mmap)                                 0     64
carga inicial (MAP_POPULATE)                      64      0
de disco, /proc/sys/vm/page-cluster        0       1     64
de disco, /proc/sys/vm/page-cluster        3       8     10
100 páginas en reposo mientras otro proceso recorre 1000: retiradas de ellas:
  sustitución local: un cgroup cada uno          0
  global: un cgroup para los dos               100
