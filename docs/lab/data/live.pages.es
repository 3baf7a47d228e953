64 páginas, a retirar          quedan   sectores
limpias (de un fichero)             0          0
sucias (de un fichero)              0        512
bloqueadas (mlock)                 64          0
tablas que apuntan a una página: 1, tras fork: 2
