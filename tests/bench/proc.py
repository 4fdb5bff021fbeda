# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What /proc tells of a process: its memory, its time, and whether its code has breakpoints."""

import os
import re

from children import Failed

NS_PER_TICK = 10**9 // os.sysconf("SC_CLK_TCK")
LONGEST_INSTRUCTION = 4  # bytes that a breakpoint may change: 1 on x86, 4 on arm64


def status_number(pid, name):
    """A number of /proc/PID/status, e.g. VmRSS (kB)."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
        return int(re.search(r"^%s:\s+(\d+)" % name, file.read(), re.M)[1])


def rss_bytes(pid):
    return status_number(pid, "VmRSS") * 1024


def cpu_ticks_ns(pid):
    """utime + stime, in steps of a clock tick (10 ms as a rule)."""
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * NS_PER_TICK


def run_ns(pid):
    """Time on a CPU of all its threads that live, exact; 0 where the kernel does not count it."""
    return sum(read_schedstat(pid, tid) for tid in os.listdir("/proc/%d/task" % pid))


def major_faults(pid):
    """How often it had to wait for a page that was read from a file."""
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        return int(file.read().rsplit(")", 1)[1].split()[9])


def mapped_files(pid):
    """The regular files that it has in its memory, as paths of this process."""
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as file:
        paths = {line.split(None, 5)[5].strip() for line in file if " /" in line}
    return {path for path in paths if os.path.isfile(path)}


def drop_from_page_cache(paths):
    """The kernel forgets what it has of the files, but for pages in a process's memory."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)  # a page that is not yet written stays
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def read_schedstat(pid, tid):
    try:
        with open("/proc/%d/task/%s/schedstat" % (pid, tid), encoding="ascii") as file:
            return int(file.read().split()[0])
    except OSError:
        return 0


def context_switches(pid):
    """Voluntary ones: how often it woke up, over all threads that live."""
    total = 0
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, tid), encoding="ascii") as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1])
    return total


def address_of(pid, path, offset):
    """Where the process has the byte of a file (path as in its maps) as code."""
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as file:
        for line in file:
            fields = line.split(None, 5)
            if len(fields) < 6 or fields[5].strip() != path or "x" not in fields[1]:
                continue
            begin, end = (int(word, 16) for word in fields[0].split("-"))
            start = int(fields[2], 16)
            if start <= offset < start + end - begin:
                return begin + offset - start
    raise Failed("process %d has no code of %s at %#x" % (pid, path, offset))


class Sites:
    """Places in a process's code, in named groups, and whether probes are on them: a uprobe is a
    breakpoint, so the memory differs from the file then, whoever has put it there."""

    def __init__(self, pid):
        self.memory = open("/proc/%d/mem" % pid, "rb", buffering=0)
        self.pid = pid
        self.groups = {}

    def add(self, group, path, offset):
        """path: as in the process's maps; offset: in the file."""
        address = address_of(self.pid, path, offset)
        with open("/proc/%d/root%s" % (self.pid, path), "rb") as file:
            original = os.pread(file.fileno(), LONGEST_INSTRUCTION, offset)
        self.groups.setdefault(group, []).append((address, original))

    def read(self, address):
        return os.pread(self.memory.fileno(), LONGEST_INSTRUCTION, address)

    def probed(self):
        """{group: how many of its places have a breakpoint}, without zeros."""
        counts = {
            group: sum(self.read(address) != original for address, original in places)
            for group, places in self.groups.items()
        }
        return {group: count for group, count in counts.items() if count}

    def close(self):
        self.memory.close()
