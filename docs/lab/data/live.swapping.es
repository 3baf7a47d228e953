detenido                     VmRSS   1528 kB   VmSwap      0 kB
intercambiado                VmRSS    504 kB   VmSwap   1024 kB
ha continuado: cada byte como estaba, cada página en memoria principal
