# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the workloads share: the conversation with the test, and libc with and without the GIL.

A workload says READY when its threads run, waits for commands on stdin, answers each with DONE and
its own truth as JSON, and leaves at "quit" or at the end of stdin. It needs nothing but the
standard library of CPython 3.8 or later.
"""

import ctypes
import json
import os
import threading
import time

# The same C functions twice: calls through the first give the GIL up, through the second keep it.
free_libc = ctypes.CDLL(None)
held_libc = ctypes.PyDLL(None)
now_ns = time.perf_counter_ns


def load_truth(path):
    """truth.c, compiled to that file, with its types."""
    library = ctypes.PyDLL(path)
    library.wait_for_gil.restype = ctypes.c_int64
    library.wake_and_hold.restype = library.hold_gil.restype = ctypes.c_uint64
    return library


def say(word, **truth):
    """Writes one line: WORD and its truth as JSON."""
    os.write(1, (word + " " + json.dumps(truth) + "\n").encode())


def read_line():
    """One line from stdin without its newline; "" at the end of the file. The test sends one line
    at a time, so one call that gives the GIL up gets it whole."""
    return os.read(0, 4096).decode().strip()


def watch_queue(*tids):
    """A function that tells for how many ns threads of this process have been ready to run and
    stood in the run queue: time for which neither side of a timestamp can answer. 0 where the
    kernel does not count it. To ask costs one short GIL cycle a thread."""
    try:
        files = [os.open("/proc/self/task/%d/schedstat" % tid, os.O_RDONLY) for tid in tids]
    except OSError:
        return lambda: 0
    return lambda: sum(int(os.pread(file, 100, 0).split()[1]) for file in files)


READ = {"x86_64": "0", "aarch64": "63"}[os.uname().machine]


def wait_in_read(tid):
    """Returns when a thread of this process sleeps in read()."""
    while True:
        with open("/proc/self/task/%d/syscall" % tid, "rb", buffering=0) as file:
            if file.read().decode().split()[0] == READ:
                return
        free_libc.usleep(500)


def wait_gone(tid):
    """Returns when a thread that has ended for Python has ended for the kernel too."""
    while os.path.exists("/proc/self/task/%d" % tid):
        free_libc.usleep(1000)


def commands():
    """The test's commands as lists of words, until it says "quit" or goes away."""
    while True:
        words = read_line().split()
        if not words or words[0] == "quit":
            return
        yield words


def become(*words):
    """Executes another program, one of the machine's: the libraries that this interpreter was given
    may be those of another system."""
    os.environ.pop("LD_LIBRARY_PATH", None)
    os.execv(words[0], words)


def serve(work, **ready):
    """READY, then work(*arguments) for each "go", answered with DONE and the truth that it
    returns."""
    say("READY", **ready)
    for words in commands():
        say("DONE", **work(*words[1:]))


def serve_in_thread(work):
    """serve() with the work done in a thread of its own, which does nothing else: the conversation
    is the main thread's. The truth gets stood_ns from it: see watch_queue()."""
    go, finished = threading.Semaphore(0), threading.Semaphore(0)
    truths = []

    def run(index):
        while True:
            go.acquire()
            truths.append(work())
            finished.release()

    def one_round():
        before = stood_ns()
        go.release()
        finished.acquire()
        return dict(truths.pop(), stood_ns=stood_ns() - before)

    tid = start_threads(1, run)[0]
    stood_ns = watch_queue(tid)
    serve(one_round, tid=tid)


def start_threads(count, target):
    """Starts count daemon threads that run target(index) and returns their thread ids when all run.
    A daemon thread does not keep the process from leaving."""
    tids = [0] * count
    running = threading.Semaphore(0)

    def run(index):
        tids[index] = threading.get_native_id()
        running.release()
        target(index)

    for index in range(count):
        threading.Thread(target=run, args=(index,), daemon=True).start()
    for _ in range(count):
        running.acquire()
    return tids
