# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Without root: the smallest sets of capabilities with which a capture works, and what is said where
one of them is missing. gilscope doctor must say the same each time."""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import interpreters
import scope
import workload
from doctor import Checklist

US, OTHER = 65534, 65533
YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
# By the kernel's way to attach, and by whose process it is.
NEEDED = {
    ("uprobe_multi", US): ("bpf", "perfmon"),
    ("uprobe_multi", OTHER): ("bpf", "perfmon", "sys_ptrace"),
    ("perf events", US): ("sys_admin",),
    ("perf events", OTHER): ("sys_admin", "sys_ptrace"),
}
# CAP_SYS_ADMIN stands in for these two: without it they are what is said to be missing.
INSTEAD = {"sys_admin": "CAP_BPF and CAP_PERFMON", "bpf": "CAP_BPF", "perfmon": "CAP_PERFMON", "sys_ptrace": "CAP_SYS_PTRACE"}


def as_user(user, capabilities=()):
    """A command prefix: a user that is not root, with these capabilities and no other."""
    setpriv = shutil.which("setpriv")
    if not setpriv:
        pytest.skip("no setpriv")
    given = ["+" + one for one in capabilities]
    prefix = [setpriv, "--reuid=%d" % user, "--regid=%d" % user, "--clear-groups", "--no-new-privs"]
    prefix += ["--inh-caps=" + ",".join(["-all", *given])]
    return prefix + (["--ambient-caps=" + ",".join(given)] if given else [])


@pytest.fixture(scope="module")
def public():
    """A folder that every user may enter, with the program and the workloads in it."""
    with tempfile.TemporaryDirectory(prefix="gilscope-") as folder:
        public = pathlib.Path(folder)
        public.chmod(0o755)
        shutil.copy(scope.PROGRAM, public / "gilscope")
        shutil.copytree(workload.SCRIPTS, public / "workloads")
        for path in public.rglob("*"):
            path.chmod(0o755)
        yield public


@pytest.fixture(autouse=True)
def public_program(public, monkeypatch):
    if subprocess.run([*as_user(US), public / "gilscope", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("another user cannot run a program in %s" % public)
    monkeypatch.setattr(scope, "PROGRAM", str(public / "gilscope"))


@pytest.fixture(scope="module")
def python():
    """An interpreter that other users may run; the first one is the system's."""
    for one in interpreters.installed()[0]:
        if not subprocess.run([*as_user(US), one.exe, "-c", ""], capture_output=True, check=False).returncode:
            return one
    pytest.skip("no CPython that another user than root may run")


@pytest.fixture
def process(python, public, start_workload):
    """process(user) -> a workload that runs as that user."""

    def start(user):
        @dataclasses.dataclass(frozen=True)
        class AsUser(interpreters.Interpreter):
            command = [*as_user(user), python.exe]

        theirs = AsUser(**dataclasses.asdict(python))
        return start_workload(theirs, public / "workloads" / "gil_cycles.py", 2, 2000)

    return start


@pytest.fixture(scope="module")
def without_multi(compiled, public):
    """The library that takes uprobe_multi away."""
    return shutil.copy(compiled("no_uprobe_multi.c", "-shared", "-fPIC"), public / "no_uprobe_multi.so")


@pytest.fixture(params=["uprobe_multi", "perf events"])
def kernel(request, monkeypatch):
    """This kernel, and this kernel without uprobe_multi."""
    if request.param == "perf events":
        # Not inherited over a change of user that gives privileges; ambient capabilities are none.
        monkeypatch.setenv("LD_PRELOAD", str(request.getfixturevalue("without_multi")))
    detail = Checklist().checks["uprobes"]["detail"]
    if not detail.startswith(request.param):
        pytest.skip("the kernel has no uprobe_multi")
    return request.param


@pytest.fixture(params=[US, OTHER], ids=["own process", "another user's process"])
def owner(request):
    if request.param == US and YAMA.exists() and YAMA.read_text(encoding="ascii").strip() != "0":
        pytest.skip("kernel.yama.ptrace_scope asks for CAP_SYS_PTRACE for one's own processes too")
    return request.param


def assert_captures(start_capture, target, prefix):
    """A whole report, with the truth in it."""
    capture = start_capture(pid=target.pid, prefix=prefix).wait_started()
    cycles = target.go()["cycles"]
    gil = scope.gil_of(capture.report())
    assert cycles <= gil["holds"] <= cycles + 200
    assert gil["switch_interval_ns"] > 0


def test_the_smallest_set(kernel, owner, process, start_capture):
    target, prefix = process(owner), as_user(US, NEEDED[kernel, owner])
    said = Checklist(target.pid, prefix=prefix)
    assert said.works, said.said
    assert said.ids("warning") <= {"capabilities"}
    assert_captures(start_capture, target, prefix)


