# SPDX-License-Identifier: GPL-2.0
"""A heap of many small objects: build, sort, write, read back, free."""
import collections
import gc
import hashlib
import json
import subprocess
import time


def at(moment):
    subprocess.run(["/run.sh", "at", moment, "python3"], check=True)


at("start")
words = [hashlib.sha256(b"%d" % i).hexdigest()[:12] for i in range(30000)]
table = {word: {"n": i, "list": list(range(i % 10)), "text": word * 3} for i, word in enumerate(words)}
print(sum(len(entry["list"]) for entry in table.values()))
order = sorted(table, key=lambda word: (table[word]["n"] % 97, word))
print(hashlib.sha256("".join(order).encode()).hexdigest())
text = json.dumps(table, sort_keys=True)
print(len(text), hashlib.sha256(text.encode()).hexdigest(), json.loads(text) == table)
print(collections.Counter(letter for word in words for letter in word).most_common(3))
at("load")
del words, table, order, text
gc.collect()
time.sleep(15)
bytearray(1000)
at("idle")
