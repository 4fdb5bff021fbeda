# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Waits of a known length: one thread holds the GIL in native code while another comes back for it.

    timed_waits.py TRUTH_LIBRARY HOLD_US COUNT

The waiter sleeps in read() without the GIL until the holder, which keeps the GIL, writes a byte; C
code takes the time from there to having the GIL.
"""

import os
import sys
import threading

from protocol import commands, free_libc, load_truth, say, wait_in_read, watch_queue

library = load_truth(sys.argv[1])
HOLD_US, COUNT = map(int, sys.argv[2:])


def main():
    reader, writer = os.pipe()
    waits, tids = [], {"holder": threading.get_native_id()}

    def waiter():
        tids["waiter"] = threading.get_native_id()
        while True:
            waits.append(library.wait_for_gil(reader))

    threading.Thread(target=waiter, daemon=True).start()
    while "waiter" not in tids:
        free_libc.usleep(1000)
    stood_ns = watch_queue(*tids.values())
    say("READY", **tids)
    for _ in commands():
        stood, held_ns = stood_ns(), 0
        del waits[:]
        for _ in range(COUNT):
            wait_in_read(tids["waiter"])
            held_ns += library.wake_and_hold(writer, HOLD_US)
        while len(waits) < COUNT:
            free_libc.usleep(1000)
        say(
            "DONE",
            waits=COUNT,
            wait_ns=sum(waits),
            longest_ns=max(waits),
            held_ns=held_ns,
            stood_ns=stood_ns() - stood,
        )


main()
