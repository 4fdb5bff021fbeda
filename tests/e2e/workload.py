# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A workload process: tests/workloads/*.py under one interpreter, and the conversation with it."""

import json
import os
import pathlib
import subprocess

from lines import PATIENCE, LineReader

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "workloads"


def script(name):
    """Path of a workload."""
    return str(SCRIPTS / name)


def steady_itself():
    """In the new process: a high priority, also for its group where the kernel groups sessions."""
    os.setsid()
    try:
        os.nice(-15)
        pathlib.Path("/proc/self/autogroup").write_text("-15", encoding="ascii")
    except OSError:
        pass


class Workload:
    """Started at once; ready (a dict) is what it said when its threads ran. A steady one is run
    before whatever else the machine does, for a truth that others disturb less."""

    def __init__(self, interpreter, name, *arguments, steady=False):
        self.process = subprocess.Popen(
            [*interpreter.command, script(name), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=interpreter.environment,
            preexec_fn=steady_itself if steady else None,
        )
        self.reader = LineReader(self.process.stdout.fileno(), name)
        try:
            self.ready = self.expect("READY")
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self):
        return self.process.pid

    def tell(self, *words):
        """Sends a command."""
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()

    def expect(self, word):
        """The truth that comes with the next line, which must begin with that word."""
        line = self.reader.read(PATIENCE)
        assert line is not None, "the workload ended without %s" % word
        assert line.startswith(word + " "), line
        return json.loads(line[len(word) :])

    def go(self, *arguments):
        """Lets it work and returns its truth."""
        self.tell("go", *arguments)
        return self.expect("DONE")

    def quit(self):
        """Ends it and returns its exit status."""
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def kill(self):
        """For the end of a test: whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