def test_each_of_it_is_needed(kernel, owner, process):
    target, needed = process(owner), NEEDED[kernel, owner]
    for missing in needed:
        prefix = as_user(US, [one for one in needed if one != missing])
        run = subprocess.run(
            [*prefix, scope.PROGRAM, "-p", str(target.pid), "-d", "30"], capture_output=True, text=True, check=False
        )
        assert (run.returncode, run.stdout) == (1, ""), missing
        assert len(run.stderr.splitlines()) == 1
        named = INSTEAD[missing] + (" are missing" if " " in INSTEAD[missing] else " is missing")
        assert named in run.stderr, missing
        said = Checklist(target.pid, prefix=prefix)
        assert not said.works, missing
        assert INSTEAD[missing].split()[0] in said.checks["capabilities"]["detail"].split("; without", 1)[1]
    assert target.go()


def test_perf_events_without_sys_admin(process, without_multi, monkeypatch, start_capture):
    """Kernels before the fix of CVE-2025-38466 let CAP_PERFMON do it; the others name what they want."""
    monkeypatch.setenv("LD_PRELOAD", str(without_multi))
    target, prefix = process(US), as_user(US, ("bpf", "perfmon", "sys_ptrace"))
    said = Checklist(target.pid, prefix=prefix)
    if said.works:
        assert_captures(start_capture, target, prefix)
        return
    assert {"capabilities", "uprobes"} <= said.ids("failed")
    assert "setcap cap_sys_admin,cap_sys_ptrace+ep" in said.checks["capabilities"]["advice"]
    run = subprocess.run(
        [*prefix, scope.PROGRAM, "-p", str(target.pid), "-d", "30"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1 and run.stdout == ""
    assert "CAP_SYS_ADMIN is missing" in run.stderr


@pytest.mark.parametrize("owner", [US, OTHER], ids=["own process", "another user's process"])
def test_capabilities_of_the_file(owner, public, process, start_capture, monkeypatch):
    """setcap, as the README has it. The kernel makes such a process unreadable, also in /proc/self."""
    setcap = shutil.which("setcap", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not setcap:
        pytest.skip("no setcap")
    program = public / "gilscope-with-capabilities"
    shutil.copy(scope.PROGRAM, program)
    asked = "cap_bpf,cap_perfmon,cap_sys_ptrace+ep"
    if "uprobe_multi" not in Checklist().checks["uprobes"]["detail"]:
        asked = "cap_sys_admin,cap_sys_ptrace+ep"
    done = subprocess.run([setcap, asked, program], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no file capabilities here: %s" % done.stderr.strip())
    monkeypatch.setattr(scope, "PROGRAM", str(program))
    target, prefix = process(owner), [word for word in as_user(US) if word != "--no-new-privs"]
    said = Checklist(target.pid, prefix=prefix)
    assert said.works, said.said
    assert said.said["machine"]["ns_per_hit"]["emulated"]
    assert_captures(start_capture, target, prefix)


def test_file_capabilities_that_do_not_count():
    """no_new_privs, as containers and services set it: setcap is no advice then."""
    said = Checklist(prefix=as_user(US))
    assert "no_new_privs" in said.checks["capabilities"]["advice"]


@pytest.mark.parametrize("owner", [US, OTHER], ids=["own process", "another user's process"])
def test_upgraded_interpreter(owner, python, public, tmp_path_factory):
    """The file that a process runs is gone from its path: only map_files has it."""
    if YAMA.exists() and YAMA.read_text(encoding="ascii").strip() != "0":
        pytest.skip("kernel.yama.ptrace_scope is not 0")
    copy = interpreters.make_renamed(python, public)
    if copy.exe != copy.file:
        pytest.skip("no static interpreter to copy")
    pathlib.Path(copy.exe).chmod(0o755)

    @dataclasses.dataclass(frozen=True)
    class AsUser(interpreters.Interpreter):
        command = [*as_user(owner), copy.exe]

    target = workload.Workload(AsUser(**dataclasses.asdict(copy)), public / "workloads" / "ends.py")
    try:
        os.remove(copy.exe)
        few = ("bpf", "perfmon", "sys_ptrace")
        wanted = ("checkpoint_restore",) if owner == US else ("checkpoint_restore", "dac_read_search")
        said = Checklist(target.pid, prefix=as_user(US, few))
        assert "process" in said.ids("failed")
        detail = said.checks["process"]["detail"]
        assert "deleted or replaced" in detail
        for one in wanted:
            assert "CAP_" + one.upper() in detail
        said = Checklist(target.pid, prefix=as_user(US, few + wanted))
        assert "process" not in said.ids("failed")
        assert said.target["surroundings"]["file"] == "gone"
    finally:
        target.kill()


def test_unreadable_interpreter(python, public):
    """A file that our user may not read."""
    copy = interpreters.make_renamed(python, public)
    if copy.exe != copy.file:
        pytest.skip("no static interpreter to copy")
    pathlib.Path(copy.exe).chmod(0o700)
    target = workload.Workload(copy, public / "workloads" / "ends.py")
    try:
        few = ("bpf", "perfmon", "sys_ptrace")
        said = Checklist(target.pid, prefix=as_user(US, few))
        assert "CAP_DAC_READ_SEARCH is missing" in said.checks["process"]["detail"]
        said = Checklist(target.pid, prefix=as_user(US, few + ("dac_read_search",)))
        assert "process" not in said.ids("failed")
    finally:
        target.kill()
