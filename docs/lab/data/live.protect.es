escrita                            PTE 80000000019bb867  P W U A D NX
tras mprotect(PROT_READ)           PTE 84000000019bb825  P U A NX
una escritura en ella              SIGSEGV, SEGV_ACCERR, dirección 0x7fa0cfb2d000
tras la señal                      PTE 84000000019bb825  P U A NX
