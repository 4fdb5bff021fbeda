# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""gilscope doctor: what it says is what a capture finds, what it blames is what is wrong, and it
touches no process."""

import ctypes
import errno
import os
import platform
import shutil
import signal
import struct
import subprocess

import pytest

import interpreters
import scope
from doctor import Checklist
from scope import process_of
from test_target import code_at
from workload import Workload

MACHINE = {"kernel", "btf", "capabilities", "user-namespace", "pid-namespace", "seccomp", "lockdown", "yama", "memory"}
FEATURES = {"ring-buffer", "tracepoints", "uprobes", "programs", "probe-cost"}
PROCESS = {"process", "interpreter", "file", "container", "shadow-stack", "plan", "gils", "code", "attach"}


@pytest.fixture
def target(one_interpreter, start_workload):
    return start_workload(one_interpreter, "ends.py")


def test_machine():
    said = Checklist()
    assert said.works, said.said
    assert said.ids("ok") >= MACHINE | FEATURES
    machine = said.said["machine"]
    assert (machine["kernel"], machine["arch"]) == (os.uname().release, os.uname().machine)
    cost = machine["ns_per_hit"]
    assert cost["single_stepped"] > cost["emulated"] > 0


def test_it_knows_what_a_capture_finds(interpreter, start_workload, attach):
    workload = start_workload(interpreter, "ends.py")
    said = Checklist(workload.pid)
    capture = attach(workload)
    workload.go()
    report = process_of(capture.report())

    assert said.works, said.said
    doubted = {"plan"} if report["resolution"]["notes"] else set()
    assert said.ids("ok") >= PROCESS - doubted
    assert said.ids("warning") >= doubted
    about = said.target
    for field in ("pid", "ppid", "exe", "cmdline", "python"):
        assert about[field] == report[field]
    assert about["resolution"]["method"] == report["resolution"]["method"]
    assert about["resolution"]["notes"] == report["resolution"]["notes"]
    places = ("role", "file", "offset", "instruction", "emulated")
    assert [[one[place] for place in places] for one in about["probes"]] == [
        [one[place] for place in places] for one in report["probes"]
    ]
    told = ("interpreters", "interpreter_count", "switch_interval_ns")
    assert [[one[name] for name in told] for one in about["gils"]] == [
        [one[name] for name in told] for one in report["gils"]
    ]
    surroundings = about["surroundings"]
    assert surroundings.pop("file") == "same"
    assert surroundings.pop("overlay") in (False, True)
    assert not any(surroundings.values()), surroundings


def probed_at_stops(target, probes, library, *arguments):
    """Runs gilscope, which stops after each link that it makes. For each stop, whether the code of
    the process was changed then."""
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    with subprocess.Popen([scope.PROGRAM, *arguments], env=environment, stdout=subprocess.DEVNULL) as process:
        stops = []
        try:
            while os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]):
                code = [code_at(target.pid, one["file"], one["offset"], 16) for one in probes]
                stops.append(any(in_memory != in_file for in_memory, in_file in code))
                process.send_signal(signal.SIGCONT)
        finally:
            process.kill()
    return stops


def test_the_process_is_not_touched(target, compiled):
    library = compiled("stop_at_probes.c", "-shared", "-fPIC")
    probes = Checklist(target.pid).target["probes"]
    stops = probed_at_stops(target, probes, library, "doctor", "-p", str(target.pid))
    assert len(stops) >= 3  # two measurements of the cost, and the trial on the process's file
    assert not any(stops)
    # The same watch sees a capture.
    assert any(probed_at_stops(target, probes, library, "-p", str(target.pid), "-d", "100ms"))
    assert target.go() == {}


def test_text(target):
    run = scope.run("doctor", "-p", target.pid, "--ascii")
    assert run.returncode == 0 and run.stderr == ""
    assert run.stdout.isascii() and "\033" not in run.stdout
    said = Checklist(target.pid)
    lines = run.stdout.splitlines()
    for check in said.checks.values():
        begin = "  %-7s  %s" % (check["status"], check["title"])
        assert sum(line.startswith(begin) for line in lines) == 1, begin
    for one in said.target["probes"]:
        assert sum("%#x " % one["offset"] in line and one["role"] in line for line in lines) == 1
    assert lines[-1] == "A capture of process %d would work." % target.pid


def test_to_a_file(tmp_path):
    path = tmp_path / "checklist"
    run = scope.run("doctor", "-o", path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert path.read_text(encoding="utf-8").endswith("A capture would work.\n")
    full = scope.run("doctor", "-o", "/dev/full")
    assert full.returncode == 1 and "space" in full.stderr


@pytest.mark.parametrize(
    "arguments", [["-p", "0"], ["-p", "x"], ["-p", "1", "-p", "2"], ["-f", "csv"], ["now"], ["-d", "1"]]
)
def test_wrong_command_line(arguments):
    run = scope.run("doctor", *arguments)
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.startswith("gilscope doctor: ")


def assert_only_the_process_fails(said, cause):
    assert said.ids("failed") == {"process"}
    assert cause in said.checks["process"]["detail"]
    assert set(said.target) == {"pid"}


def test_no_such_process():
    process = subprocess.Popen(["true"])
    process.wait()
    assert_only_the_process_fails(Checklist(process.pid), "no process has PID %d" % process.pid)


def test_not_python():
    process = subprocess.Popen(["sleep", "60"])
    try:
        assert_only_the_process_fails(Checklist(process.pid), "no CPython")
    finally:
        process.kill()
        process.wait()


def test_deleted_interpreter(one_interpreter, tmp_path):
    """As after an upgrade: the running one is used all the same."""
    copy = interpreters.make_renamed(one_interpreter, tmp_path)
    if copy.exe != copy.file:
        pytest.skip("no static interpreter to copy")
    workload = Workload(copy, "ends.py")
    try:
        assert Checklist(workload.pid).target["surroundings"]["file"] == "same"
        os.rename(shutil.copy(copy.exe, tmp_path / "newer"), copy.exe)
        said = Checklist(workload.pid)
        assert said.works, said.said
        assert said.target["surroundings"]["file"] == "gone"
        assert "replaced" in said.checks["file"]["detail"]
    finally:
        workload.kill()


def patch_code(pid, probe):
    """Another instruction of the same length (a call to the place behind it) in place of the probe's."""
    for line in open("/proc/%d/maps" % pid, encoding="utf-8"):
        words = line.split()
        begin, end = (int(word, 16) for word in words[0].split("-"))
        at = begin + probe["offset"] - int(words[2], 16)
        if words[-1] == probe["file"] and "x" in words[1] and begin <= at < end:
            with open("/proc/%d/mem" % pid, "r+b", buffering=0) as memory:
                memory.seek(at)
                memory.write(b"\xe8\0\0\0\0")
            return
    raise AssertionError("not mapped")


