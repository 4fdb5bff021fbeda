# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that release and take the GIL as fast as they can.

    gil_cycles.py THREADS CYCLES_EACH [LIBRARY]

The library is loaded and not used.
"""

import ctypes
import sys
import threading

from protocol import commands, free_libc, say, start_threads

THREADS, CYCLES = map(int, sys.argv[1:3])


def main():
    libraries = [ctypes.CDLL(path) for path in sys.argv[3:]]
    go, finished = threading.Semaphore(0), threading.Semaphore(0)
    cycle = free_libc.getpid

    def run(index):
        while True:
            go.acquire()
            for _ in range(CYCLES):
                cycle()
            finished.release()

    say("READY", tids=start_threads(THREADS, run), libraries=len(libraries))
    for _ in commands():
        for _ in range(THREADS):
            go.release()
        for _ in range(THREADS):
            finished.acquire()
        say("DONE", cycles=THREADS * CYCLES)


main()
