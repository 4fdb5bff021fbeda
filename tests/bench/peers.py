# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Other tools that can watch a running Python: each class attaches when it is made, returns when it
is attached, and detaches with detach(), which fails if it has seen nothing."""

import json
import os
import shutil
import signal
import time

from children import PATIENCE_S, Child, Failed, output_of

POLL_S = 0.05
HERTZ = 100
BPFTRACE_PROBES = 3


def bpftrace_script(library, pid):
    """Acquires, releases and waits of one process, per thread. bpftrace's own -p does not restrict
    them: the probes are in all processes that run the library (0.17, tried)."""
    return """
        uprobe:%(lib)s:take_gil /pid == %(pid)d/ { @asked[tid] = nsecs; }
        uretprobe:%(lib)s:take_gil /@asked[tid]/
        {
            @wait[tid] = hist(nsecs - @asked[tid]);
            @took[tid] = nsecs;
        }
        uprobe:%(lib)s:drop_gil /@took[tid]/
        {
            @hold[tid] = hist(nsecs - @took[tid]);
            delete(@took[tid]);
        }
    """ % {
        "lib": library,
        "pid": pid,
    }


def bpftool(*arguments):
    """What bpftool says as JSON."""
    places = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    program = shutil.which("bpftool", path=places)
    if not program:
        raise Failed("bpftool is not installed: tools/setup.sh")
    return json.loads(output_of([program, "-j", *arguments]))


class Bpftrace:
    """bpftrace says that it attaches, but not that it has: the kernel knows."""

    def __init__(self, target):
        script = bpftrace_script(target.python.file, target.pid)
        self.child = Child(["bpftrace", "-B", "line", "-e", script])
        deadline = time.monotonic() + PATIENCE_S
        while self.probes() < BPFTRACE_PROBES:
            self.child.check_alive()
            if time.monotonic() > deadline:
                raise Failed("bpftrace did not attach")
            time.sleep(POLL_S)

    def probes(self):
        return sum(one["pid"] == self.child.pid for one in bpftool("perf", "show"))

    def detach(self):
        self.child.check_alive()
        self.child.end(signal.SIGINT)
        if not any(line.startswith("@hold[") for line in self.child.reader.seen):
            raise Failed("bpftrace saw no hold")


class Sampling:
    """A profiler that writes samples into a file until Ctrl-C."""

    def __init__(self, command, file, ready, on):
        self.file = file
        self.child = Child(command, ready, on=on)

    def detach(self):
        self.child.check_alive()
        self.child.end(signal.SIGINT)
        if not self.file.exists() or not self.file.stat().st_size:
            raise Failed("%s took no sample" % self.child.name)
        self.file.unlink()


class PySpy(Sampling):
    """Samples that have the GIL only; it stops the process for each, as it does by default."""

    def __init__(self, program, pid, file):
        command = [program, "record", "--gil", "-r", HERTZ, "-f", "raw", "-o", file, "-p", pid]
        super().__init__(command, file, "Sampling process", "stdout")


class Austin(Sampling):
    """Samples of all threads' Python frames; it does not know the GIL."""

    def __init__(self, program, pid, file):
        command = [program, "-i", "%dms" % (1000 // HERTZ), "-o", file, "-p", pid]
        super().__init__(command, file, "version", "stderr")


class Perf:
    """Native stacks of the threads that run; it does not know the GIL. It starts disabled, so that
    its answer to "enable" says that it measures."""

    def __init__(self, program, pid, file):
        self.file = file
        command_in, self.command_out = os.pipe()
        answer_in, answer_out = os.pipe()
        control = "--control=fd:%d,%d" % (command_in, answer_out)
        events = ["-e", "cpu-clock", "-F", HERTZ, "-g"]
        self.child = Child(
            [program, "record", "-q", *events, "-D", -1, control, "-o", file, "-p", pid],
            pass_fds=(command_in, answer_out),
        )
        os.close(command_in)
        os.close(answer_out)
        os.write(self.command_out, b"enable\n")
        answer = os.read(answer_in, 16)
        os.close(answer_in)
        if not answer.startswith(b"ack"):
            os.close(self.command_out)
            raise Failed("perf did not begin to record")

    def detach(self):
        self.child.check_alive()
        self.child.end(signal.SIGINT)
        os.close(self.command_out)
        if not self.file.exists() or not self.file.stat().st_size:
            raise Failed("perf took no sample")
        self.file.unlink()
