# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Interpreters of one process, each with a GIL of its own (3.12 and later).

    subinterpreters.py CYCLES...

One interpreter for each number, whose thread gives its GIL up so many times at each "go"; READY
{"ids"}. "more CYCLES": one more interpreter does the same at once; "brief CYCLES": and is destroyed
then. DONE {"cycles": {id: number},
"tids": {id: tid}}.
"""

import sys
import threading

from protocol import commands, say

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

CYCLE = """
import time
for _ in range(%d):
    time.sleep(0)
"""


alive = []  # in 3.12 an interpreter ends with the last reference to its id


def create():
    """An interpreter with its own GIL; its number."""
    if hasattr(interpreters, "new_config"):
        alive.append(interpreters.create("isolated"))
    else:
        alive.append(interpreters.create(isolated=True))
    return int(alive[-1])


def run(number, cycles, tids):
    tids[number] = threading.get_native_id()
    execute = getattr(interpreters, "exec", None) or interpreters.run_string
    execute(number, CYCLE % cycles)


def cycle(cycles):
    """All at the same time, each in a thread of its own; the truth."""
    tids = {}
    threads = [threading.Thread(target=run, args=(*one, tids)) for one in cycles.items()]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return {"cycles": cycles, "tids": tids}


numbers = {create(): int(word) for word in sys.argv[1:]}
say("READY", ids=list(numbers))
for words in commands():
    if words[0] in ("more", "brief"):
        truth = cycle({create(): int(words[1])})
        if words[0] == "brief":
            interpreters.destroy(alive.pop())
        say("DONE", **truth)
    else:
        say("DONE", **cycle(numbers))
