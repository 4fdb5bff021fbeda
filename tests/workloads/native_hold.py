# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""One hold in native code that lasts from before the capture to after it, and a thread that waits for
the GIL all that time.

The holder says READY and reads the next command through ctypes.PyDLL: it blocks with the GIL. The
other thread comes back from select() meanwhile and waits.
"""

import ctypes
import json
import os
import threading

from protocol import free_libc, held_libc, read_line, say, wait_gone


def main():
    reader, writer = os.pipe()
    tids = []

    def waiter():
        tids.append(threading.get_native_id())
        readable = ctypes.c_ulonglong(1 << reader)
        free_libc.select(64, ctypes.byref(readable), None, None, None)

    thread = threading.Thread(target=waiter)
    thread.start()
    while not tids:
        free_libc.usleep(1000)
    truth = {"holder": threading.get_native_id(), "waiter": tids[0]}
    line = ("READY " + json.dumps(truth) + "\n").encode()
    command = ctypes.create_string_buffer(64)
    free_libc.usleep(20000)  # the waiter goes into select()
    held_libc.write(writer, b"x", 1)
    held_libc.write(1, line, len(line))
    held_libc.read(0, command, 64)
    thread.join()
    wait_gone(tids[0])
    say("DONE")
    read_line()


main()
