# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Holds whose length is known from both sides. Between two holds the thread gives the GIL up for
clock_gettime() alone, which thus reads the clock without the GIL: the hold before had ended by
then, and the next had not begun. Readings of the clock by Python code lie within the holds.

    bracketed_holds.py HOLD_US COUNT
"""

import ctypes
import sys

from protocol import free_libc, held_libc, now_ns, serve_in_thread

HOLD_US, COUNT = map(int, sys.argv[1:])
CLOCK_MONOTONIC = 1


class timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


# Made before, so that the thread holds the GIL for nothing else.
outside = [timespec() for _ in range(COUNT + 1)]
addresses = [ctypes.byref(one) for one in outside]


def work():
    hold, read_clock = held_libc.usleep, free_libc.clock_gettime
    inside_ns = 0
    read_clock(CLOCK_MONOTONIC, addresses[0])
    begin = now_ns()
    for address in addresses[1:]:
        hold(HOLD_US)
        end = now_ns()
        read_clock(CLOCK_MONOTONIC, address)
        back = now_ns()
        inside_ns += end - begin
        begin = back
    first, last = outside[0], outside[-1]
    between_ns = (last.tv_sec - first.tv_sec) * 1000000000 + last.tv_nsec - first.tv_nsec
    return {"holds": COUNT, "at_least_ns": inside_ns, "at_most_ns": between_ns}


serve_in_thread(work)
