    fase  tocadas   Referenced
       1      100          100
       2      300          300
       3       50           50
       4      200          200
