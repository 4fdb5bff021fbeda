# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""One guest, from the start of qemu to its end, with a deadline for everything."""

import os
import select
import subprocess
import time

from console import parse

# An idle machine boots in 15 s and its slowest test takes a minute; a busy one is slower.
BOOT_S, SILENCE_S = 300, 600
SHUTDOWN_S = 60
MEMORY = "2G"
LAST_LINES = 15
# A panic ends qemu at once (-no-reboot). Only emergencies go to the console, which is also ours.
COMMAND_LINE = "console=%s rdinit=/init panic=-1 loglevel=1 oops=panic net.ifnames=0"


class Broken(Exception):
    """The guest hung, died or said nonsense; the last lines of its console are in the message."""


class Guest:
    """Emulated, with as many CPUs as this machine has up to four."""

    def __init__(self, architecture, kernel, initramfs, log):
        self.log = open(log, "w+b", buffering=0)
        self.tail = []
        self.pending = b""
        command = [architecture.qemu, *architecture.board]
        command += ["-accel", architecture.accelerator, "-cpu", architecture.cpu, "-m", MEMORY]
        command += ["-smp", str(min(4, max(2, os.cpu_count() or 1)))]
        command += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
        command += ["-kernel", kernel, "-initrd", initramfs]
        command += ["-append", COMMAND_LINE % architecture.console]
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def events(self):
        """What the guest's suite says, as (what it is, its values), until it is done."""
        kind, patience = None, BOOT_S
        while kind != "done":
            event = self.next_event(patience)
            kind, patience = event.pop("event"), SILENCE_S
            yield kind, event

    def next_event(self, patience):
        deadline = time.monotonic() + patience
        while True:
            line = self.read_line(deadline)
            if line is None:
                raise Broken(self.explain("it ended"))
            try:
                event = parse(line)
            except ValueError as error:
                raise Broken(self.explain("its line was cut")) from error
            if event:
                return event

    def read_line(self, deadline):
        """The next line of the console; None at its end."""
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Broken(self.explain("it said nothing more in time"))
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return None
            self.log.write(data)
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        text = line.decode(errors="replace").strip()
        if text:
            self.tail = [*self.tail[1 - LAST_LINES :], text]
        return text

    def lines_with(self, pattern):
        """Lines of the whole console in which the pattern is found."""
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return [line.strip() for line in lines if pattern.search(line)]

    def explain(self, what):
        return "\n".join(["%s; the last of its console:" % what, *self.tail])

    def shut_down(self):
        """Waits for its own end. True if it came."""
        try:
            while self.read_line(time.monotonic() + SHUTDOWN_S) is not None:
                pass
            return self.process.wait(SHUTDOWN_S) == 0
        except (Broken, subprocess.TimeoutExpired):
            return False

    def close(self):
        """In whatever state it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
