task_struct: 5568 bytes, 5 en cada bloque de 8 páginas
/proc/slabinfo               en uso  objetos bloques parciales
antes                            37       60     12        5
con 100 procesos más            135      135     27        0
terminados                       38       60     12        5
kmem_cache_alloc: 100
