# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A small service to be profiled: a pool of threads answers requests over loopback, beside a thread
that computes statistics in Python. It says READY when it serves and ends with SIGTERM.

The pool does next to nothing, and yet its answers are slow: each time that one of its threads comes
back from a system call it finds the GIL taken, and waits for the statistics thread to be asked to
drop it, a switch interval later.
"""

import ctypes
import hashlib
import queue
import random
import signal
import socket
import threading
import time

POOL = 4
CLIENTS = 4
PAUSE_S = 0.002

PR_SET_NAME = 15


def name_thread(name):
    """The kernel's name of this thread, 15 bytes: Python sets it only from 3.14 on."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def named(name, target, *arguments):
    """Starts a daemon thread with that name."""

    def run():
        name_thread(name)
        target(*arguments)

    threading.Thread(target=run, name=name, daemon=True).start()


def answer(connections):
    """A pool thread: takes a connection and answers all its requests."""
    while True:
        connection = connections.get()
        with connection:
            request = connection.recv(64)
            while request:
                connection.sendall(hashlib.sha256(request).digest())
                request = connection.recv(64)


def ask(address):
    """A client: sends a request, waits for the answer, thinks, and so on."""
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            connection.sendall(b"how is the weather?")
            connection.recv(64)
            time.sleep(PAUSE_S)


def compute():
    """The statistics thread: pure Python, all the time."""
    while True:
        values = [random.random() for _ in range(1000)]
        mean = sum(values) / len(values)
        sum((value - mean) ** 2 for value in values)


def main():
    server = socket.create_server(("127.0.0.1", 0))
    connections = queue.Queue()
    for index in range(POOL):
        named("pool-%d" % index, answer, connections)
    for index in range(CLIENTS):
        named("client-%d" % index, ask, server.getsockname())
        connections.put(server.accept()[0])
    named("statistics", compute)
    print("READY", flush=True)
    signal.sigwait([signal.SIGTERM, signal.SIGINT])


# Blocked in each thread, so that sigwait() gets them.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
main()
