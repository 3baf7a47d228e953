huecos: 100, 500, 200, 300, 600 kB
primer ajuste   212 -> 500  417 -> 600  112 -> 288  426 espera   quedan: 100 176 200 300 183
mejor ajuste    212 -> 300  417 -> 500  112 -> 200  426 -> 600   quedan: 100 83 88 88 174
peor ajuste     212 -> 600  417 -> 500  112 -> 388  426 espera   quedan: 100 83 200 300 276
