# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Holds of a known length: usleep through ctypes.PyDLL keeps the GIL, through ctypes.CDLL it does
not.

    known_holds.py HOLD_US GAP_US COUNT
"""

import sys

from protocol import free_libc, held_libc, now_ns, serve_in_thread

HOLD_US, GAP_US, COUNT = map(int, sys.argv[1:])


def work():
    hold, gap = held_libc.usleep, free_libc.usleep
    held_ns = longest_ns = 0
    begin = now_ns()
    for _ in range(COUNT):
        hold(HOLD_US)
        end = now_ns()
        gap(GAP_US)
        back = now_ns()
        held_ns += end - begin
        longest_ns = max(longest_ns, end - begin)
        begin = back
    return {"holds": COUNT, "held_ns": held_ns, "longest_ns": longest_ns}


serve_in_thread(work)
