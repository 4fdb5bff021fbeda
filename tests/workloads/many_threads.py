# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Thousands of threads that exist at the same time, each with a few GIL cycles at the first "go".

    many_threads.py THREADS CYCLES_EACH
"""

import os
import sys
import threading

from protocol import commands, free_libc, say, start_threads

THREADS, CYCLES = map(int, sys.argv[1:])


def main():
    threading.stack_size(256 * 1024)
    reader, writer = os.pipe()
    finished, parked = threading.Semaphore(0), threading.Event()

    def run(index):
        os.read(reader, 1)
        for _ in range(CYCLES):
            free_libc.getpid()
        finished.release()
        parked.wait()

    say("READY", tids=start_threads(THREADS, run))
    for _ in commands():
        # One at a time: what is watched are the threads, not the crowd.
        for _ in range(THREADS):
            os.write(writer, b"x")
            finished.acquire()
        say("DONE", cycles=THREADS * CYCLES)


main()
