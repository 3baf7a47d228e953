memoria de esta máquina: 1014660 kB
tamaño virtual (VmSize): 1224 -> 1073743048 kB
páginas en memoria principal: 0 -> 3 (se han tocado la primera, la central y la última)
