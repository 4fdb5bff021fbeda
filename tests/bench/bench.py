#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What the probes cost: added time of an uncontended GIL cycle, all ways to probe in turn on one process.

bench.py BUILD_DIR [ROUNDS]. The ways are interleaved (A B C A B C ...) on the same process and measured while attached, so that a
machine whose speed drifts does not favour one of them; medians and quartiles of the rounds are printed.
"""
import glob
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 9
WARM_UP, BATCHES = 2, 5


class Process:
    """A child whose stdin keeps it alive."""

    def __init__(self, argv, ready=None, stderr=None, env=None):
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      stderr=stderr or subprocess.DEVNULL, env=env)
        if ready:
            source = self.child.stderr if stderr else self.child.stdout
            for line in source:
                if ready in line:
                    return
            raise RuntimeError(f"{argv[0]} ended before it was ready")

    def end(self, by_signal=None):
        if by_signal:
            self.child.send_signal(by_signal)
        out, _ = self.child.communicate()
        return out


def has_symbol(path, name):
    """Whether bpftrace could find the function."""
    text = subprocess.run(["nm", path], capture_output=True, text=True).stdout
    return any(line.split()[-1] == name for line in text.splitlines() if line)


def find_python():
    """A CPython with symbols, in which the peer's script works too; else the system's."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for exe in sorted(glob.glob(os.path.join(root, "versions", "3.*", "bin", "python3"))):
        prefix = os.path.dirname(os.path.dirname(exe))
        for lib in glob.glob(os.path.join(prefix, "lib", "libpython3.*.so.1.0")):
            if "3.11" in lib and has_symbol(lib, "take_gil") and has_symbol(lib, "drop_gil"):
                return exe, lib
    return "/usr/bin/python3", None


def start_gilscope(pid, report, *options):
    return Process([f"{BUILD}/gilscope", "-v", "-p", str(pid), "-f", "json", "-o", report, *options],
                   ready="capturing", stderr=subprocess.PIPE)


def bpftrace_script(lib, pid):
    """The same information: acquires, releases and waits, by the functions' symbols."""
    return f"""
        BEGIN {{ printf("attached\\n"); }}
        uprobe:{lib}:take_gil /pid == {pid}/ {{ @asked[tid] = nsecs; }}
        uretprobe:{lib}:take_gil /@asked[tid]/ {{ @wait[tid] = hist(nsecs - @asked[tid]); @took[tid] = nsecs; }}
        uprobe:{lib}:drop_gil /@took[tid]/ {{ @hold[tid] = hist(nsecs - @took[tid]); delete(@took[tid]); }}
    """


def run_batches(workload, count):
    """Asks for each batch, so that none began before the probes were there."""
    times = []
    for _ in range(count):
        workload.child.stdin.write("\n")
        workload.child.stdin.flush()
        times.append(float(workload.child.stdout.readline()))
    return times


def ways(pid, lib, sites, report):
    """name -> function that attaches and returns a function that detaches."""
    path = f"/proc/{pid}/root{sites[0]['file']}"
    offsets = [str(s["offset"]) for s in sites if s["role"] != "wait"]

    def nothing():
        return lambda: None

    def empty():
        p = Process([f"{BUILD}/bench/empty_probes", f"{BUILD}/bench/empty.bpf.o", str(pid), path, *offsets],
                    ready="attached")
        return p.end

    def gilscope(*options):
        p = start_gilscope(pid, report, *options)
        return lambda: p.end(signal.SIGINT)

    def bpftrace():
        p = Process(["bpftrace", "-B", "line", "-e", bpftrace_script(lib, pid)], ready="attached")
        time.sleep(1)  # it says so before its probes are there, and says nothing later
        return lambda: p.end(signal.SIGINT)

    found = {"nothing": nothing, "empty probes": empty, "gilscope": gilscope,
             "gilscope --probes libc": lambda: gilscope("--probes", "libc")}
    if lib and shutil.which("bpftrace"):
        found["bpftrace script"] = bpftrace
    return found


def quartiles(values):
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def main():
    exe, lib = find_python()
    workload = Process([exe, os.path.join(HERE, "cycles.py")])
    run_batches(workload, WARM_UP)
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        measure(workload, lib, report.name)
    workload.end()


def measure(workload, lib, report):
    pid = workload.child.pid
    p = start_gilscope(pid, report)
    run_batches(workload, 1)
    p.end(signal.SIGINT)
    with open(report) as f:
        process = json.load(f)["processes"][0]
    sites = [s for s in process["probes"] if s["hits"]]
    attach = ways(pid, lib, sites, report)
    added = {name: [] for name in attach}
    for turn in range(ROUNDS):
        base = None
        for name, way in attach.items():
            detach = way()
            run_batches(workload, WARM_UP)
            ns = statistics.median(run_batches(workload, BATCHES))
            detach()
            base = ns if name == "nothing" else base
            added[name].append(ns if name == "nothing" else ns - base)
    show(process, added)
    show_tool(report, added)


def show(process, added):
    limit = statistics.median(added["empty probes"])
    python = process["python"]
    print(f"\nOne uncontended GIL cycle of CPython {python['version']} ({python['linkage']}), {ROUNDS} interleaved rounds:\n")
    print(f"{'attached':24} {'added ns: median':>17} {'quartiles':>15} {'x empty probes':>15}")
    for name, values in added.items():
        low, high = quartiles(values)
        median = statistics.median(values)
        ratio = "" if name == "nothing" else f"{median / limit:.2f}"
        label = "nothing (the cycle)" if name == "nothing" else name
        print(f"{label:24} {median:17.0f} {low:7.0f} - {high:5.0f} {ratio:>15}")


def show_tool(report, added):
    with open(report) as f:
        last = json.load(f)
    gil = last["processes"][0]["gils"][0]
    over = last["overhead"]
    million = gil["holds"] / 1e6
    print(f"\ngilscope itself: {over['tool_cpu_ns'] / 1e9:.2f} s CPU for {million:.2f} million holds, "
          f"{over['tool_max_rss_bytes'] / 2**20:.1f} MiB; a hit was calibrated as {over['ns_per_hit']} ns; "
          f"losses {sum(last['losses'].values())}")
    print(f"machine: {os.uname().release}, {os.cpu_count()} CPUs; "
          f"bench used {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.1f} s CPU")


if __name__ == "__main__":
    main()
