# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Waits of a known length: one thread holds the GIL in native code while another comes back for it.

    known_waits.py HOLD_US COUNT

The waiter blocks in select() without the GIL until the holder, which keeps the GIL, writes a byte.
Linux leaves in select's timeout what was left of it, so that the waiter learns when it woke up
without asking anything that needs the GIL: from there to its next line of Python it waited for the
GIL.
"""

import ctypes
import os
import sys
import threading

from protocol import commands, free_libc, held_libc, now_ns, say, wait_in_select, watch_queue

HOLD_US, COUNT = map(int, sys.argv[1:])
TIMEOUT_S = 60


class timeval(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long)]


def wait_for_byte(fd):
    """Blocks until fd can be read; the nanoseconds that its thread then waited for the GIL."""
    readable = ctypes.c_ulonglong(1 << fd)
    left = timeval(TIMEOUT_S, 0)
    begin = now_ns()
    free_libc.select(64, ctypes.byref(readable), None, None, ctypes.byref(left))
    back = now_ns()
    blocked_us = (TIMEOUT_S - left.tv_sec) * 1000000 - left.tv_usec
    held_libc.read(fd, ctypes.create_string_buffer(1), 1)
    return back - begin - blocked_us * 1000


def main():
    reader, writer = os.pipe()
    waits = []
    waiter_blocks = threading.Semaphore(0)
    waiter_tid = []

    def waiter():
        waiter_tid.append(threading.get_native_id())
        while True:
            waiter_blocks.release()
            waits.append(wait_for_byte(reader))

    threading.Thread(target=waiter, daemon=True).start()
    while not waiter_tid:
        free_libc.usleep(1000)
    tids = {"holder": threading.get_native_id(), "waiter": waiter_tid[0]}
    stood_ns = watch_queue(*tids.values())
    say("READY", **tids)
    for _ in commands():
        stood = stood_ns()
        del waits[:]
        held_ns = 0
        for _ in range(COUNT):
            waiter_blocks.acquire()
            wait_in_select(waiter_tid[0])
            begin = now_ns()
            held_libc.write(writer, b"x", 1)
            held_libc.usleep(HOLD_US)
            held_ns += now_ns() - begin
        while len(waits) < COUNT:
            free_libc.usleep(1000)
        say(
            "DONE",
            waits=len(waits),
            wait_ns=sum(waits),
            longest_ns=max(waits),
            held_ns=held_ns,
            stood_ns=stood_ns() - stood,
        )


main()
