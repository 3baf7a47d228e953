segmento 0: base  219, tamaño 600
segmento 1: base 2300, tamaño  14
segmento 2: base   90, tamaño 100
segmento 3: base 1327, tamaño 580
segmento 4: base 1952, tamaño  96
<0,430> -> 219 + 430 = 649
<1,10> -> 2300 + 10 = 2310
<2,500> excepción: 500 >= 100
<3,400> -> 1327 + 400 = 1727
<4,112> excepción: 112 >= 96
<5,0> excepción: s >= STLR = 5
segmento 3 en páginas de 256 bytes: <3,400> -> página 400 / 256 = 1, d = 144 -> marco 2 -> 656
