tasa de faltas   faltas  ns por ref.   ns por falta
1 / 1              1000      21912.8          21913
1 / 2              1000      10745.2          21484
1 / 10             1000       2142.7          21373
1 / 100            1000        225.3          21940
1 / 1000           1000         27.5          21472
1 / 10000          1000          8.2          21485
un acierto: 6.0 ns; el tiempo cuenta instrucciones, 1 ns cada una
