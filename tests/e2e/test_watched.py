# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Targets that are sandboxed, hidden, stopped, traced, or beside others of the same file. Each test
is a cell of the table that the run prints at its end."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

import containers
import scope
from container_checks import (
    AS_NOBODY,
    HOLDS,
    capture_and_check,
    capture_inside,
    check,
    check_holder,
    known_interpreter,
    need,
    public,
    refuse,
    start_inside,
)
from containers import contained, namespaces, shell
from lines import LineReader
from scope import hits, process_of
from test_target import code_at, sites

# bpf(BPF_LINK_CREATE) fails as on a kernel that has no such links: perf events it must be.
BPF, LINK_CREATE, EINVAL = {"x86_64": 321, "aarch64": 280}[os.uname().machine], 28, 22
WITHOUT_LINKS = (sys.executable, containers.workload.script("seccomp.py"), BPF, LINK_CREATE, EINVAL)


@pytest.fixture(params=["links", "perf_events"])
def attach_by(request, capture_inside):
    """attach_by(target, arguments...) -> Capture by that kind of probes, which counts already."""

    def start(target, *arguments):
        prefix = map(str, WITHOUT_LINKS) if request.param == "perf_events" else ()
        capture = capture_inside(tuple(prefix), target.pid, *arguments).wait_started()
        kinds = [os.readlink(one) for one in pathlib.Path("/proc/%d/fd" % capture.process.pid).iterdir()]
        probes = kinds.count("anon_inode:[perf_event]")
        if request.param == "perf_events":
            assert probes >= 3, kinds
        elif probes:
            pytest.skip("the kernel has no uprobe_multi links")
        return capture

    return start


def assert_breakpoints_only(target, report, before):
    """At each site the probe is a breakpoint, the rest of the instruction is as before, and the
    kernel has no page in the process: for return probes, for instructions that it steps, or for
    probes that it has turned into calls (Linux 6.18, of 5-byte nops), which are system calls."""
    assert all(one["emulated"] for one in process_of(report)["probes"])
    assert before
    for (file, offset), (in_memory, in_file) in before.items():
        assert in_memory[1:] == in_file[1:] and in_memory[0] != in_file[0]
        if os.uname().machine == "x86_64":
            assert in_memory[0] == 0xCC
    assert "[uprobes" not in pathlib.Path("/proc/%d/maps" % target.pid).read_text()


def code_at_sites(pid, probes):
    return {one: code_at(pid, *one, 4) for one in probes}


@pytest.fixture(scope="session")
def sites_of():
    """sites_of(target, arguments...): (file, offset) of the probes that its interpreter gets."""
    known = {}

    def find(target, *arguments):
        key = (os.readlink("/proc/%d/exe" % target.pid), arguments)
        if key not in known:
            run = scope.run("-p", target.pid, "-d", "10ms", "-f", "json", *arguments)
            known[key] = sites(json.loads(run.stdout))
        return known[key]

    return find


@pytest.mark.parametrize("method", ["call-sites", "libc"])
def test_seccomp_filter_that_allows_nothing_new(method, start_inside, attach_by, sites_of):
    """What it did before it may do, and nothing else; to be profiled is nothing else."""
    arguments = ("--probes", "libc") if method == "libc" else ()
    target = start_inside(known_interpreter("static"))
    with_probes = sites_of(target, *arguments)
    target.tell("sandbox")
    target.expect("DONE")
    capture = attach_by(target, *arguments)
    during = code_at_sites(target.pid, with_probes)
    truth = target.go()
    assert containers.status_field(target.pid, "Seccomp") == ["2"]
    report = capture.report()
    check(target, report, truth)
    assert sites(report) == with_probes
    assert_breakpoints_only(target, report, during)
    assert target.go()["holds"] == HOLDS[2]
    assert target.quit() == 0


def test_the_seccomp_filter_kills(start_inside):
    """Or the test above would show nothing."""
    target = start_inside(known_interpreter("static"))
    target.tell("sandbox")
    target.expect("DONE")
    target.tell("forbidden")
    assert target.process.wait(60) == -signal.SIGSYS


def test_another_process_of_the_same_file(start_inside, attach_by, sites_of):
    """It is not probed: its code stays as it is."""
    python = known_interpreter("shared")
    target, bystander = start_inside(python), start_inside(python)
    with_probes = sites_of(target)
    capture = attach_by(target)
    both = [code_at_sites(one.pid, with_probes) for one in (target, bystander)]
    bystander.go()
    truth = target.go()
    report = capture.report()
    check(target, report, truth)
    assert sites(report) == with_probes
    assert_breakpoints_only(target, report, both[0])
    assert all(in_memory == in_file for in_memory, in_file in both[1].values())
    assert hits(report, "acquire") < 2 * truth["holds"]


