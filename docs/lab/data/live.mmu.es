%gs = 0x4e1880
  dirección   0 -> 0x4e1880: 0
  dirección  16 -> 0x4e1890: 16
  dirección  63 -> 0x4e18bf: 63
  dirección  64: fuera del límite: excepción (simulado: en modo de 64 bits %gs no tiene límite)
%gs = 0x4e18c0
  dirección   0 -> 0x4e18c0: 100
  dirección  16 -> 0x4e18d0: 116
  dirección  63 -> 0x4e18ff: 163
  dirección  64: fuera del límite: excepción (simulado: en modo de 64 bits %gs no tiene límite)
