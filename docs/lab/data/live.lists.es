4 MB, en kB            Active Inactive   con ACTIVE
leído una vez              +0    +6400            0
leído otra vez          +4096    -4096         1023
