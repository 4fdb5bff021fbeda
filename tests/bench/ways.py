# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The ways to watch a process that are compared. Each one says where it puts probes, so that they
are seen to be there while it is measured, and gone before the next."""

import os
import shutil
import time

import peers
from capture import MODES, Capture
from children import Child, Failed

PATIENCE_S = 20
# A breakpoint that nobody wants any more may stay, where somebody else probes the same file, until
# it is hit (handler_chain in kernel/events/uprobes.c).
STIR_AFTER_S = 2
POLL_S = 0.02
OURS = "gilscope"  # how the names of this project's ways begin
CALL_SITES, LIBC, FUNCTIONS = "call sites", "libc", "functions"


class Nothing:
    """Nobody watches."""

    name, group = "nothing", None

    def missing(self, target):
        """Why this way cannot be had here, or None."""
        return None

    def attach(self, target):
        """Returns when it is attached, with what detach() ends."""
        return self

    def detach(self):
        """Ends it; the Report of a gilscope, else None."""
        return None


class EmptyProbes:
    """Empty programs on the same instructions as ours: no tool that sees every event costs less."""

    name, group = "two empty uprobes", CALL_SITES

    def __init__(self, context):
        self.build = context.build

    def missing(self, target):
        return None

    def attach(self, target):
        path = "/proc/%d/root%s" % (target.pid, target.places[0][1])
        offsets = [offset for _, _, offset in target.places]
        folder = self.build / "bench"
        command = [folder / "empty_probes", folder / "empty.bpf.o", target.pid, path, *offsets]
        return Attached(Child(command, "attached"))


class Attached:
    """A child that is attached until its stdin ends."""

    def __init__(self, child):
        self.child = child

    def detach(self):
        self.child.check_alive()
        self.child.end()


class Gilscope:
    """This project's tool with some options."""

    def __init__(self, context, *options, group=CALL_SITES):
        self.context, self.options, self.group = context, options, group
        self.name = " ".join([OURS, *options])

    def missing(self, target):
        return None

    def attach(self, target):
        return Watched(Capture(self.context, *self.options, pids=[target.pid]))


class Watched:
    """A running Capture, whose report must have seen something."""

    def __init__(self, capture):
        self.capture = capture

    def detach(self):
        self.capture.child.check_alive()
        report = self.capture.finish()
        if not report.hits:
            raise Failed("no probe was hit while it was measured")
        return report


class Script:
    """A bpftrace script with the same information, by the symbols of CPython's functions."""

    name, group = "bpftrace script", FUNCTIONS

    def missing(self, target):
        if not shutil.which("bpftrace"):
            return "bpftrace is not installed: tools/setup.sh bench"
        if not target.python.has_symbols:
            return "it needs symbols of take_gil and drop_gil"
        return None

    def attach(self, target):
        return peers.Bpftrace(target)


class Sampler:
    """A profiler that samples. Its class in peers.py starts it."""

    group = None

    def __init__(self, context, name, program, peer):
        self.context, self.name, self.peer = context, name, peer
        self.program = find_program(program)
        self.package = program

    def missing(self, target):
        if self.program:
            return None
        return "%s is not installed: tools/setup.sh bench" % self.package

    def attach(self, target):
        return self.peer(self.program, target.pid, self.context.new_file("samples"))


def find_program(name):
    """A peer of the environment that tools/setup.sh bench made, else of PATH; None: neither."""
    cache = os.environ.get("GILSCOPE_CACHE", os.path.expanduser("~/.cache/gilscope"))
    folder = os.path.join(cache, "bench", "venv", "bin")
    return shutil.which(name, path=folder) or shutil.which(name)


def mode_way(context, mode):
    return Gilscope(context, "--mode", mode)


def ours(context):
    """The ways whose cost has bars."""
    return [mode_way(context, mode) for mode in MODES]


def all_ways(context):
    """In the order of the table. Without those that have no bar if it has to be quick."""
    found = [Nothing(), EmptyProbes(context), *ours(context)]
    if not context.quick:
        found.append(Gilscope(context, "--probes", "libc", group=LIBC))
    found += [Script(), Sampler(context, "py-spy --gil, 100 Hz", "py-spy", peers.PySpy)]
    if not context.quick:
        found.append(Sampler(context, "austin, 100 Hz", "austin", peers.Austin))
        found.append(Sampler(context, "perf record, 100 Hz", "perf", peers.Perf))
    return found


def scout(context, target):
    """Learns where probes may be in the target, while none is there: target.places, those of
    gilscope; target.sites, those of everybody."""
    for group, options in ((CALL_SITES, ()), (LIBC, ("--probes", "libc"))):
        capture = Capture(context, *options, pids=[target.pid])
        places = capture.finish().places
        wait_for_probes(target, {})
        for _, path, offset in places:
            target.sites.add(group, path, offset)
        if group == CALL_SITES:
            target.places = places
    for _, offset in target.python.functions:
        target.sites.add(FUNCTIONS, target.python.file, offset)


def expected(target, group):
    """What target.sites.probed() says while the group has its probes and nobody else has any."""
    return {group: len(target.sites.groups[group])} if group else {}


def wait_for_probes(target, wanted):
    """Returns when exactly those probes are in the target's code."""
    begin = time.monotonic()
    while target.sites.probed() != wanted:
        waited = time.monotonic() - begin
        if waited > PATIENCE_S:
            check_probes(target, wanted)
        if waited > STIR_AFTER_S and not wanted:
            target.stir()
        time.sleep(POLL_S)


def check_probes(target, wanted):
    """That exactly those probes are there at this instant."""
    seen = target.sites.probed()
    if seen != wanted:
        who = "" if wanted else ": is somebody else watching this interpreter?"
        raise Failed("probes in the target are %s, expected %s%s" % (seen, wanted, who))
