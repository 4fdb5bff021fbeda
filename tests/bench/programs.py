# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""The BPF programs: their instructions in the object, and what the kernel makes of them when they
are loaded."""

import os
import re

import instructions
import peers
import pythons
import tables
import targets
from capture import Capture
from section import Section
from targets import closing


def program_ids(pid):
    """Ids of the BPF programs that a process holds open."""
    ids = []
    for name in os.listdir("/proc/%d/fdinfo" % pid):
        with open("/proc/%d/fdinfo/%s" % (pid, name), encoding="ascii") as file:
            found = re.search(r"^prog_id:\s*(\d+)", file.read(), re.M)
        if found and os.readlink("/proc/%d/fd/%s" % (pid, name)) == "anon_inode:bpf-prog":
            ids.append(int(found[1]))
    return ids


class Programs(Section):
    """A table of their instructions."""

    name = "programs"

    def __init__(self, context):
        super().__init__(context)
        self.counts, self.loaded = {}, {}

    def run(self):
        for path in sorted((self.context.build / "gen").glob("*.bpf.o")):
            self.counts.update(instructions.count(path))
        self.loaded = self.load()

    def load(self):
        """{name: (instructions in the kernel, bytes of machine code)} while a capture runs."""
        with closing(targets.Script(pythons.main(), "sleeper.py")) as (target,):
            capture = Capture(self.context, pids=[target.pid])
            shown = [peers.bpftool("prog", "show", "id", one) for one in program_ids(capture.pid)]
            capture.finish()
        size = instructions.INSTRUCTION
        return {
            one["name"]: (one["bytes_xlated"] // size, one.get("bytes_jited", ""))
            for one in shown
            if "name" in one
        }

    def tables(self):
        title = "BPF programs and the functions that they call"
        header = ["function", "instructions", "in the kernel", "bytes of machine code"]
        rows = []
        for name, number in self.counts.items():
            # The kernel keeps 15 bytes of a name.
            kernel, machine = self.loaded.get(name[:15], ("", ""))
            rows.append([name, str(number), str(kernel), str(machine)])
        return [tables.Table(title, header, rows)]
