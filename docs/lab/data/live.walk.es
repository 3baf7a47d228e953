dirección 7f3983005000 = [254 | 230 | 24 | 5 | 0]
antes del primer acceso
  PGD[254] 0000000002464067  marco   2464  P W U A D
  PUD[230] 0000000002460067  marco   2460  P W U A D
  PMD[ 24] 0000000000000000  marco      0  -
tras una escritura
  PGD[254] 0000000002464067  marco   2464  P W U A D
  PUD[230] 0000000002460067  marco   2460  P W U A D
  PMD[ 24] 0000000000ed3067  marco    ed3  P W U A D
  PTE[  5] 8000000001df5867  marco   1df5  P W U A D NX
  struct page del marco 1df5: UPTODATE ACTIVE MMAP ANON SWAPBACKED; entradas que apuntan a él: 1
  dirección física 1df5000
una página enorme: el PMD es el último nivel
  PGD[254] 0000000002464067  marco   2464  P W U A D
  PUD[230] 0000000002460067  marco   2460  P W U A D
  PMD[ 22] 800000003e8008e7  marco  3e800  P W U A D PS NX
