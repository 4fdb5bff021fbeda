# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the workloads share: the conversation with the test, and libc with and without the GIL.

A workload says READY when its threads run, waits for commands on stdin, answers each with DONE and
its own truth as JSON, and leaves at "quit" or at the end of stdin. It needs nothing but the standard
library of CPython 3.8 or later.
"""

import ctypes
import json
import os
import threading
import time

# The same C functions twice: calls through the first give the GIL up, through the second keep it.
free_libc = ctypes.CDLL(None)
held_libc = ctypes.PyDLL(None)
# Called with the attribute look-up done, so that a loop costs the same in each interpreter.
now_ns = time.perf_counter_ns


def say(word, **truth):
    """Writes one line: WORD and its truth as JSON."""
    os.write(1, (word + " " + json.dumps(truth) + "\n").encode())


def read_line():
    """One line from stdin without its newline; "" at the end of the file. Not buffered, so that
    a workload may also read(0) by itself."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line.decode().strip()


def commands():
    """The test's commands as lists of words, until it says "quit" or goes away."""
    while True:
        words = read_line().split()
        if not words or words[0] == "quit":
            return
        yield words


def serve(work, **ready):
    """READY, then work(*arguments) for each "go", answered with DONE and the truth that it returns."""
    say("READY", **ready)
    for words in commands():
        say("DONE", **work(*words[1:]))


def serve_in_thread(work):
    """serve() in a thread of its own, while the main thread sleeps without the GIL in join()."""
    thread = threading.Thread(target=lambda: serve(work, tid=threading.get_native_id()))
    thread.start()
    thread.join()


def start_threads(count, target):
    """Starts count threads that run target(index) and returns their thread ids when all run. A
    daemon thread does not keep the process from leaving."""
    tids = [0] * count
    running = threading.Barrier(count + 1)

    def run(index):
        tids[index] = threading.get_native_id()
        running.wait()
        target(index)

    for index in range(count):
        threading.Thread(target=run, args=(index,), daemon=True).start()
    running.wait()
    return tids
