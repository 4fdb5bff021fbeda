# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Threads that begin and end while the process is watched, beside one that stays.

    short_threads.py THREADS CYCLES_EACH
"""

import sys
import threading

from protocol import commands, free_libc, say, start_threads, wait_gone

THREADS, CYCLES = map(int, sys.argv[1:])


def main():
    stay = threading.Event()
    staying = start_threads(1, lambda index: stay.wait())[0]
    say("READY", staying=staying)
    for _ in commands():
        tids = []

        def run():
            tids.append(threading.get_native_id())
            for _ in range(CYCLES):
                free_libc.getpid()

        for _ in range(THREADS):
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            wait_gone(tids[-1])
        say("DONE", tids=tids, cycles=CYCLES)
    stay.set()


main()
