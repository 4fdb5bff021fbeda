# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A thread whose name in the kernel is what nobody should send to a terminal: control characters,
an escape sequence, a byte that is no UTF-8; in Python it is called such a thing too.
"""

import threading

from protocol import free_libc, serve_in_thread

PR_SET_NAME = 15
NAME = b"\x1b[31mred\xff\n\x07"

free_libc.prctl(PR_SET_NAME, NAME, 0, 0, 0)  # of the main thread; those that it starts inherit it


def work():
    threading.current_thread().name = "\x1b[31mred\n\x07"
    for _ in range(100):
        free_libc.getpid()
    return {}


serve_in_thread(work)
