# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""One line that says what was measured on what."""

import os
import platform
import re

import pythons
from children import Failed, output_of
from ways import find_program

PEERS = ("bpftrace", "py-spy", "austin", "perf")


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return None
    return found and found[1].strip()


def processor():
    return first_match("/proc/cpuinfo", r"^model name\s*:(.*)") or platform.machine()


def virtualization():
    """The name of the hypervisor, or what is known of it."""
    try:
        return output_of(["systemd-detect-virt", "--vm"]).strip()
    except Failed:
        flagged = first_match("/proc/cpuinfo", r"^flags\s*:.*\b(hypervisor)\b")
        return "a virtual machine" if flagged else "no virtual machine"


def version_of(name):
    """The version of a peer; those that are missing have rows that say so."""
    program = find_program(name)
    if not program:
        return None
    try:
        said = output_of([program, "--version"])
    except Failed:
        return None
    number = re.search(r"\d[\w.]*", said)
    return "%s %s" % (name, number[0] if number else "of some version")


def line(context):
    everyone = {one.name: one for one in (pythons.main(), pythons.debian()) if one}
    versions = [version for version in map(version_of, PEERS) if version]
    load = "load %.2f at the start" % os.getloadavg()[0]
    own = output_of([context.gilscope, "--version"]).strip()
    parts = ["Linux " + os.uname().release, processor(), "%d CPUs" % os.cpu_count()]
    return ", ".join([*parts, virtualization(), *everyone, own, *versions, load])
