  procesos  vueltas por s
         1            495
         2            990
         3           1485
         4           1980
         5           2475
         6           1880
         7           1995
         8           1775
regulación de carga, tres de los ocho detenidos: 2495
