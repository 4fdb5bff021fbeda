# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A small service to be profiled: a pool of threads answers requests over loopback, beside a thread
that computes statistics in Python. Its clients are a process of their own. It says READY when it
serves and ends with SIGTERM.

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
import subprocess
import sys
import threading
import time

POOL = 4
PAUSE_S = 0.01

PR_SET_NAME = 15


def named(name, target, *arguments):
    """Starts a daemon thread with that name, in the kernel too: Python sets it only from 3.14
    on."""

    def run():
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
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


def compute():
    """The statistics thread: pure Python, all the time."""
    while True:
        values = [random.random() for _ in range(1000)]
        mean = sum(values) / len(values)
        sum((value - mean) ** 2 for value in values)


def serve():
    """The service, until a signal."""
    signals = [signal.SIGTERM, signal.SIGINT]
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # in each thread, so that sigwait() gets them
    server = socket.create_server(("127.0.0.1", 0))
    connections = queue.Queue()
    for index in range(POOL):
        named("pool-%d" % index, answer, connections)
    port = str(server.getsockname()[1])
    load = subprocess.Popen([sys.executable, __file__, "--clients", port])
    for _ in range(POOL):
        connections.put(server.accept()[0])
    named("statistics", compute)
    print("READY", flush=True)
    signal.sigwait(signals)
    load.kill()
    load.wait()


def ask(port):
    """A client: sends a request, waits for the answer, pauses, until the service goes away."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answered = True
        while answered:
            connection.sendall(b"how is the weather?")
            answered = connection.recv(64)
            time.sleep(PAUSE_S)


def be_clients(port):
    """The clients, a thread each."""
    clients = [threading.Thread(target=ask, args=(port,)) for _ in range(POOL)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


if sys.argv[1:2] == ["--clients"]:
    be_clients(int(sys.argv[2]))
else:
    serve()
