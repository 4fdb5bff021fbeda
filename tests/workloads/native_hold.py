# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""One hold in native code that lasts from before the capture to after it, and a thread that waits
for the GIL all that time.

The holder says READY and reads the next command through ctypes.PyDLL: it blocks with the GIL. The
other thread sleeps in read() without the GIL until the test writes a byte to the pipe whose file
descriptor READY names; then it comes back and waits.
"""

import ctypes
import os
import threading

from protocol import free_libc, held_libc, read_line, say, wait_gone, wait_in_read


def main():
    reader, writer = os.pipe()
    tids = []

    def waiter():
        tids.append(threading.get_native_id())
        free_libc.read(reader, ctypes.create_string_buffer(1), 1)

    thread = threading.Thread(target=waiter)
    thread.start()
    while not tids:
        free_libc.usleep(1000)
    wait_in_read(tids[0])
    say("READY", holder=threading.get_native_id(), waiter=tids[0], wake=writer)
    command = ctypes.create_string_buffer(64)
    held_libc.read(0, command, 64)
    thread.join()
    wait_gone(tids[0])
    say("DONE")
    read_line()


main()
