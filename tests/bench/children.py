# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Child processes that end with the bench: each in a session of its own, so that Ctrl-C at the
terminal reaches the bench alone, which then ends them one by one, by their ids."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from lines import LineReader  # noqa: E402 (the path comes first)

PATIENCE_S = 60
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
libc = ctypes.CDLL(None)

alive = []  # those that were started and not yet waited for


class Failed(Exception):
    """A process did not do what it was started for, and why."""


class Absent(Failed):
    """Something that is measured with or compared with is not on this machine."""


# What can go wrong with processes that come and go: also their files in /proc.
FAILURES = (Failed, OSError)


def reason_of(error):
    """Why it failed, for one cell. What is no failure of a process is one of the bench itself,
    whose place goes to stderr."""
    if isinstance(error, FAILURES):
        return str(error)
    traceback.print_exception(type(error), error, error.__traceback__)
    return "%s: %s" % (type(error).__name__, error)


def follow_to_the_end():
    """In the new process: it does not outlive a bench that was killed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def uninterrupted():
    """Ctrl-C comes before or after, not between a process's start and its being known."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def start(command, streams, **options):
    """The process, in a session of its own, with a pipe as stdin."""
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=follow_to_the_end,
            **streams,
            **options,
        )
    except OSError as error:
        raise Failed("cannot start %s: %s" % (command[0], error.strerror)) from None


class Child:
    """A process with pipes. ready: the text in a line (of stdout or stderr) that is waited for."""

    def __init__(self, command, ready=None, on="stdout", env=None, cwd=None, pass_fds=()):
        self.name = os.path.basename(str(command[0]))
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, on: subprocess.PIPE}
        with uninterrupted():
            self.process = start(command, streams, env=env, cwd=cwd, pass_fds=pass_fds)
            alive.append(self)
        stream = self.process.stdout if on == "stdout" else self.process.stderr
        self.reader = LineReader(stream.fileno(), self.name)
        if ready:
            self.wait_line(ready)

    @property
    def pid(self):
        return self.process.pid

    def read_line(self):
        """Its next line."""
        try:
            line = self.reader.read(PATIENCE_S)
        except TimeoutError as error:
            raise Failed(str(error)) from None
        if line is None:
            said = " | ".join(self.reader.seen[-3:])
            raise Failed("%s ended%s" % (self.name, ": " + said if said else ""))
        return line

    def wait_line(self, text):
        """The next line that contains the text."""
        while True:
            line = self.read_line()
            if text in line:
                return line

    def tell(self, line):
        """One line to its stdin."""
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("%s has ended" % self.name) from None

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failed("%s ended while it was measured" % self.name)

    def end(self, number=None):
        """Ends it by the signal, or by the end of its stdin, and returns its exit status. One that
        does not end is killed."""
        if self not in alive:
            return self.process.returncode
        if number:
            self.process.send_signal(number)
        self.close_stdin()
        try:
            self.reader.rest(PATIENCE_S)
            self.process.wait(PATIENCE_S)
        except (TimeoutError, subprocess.TimeoutExpired):
            self.kill()
            raise Failed("%s did not end in %d s" % (self.name, PATIENCE_S)) from None
        self.forget()
        return self.process.returncode

    def close_stdin(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def kill(self):
        """At once."""
        if self not in alive:
            return
        self.process.kill()
        self.process.wait()
        self.close_stdin()
        self.forget()

    def forget(self):
        alive.remove(self)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def kill_since(before):
    """Kills what was started since alive was a copy of that."""
    for child in [one for one in alive if one not in before]:
        child.kill()


def end_all():
    """Ends what is left: first politely, so that none leaves children of its own behind."""
    for child in list(alive):
        child.process.terminate()
    for child in list(alive):
        try:
            child.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        child.kill()


def output_of(command, **options):
    """stdout of a short command that must succeed."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
            **options,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed("%s: %s" % (command[0], error)) from None
    if done.returncode:
        raise Failed("%s: %s" % (command[0], done.stderr.strip()[-300:] or done.returncode))
    return done.stdout
