en la entrada de la página ausente: área de intercambio 0, desplazamiento 1
1  excepción: la entrada no está presente       page_fault_user
2  se encuentra un marco                        mm_page_alloc 19cd
3  se pide la lectura al disco                  block_rq_issue sector 8 = 8 x 1
4  el proceso se bloquea (D), otros se ejecutan sched_switch
5  el disco ha leído                            block_rq_complete
6  se desbloquea el proceso                     sched_waking
7  vuelve a ejecutarse                          sched_switch
8  se actualiza la entrada, se repite el acceso PTE -> marco 19cd, leído 42
