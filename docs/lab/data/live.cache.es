1 MB                     sectores leídos, escritos
primera lectura            2048        0
segunda lectura               0        0
escritura                     0        0
fsync                         0     2048
