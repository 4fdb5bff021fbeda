# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Many threads that exist at the same time and do GIL cycles one after the other, so that none is
in contention.

    crowd.py THREADS

"go CYCLES" spreads them over all threads and answers with the ns of CPU time that one took, as
the threads measured it themselves.
"""

import ctypes
import os
import sys
import threading
import time

from protocol import serve, start_threads

THREADS = int(sys.argv[1])
ROUNDS = 10  # each thread's turn comes so many times in one "go"
release_and_take = ctypes.CDLL(None).abs


def main():
    threading.stack_size(256 * 1024)
    reader, writer = os.pipe()
    finished = threading.Semaphore(0)
    each, spent = [0], [0]

    def run(index):
        call = release_and_take
        while True:
            os.read(reader, 1)
            begin = time.thread_time_ns()
            for _ in range(each[0]):
                call(1)
            spent[0] += time.thread_time_ns() - begin
            finished.release()

    def work(cycles):
        each[0] = max(1, int(cycles) // (THREADS * ROUNDS))
        spent[0] = 0
        # A pipe wakes its readers in the order in which they came.
        for _ in range(THREADS * ROUNDS):
            os.write(writer, b"x")
            finished.acquire()
        cycles = each[0] * THREADS * ROUNDS
        return {"cpu_ns": spent[0] / cycles, "cycles": cycles}

    start_threads(THREADS, run)
    serve(work)


main()