def test_shadow_stack(start_inside, public, attach):
    """The kernel's word for it in /proc/PID/status, put there for gilscope to read: few machines
    have shadow stacks."""
    target = start_inside(known_interpreter("static"))
    status = "/proc/%d/status" % target.pid
    fake = public / "status"
    bind = (*namespaces("--mount"), *shell("mount --bind %s %s" % (fake, status)))
    real = pathlib.Path(status).read_text(encoding="utf-8")
    fake.write_text(real)
    need(*bind, "true")
    fake.write_text(real + "x86_Thread_features:\tshstk wrss \n")
    refuse(target.pid, "shadow stack", prefix=bind)


def test_shadow_stack_that_is_off(start_inside, public, capture_inside):
    """What is locked is not what is on."""
    target = start_inside(known_interpreter("static"))
    status = "/proc/%d/status" % target.pid
    fake = public / "status"
    bind = (*namespaces("--mount"), *shell("mount --bind %s %s" % (fake, status)))
    fake.write_text(
        pathlib.Path(status).read_text(encoding="utf-8")
        + "x86_Thread_features:\t\nx86_Thread_features_locked:\tshstk wrss \n"
    )
    need(*bind, "true")
    capture = capture_inside(bind, target.pid).wait_started()
    truth = target.go()
    check(target, capture.report(), truth)


HIDDEN = shell("mount -t proc -o hidepid=2 proc /proc")


def test_hidden_processes(start_inside, capture_inside):
    """Of a /proc that hides the processes of others; root sees them."""
    need(*namespaces("--mount"), *HIDDEN, "true")
    target = start_inside(contained(known_interpreter("static"), *AS_NOBODY))
    capture = capture_inside((*namespaces("--mount"), *HIDDEN), target.pid).wait_started()
    truth = target.go()
    check(target, capture.report(), truth)


def test_hidden_from_us(start_inside, public):
    """A process that is hidden is not one that is missing: to a user who may do all but look."""
    caps = ("--inh-caps=+bpf,+perfmon", "--ambient-caps=+bpf,+perfmon")
    prefix = (*namespaces("--mount"), *HIDDEN, *AS_NOBODY, *caps)
    need(*prefix, "true")
    shutil.copy(scope.PROGRAM, public / "gilscope")
    target = start_inside(known_interpreter("static"))
    refuse(target.pid, "hidepid", prefix=prefix, program=public / "gilscope")


def test_stopped(start_inside, attach):
    """Whoever holds the GIL while all are stopped holds it all the time."""
    target = start_inside(known_interpreter("static"))
    os.kill(target.pid, signal.SIGSTOP)
    check_holder(target, attach(target, "-d", "0.2").report(stop=False))
    capture = attach(target)
    os.kill(target.pid, signal.SIGCONT)
    truth = target.go()
    check(target, capture.report(), truth)


def wait_traced(pid):
    """Returns when the process has a tracer."""
    deadline = time.monotonic() + 30
    while containers.status_field(pid, "TracerPid") == ["0"]:
        assert time.monotonic() < deadline, "nobody traces it"
        time.sleep(0.01)


def test_traced_by_strace(start_inside, attach, tmp_path):
    """Each of its system calls is seen, and none of them is the kernel's own for probes."""
    need("strace", "--version")
    target = start_inside(known_interpreter("static"))
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", trace, "-p", str(target.pid)], stderr=subprocess.DEVNULL
    )
    try:
        wait_traced(target.pid)
        report = capture_and_check(target, attach)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    calls = {line.split()[1].split("(")[0] for line in trace.read_text().splitlines()}
    assert {"clock_nanosleep", "futex"} <= calls
    assert not {"uretprobe", "uprobe", "syscall_0x14f", "syscall_0x150"} & calls
    assert hits(report, "release") >= HOLDS[2]


def wait_running(pid):
    """Returns when no tracer keeps the process stopped any more."""
    deadline = time.monotonic() + 30
    while containers.status_field(pid, "State")[0] in "tT":
        assert time.monotonic() < deadline, "it stays stopped"
        time.sleep(0.01)


def test_traced_by_gdb(start_inside, attach):
    """gdb lets it go on, and no signal of our probes comes to it."""
    need("gdb", "--version")
    target = start_inside(known_interpreter("static"))
    commands = ["-ex", "echo going on\\n", "-ex", "continue"]
    tracer = subprocess.Popen(
        ["gdb", "-q", "-nx", "-batch", "-p", str(target.pid), *commands],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    reader = LineReader(tracer.stdout.fileno(), "gdb")
    try:
        while reader.read(60) != "going on":
            assert not reader.closed, reader.seen
        wait_running(target.pid)
        capture_and_check(target, attach)
        target.kill()
        said = "\n".join(reader.rest(60))
    finally:
        tracer.kill()
        tracer.wait()
        tracer.stdout.close()
    assert "Program terminated with signal SIGKILL" in said, said
    assert "received signal" not in said, said
