# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A crowd of threads that all begin to compute at once.

    crowd.py THREADS

"go": opens the gate; DONE comes when the main thread has had its turn again.
"""

import os
import sys
import threading

from protocol import commands, say

# Or the first thread through the gate would keep the others from getting there for seconds.
sys.setswitchinterval(0.0005)
gate, opened = os.pipe()
tids, there = [], threading.Semaphore(0)


def compute():
    tids.append(threading.get_native_id())
    there.release()
    os.read(gate, 1)
    while True:
        pass


COUNT = int(sys.argv[1])
for _ in range(COUNT):
    threading.Thread(target=compute, daemon=True).start()
for _ in range(COUNT):
    there.acquire()
say("READY", tids=tids)
for _ in commands():
    os.close(opened)
    say("DONE")
