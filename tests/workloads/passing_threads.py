# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads one after the other, each with GIL cycles that nobody waits for, until the tid of one leads to the same place as that of a
thread that lives, and cycles too.

    passing_threads.py CYCLES_EACH PLACES
"""

import sys
import threading

from protocol import commands, free_libc, say, start_threads

CYCLES, PLACES = map(int, sys.argv[1:3])


def cycle():
    for _ in range(CYCLES):
        free_libc.getpid()


def main():
    go, finished = threading.Semaphore(0), threading.Semaphore(0)

    def stay(index):
        while True:
            go.acquire()
            cycle()
            finished.release()

    def stay_once():
        go.release()
        finished.acquire()

    (first,) = start_threads(1, stay)
    say("READY", tids=[first])
    for _ in commands():
        stay_once()
        tids = []
        while not tids or (tids[-1] - first) % PLACES:
            thread = threading.Thread(target=cycle)
            thread.start()
            thread.join()
            tids.append(thread.native_id)
        stay_once()
        say("DONE", first=first, tids=tids, cycles=CYCLES)


main()
