# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Reading lines from a process with a deadline, so that no test hangs."""

import collections
import os
import select
import time

# An emulated machine takes so many times as long for a system call, a wake-up or a probe's trap
# (tests/kernels/run.py sets it); here it is 1.
SLOWNESS = float(os.environ.get("GILSCOPE_SLOWNESS", "1"))
# How many seconds anything may take before a test gives up on it.
PATIENCE = 60 if SLOWNESS == 1 else 300


class LineReader:
    """Lines of a file descriptor, as they come."""

    def __init__(self, fd, what):
        self.fd = fd
        self.what = what
        self.pending = b""
        self.lines = collections.deque()
        self.closed = False
        self.seen = []

    def read(self, timeout):
        """The next line without its newline, or None at the end of the file."""
        deadline = time.monotonic() + timeout
        while not self.lines and not self.closed:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                before = " | ".join(line[:200] for line in self.seen[-5:])
                raise TimeoutError("no line from %s in %g s after %s" % (self.what, timeout, before))
            self.take(os.read(self.fd, 65536))
        if not self.lines:
            return None
        self.seen.append(self.lines.popleft())
        return self.seen[-1]

    def take(self, data):
        if not data:
            self.closed = True
            if self.pending:
                self.lines.append(self.pending.decode(errors="replace"))
            return
        *lines, self.pending = (self.pending + data).split(b"\n")
        self.lines.extend(line.decode(errors="replace") for line in lines)

    def rest(self, timeout):
        """All lines until the end of the file, those that were read before included."""
        while self.read(timeout) is not None:
            pass
        return self.seen