def test_patched_code(target):
    patch_code(target.pid, Checklist(target.pid).target["probes"][-1])
    said = Checklist(target.pid)
    assert said.ids("failed") == {"code"}
    assert "patched" in said.checks["code"]["detail"]
    assert scope.run("-p", target.pid, "-d", 30).returncode == 1


def unshare(*options):
    """A prefix for a command in namespaces of its own; a skip where that is not allowed."""
    program = shutil.which("unshare")
    if not program or subprocess.run([program, *options, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare %s is not possible here" % " ".join(options))
    return [program, *options]


def test_target_in_other_namespaces(one_interpreter):
    class Inside(interpreters.Interpreter):
        command = [*unshare("--mount", "--pid", "--fork", "--kill-child"), one_interpreter.exe]

    workload = Workload(Inside(one_interpreter.kind, one_interpreter.exe, one_interpreter.version, one_interpreter.file), "ends.py")
    try:
        with open("/proc/%d/task/%d/children" % (workload.pid, workload.pid), encoding="ascii") as children:
            pid = int(children.read())
        said = Checklist(pid)
        assert said.works, said.said
        surroundings = said.target["surroundings"]
        assert surroundings["mount_namespace"] and surroundings["pid_namespace"]
        assert not surroundings["user_namespace"]
        assert "mount namespace, PID namespace" in said.checks["container"]["detail"]
    finally:
        workload.kill()


def test_without_type_information():
    hide = [*unshare("--mount"), "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"]
    said = Checklist(prefix=hide)
    assert {"btf", "programs"} <= said.ids("failed")
    assert "CONFIG_DEBUG_INFO_BTF" in said.checks["btf"]["advice"]


def test_in_a_user_namespace_of_its_own():
    """Root there has every capability, and none of them counts."""
    said = Checklist(prefix=unshare("--user", "--map-root-user"))
    assert "user-namespace" in said.ids("failed")
    assert "capabilities" not in said.ids("failed")
    assert "programs" in said.ids("failed")
    assert "user namespace" in said.checks["programs"]["detail"]


# A seccomp filter that answers some system calls with an action: struct sock_filter, sock_fprog, and
# the constants of linux/seccomp.h and linux/filter.h.
SYSTEM_CALLS = {
    "x86_64": {"bpf": 321, "perf_event_open": 298, "process_vm_readv": 310},
    "aarch64": {"bpf": 280, "perf_event_open": 241, "process_vm_readv": 270},
}
KILL, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
libc = ctypes.CDLL(None, use_errno=True)


def filter_call(name, action):
    """A function for preexec_fn that makes the process live under that filter."""
    number = SYSTEM_CALLS[platform.machine()][name]
    program = b"".join(
        [
            struct.pack("HBBI", 0x20, 0, 0, 0),  # load the number
            struct.pack("HBBI", 0x15, 0, 1, number),  # equal: next, else one further
            struct.pack("HBBI", 0x06, 0, 0, action),
            struct.pack("HBBI", 0x06, 0, 0, ALLOW),
        ]
    )
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HP", len(program) // 8, ctypes.addressof(code))

    def apply():
        assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0

    apply.keep = code
    return apply


@pytest.mark.parametrize("action", [ERRNO | errno.EPERM, ERRNO | errno.ENOSYS, KILL], ids=["EPERM", "ENOSYS", "kill"])
def test_seccomp_denies_bpf(target, action):
    """Told from a missing capability, and survived where the filter kills."""
    said = Checklist(target.pid, preexec_fn=filter_call("bpf", action))
    assert "seccomp" in said.ids("failed")
    assert "bpf" in said.checks["seccomp"]["detail"]
    assert "capabilities" not in said.ids("failed")
    assert {"ring-buffer", "tracepoints", "uprobes", "programs", "attach"} <= said.ids("failed")


@pytest.mark.parametrize("action", [ERRNO | errno.EPERM, KILL], ids=["EPERM", "kill"])
def test_seccomp_denies_reading(target, action):
    said = Checklist(target.pid, preexec_fn=filter_call("process_vm_readv", action))
    assert said.ids("failed") == {"seccomp"}
    assert "process_vm_readv" in said.checks["seccomp"]["detail"]


def test_seccomp_that_does_not_matter(target):
    """uprobe_multi needs no perf events; a kernel without it does."""
    said = Checklist(target.pid, preexec_fn=filter_call("perf_event_open", ERRNO | errno.EPERM))
    if said.checks["uprobes"]["detail"].startswith("uprobe_multi"):
        assert said.works and said.ids("warning") == {"seccomp"}
    else:
        assert {"seccomp", "uprobes"} <= said.ids("failed")


@pytest.mark.parametrize("name", ["bpf", "perfmon"])
def test_a_capability_is_missing(target, name):
    setpriv = shutil.which("setpriv")
    if not setpriv:
        pytest.skip("no setpriv")
    dropped = "-%s,-sys_admin" % name
    said = Checklist(target.pid, prefix=[setpriv, "--bounding-set=" + dropped, "--inh-caps=" + dropped])
    assert {"capabilities", "programs"} <= said.ids("failed")
    assert "without CAP_%s " % name.upper() in said.checks["capabilities"]["detail"]
    assert "setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep" in said.checks["capabilities"]["advice"]
    assert "CAP_%s is missing" % name.upper() in said.checks["programs"]["detail"]
