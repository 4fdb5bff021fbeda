# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that start, call themselves by new names, and end, as fast as they can. Each name begins
with the thread's id; before a thread knows that, it is called "new".

    renaming_threads.py THREADS
"""

import os
import sys
import threading

from protocol import commands, free_libc, say


class Other(threading.Thread):
    """Another class, so that the keys of attributes are others, and memory is used anew."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.own = [0] * 3


def rename():
    own, tid = threading.current_thread(), threading.get_native_id()
    for turn in range(20):
        own.name = "%d %s" % (tid, chr(97 + turn % 26) * (turn * 7 % 60))
        if turn % 2:
            free_libc.usleep(tid % 5 * 50)
    if tid % 3 == 0:
        vars(own)["another"] = tid


def run(number):
    while True:
        kind = Other if number % 2 else threading.Thread
        one = kind(target=rename, name="new")
        one.start()
        one.join()


for index in range(int(sys.argv[1])):
    threading.Thread(target=run, args=(index,), name="new", daemon=True).start()
say("READY")
for _ in commands():
    pass
os._exit(0)
