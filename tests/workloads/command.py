# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A program to be started by gilscope itself: it starts its threads at once and ends by itself.

    command.py THREADS CYCLES_EACH EXIT_STATUS

It writes a line with its thread ids to stdout.
"""

import json
import sys
import threading

from protocol import free_libc

THREADS, CYCLES, STATUS = map(int, sys.argv[1:])


def main():
    tids = []

    def run():
        tids.append(threading.get_native_id())
        for _ in range(CYCLES):
            free_libc.getpid()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"main": threading.get_native_id(), "tids": tids}))
    sys.exit(STATUS)


main()
