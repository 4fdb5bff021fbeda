# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What gilscope cannot do: one clear message on stderr, nothing on stdout, the right exit status,
nothing left behind."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

import interpreters
import scope
from workload import Workload

INPUT, USAGE = 1, 2


def refuse(status, *arguments, cause, **options):
    """Runs gilscope, which must fail at once with a message that the regular expression matches."""
    begin = time.monotonic()
    run = scope.run(*arguments, **options)
    assert run.returncode == status, (run.returncode, run.stderr)
    assert run.stdout == ""
    lines = run.stderr.strip().splitlines()
    assert 1 <= len(lines) <= 2, run.stderr
    assert lines[0].startswith("gilscope: "), run.stderr
    assert re.search(cause, run.stderr), run.stderr
    # It did not begin to capture for the 30 s that the callers ask for.
    assert time.monotonic() - begin < 15
    return run


@pytest.fixture
def target(one_interpreter, start_workload):
    return start_workload(one_interpreter, "ends.py")


@pytest.fixture
def sleeper():
    """A process that is not Python."""
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


def free_pid():
    """A PID that no process has."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_no_such_process():
    pid = free_pid()
    refuse(INPUT, "-p", pid, "-d", 30, cause="%d" % pid)


def test_not_python(sleeper):
    refuse(INPUT, "-p", sleeper, "-d", 30, cause="%d.*(?i:not .*python|no (c?)python)" % sleeper)


def test_kernel_thread():
    refuse(INPUT, "-p", 2, "-d", 30, cause="2")


@pytest.mark.parametrize("pid", ["0", "-1", "abc", "12x", "99999999999", ""])
def test_garbage_pid(pid):
    refuse(USAGE, "-p", pid, "-d", 30, cause="(?i)pid")


BAD_DURATIONS = ["0", "-1", "-5s", "abc", "5 parsecs", "0ms", "1e400", "nan", ""]


@pytest.mark.parametrize("duration", BAD_DURATIONS)
def test_bad_duration(target, duration):
    refuse(USAGE, "-p", target.pid, "--duration=" + duration, cause="(?i)duration")


@pytest.mark.parametrize("interval", ["0", "-1", "abc"])
def test_bad_interval(target, interval):
    option = "--interval=" + interval
    refuse(USAGE, "-p", target.pid, "-d", 30, option, cause="(?i)interval|duration")


@pytest.mark.parametrize("size", ["0", "-4096", "abc", "4096Q", "99999999999999999999"])
def test_bad_ring_size(target, size):
    refuse(USAGE, "-p", target.pid, "-d", 30, "--ring-size=" + size, cause="(?i)ring")


def test_unknown_format(target):
    run = refuse(USAGE, "-p", target.pid, "-d", 30, "-f", "yaml", cause="yaml")
    for known in ("text", "json", "csv"):
        assert known in run.stderr


def test_unknown_probes(target):
    refuse(USAGE, "-p", target.pid, "-d", 30, "--probes", "guess", cause="guess")


def test_unknown_option(target):
    refuse(USAGE, "-p", target.pid, "--bogus", cause="bogus")


@pytest.mark.parametrize("option", ["--comm", "--cgroup"])
def test_selectors(option):
    refuse(USAGE, option, "", "-d", 30, cause="name that is not empty")
    refuse(USAGE, option, "a", option, "b", cause="twice")
    refuse(USAGE, option, "a", "--", "true", cause="(?i)command")


def test_output_without_a_name(target):
    refuse(USAGE, "-p", target.pid, "-o", "", cause="name of a file")


def test_no_arguments():
    refuse(USAGE, cause="(?i)-p|--pid|pid|command")
    refuse(USAGE, "stat", cause="(?i)-p|--pid|pid|command")


def test_pid_and_command(target):
    refuse(USAGE, "stat", "-p", target.pid, "--", "true", cause="(?i)both|pid|-p")


def test_two_commands(target):
    refuse(USAGE, "stat", "report", "-p", target.pid, cause="report")


def test_unknown_command():
    refuse(USAGE, "dance", cause="dance")


def test_output_folder_is_missing(target, tmp_path):
    path = tmp_path / "missing" / "report.txt"
    refuse(INPUT, "-p", target.pid, "-d", 30, "-o", path, cause=re.escape(str(path)))


def test_output_is_a_folder(target, tmp_path):
    refuse(INPUT, "-p", target.pid, "-d", 30, "-o", tmp_path, cause=re.escape(str(tmp_path)))


def test_output_device_is_full(target):
    """It is found out only when the report is written."""
    refuse(INPUT, "-p", target.pid, "-d", "100ms", "-o", "/dev/full", cause="(?i)space|full")
    run = subprocess.run(
        [scope.PROGRAM, "-p", str(target.pid), "-d", "100ms"],
        stdout=open("/dev/full", "w", encoding="ascii"),
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert run.returncode == INPUT
    assert b"space" in run.stderr


def test_no_output_file_is_left(tmp_path):
    path = tmp_path / "report.txt"
    refuse(INPUT, "-p", free_pid(), "-d", 30, "-o", path, cause="process")
    assert not path.exists()


def test_an_old_report_survives_a_failure(tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("yesterday's report")
    refuse(INPUT, "-p", free_pid(), "-d", 30, "-o", path, cause="process")
    assert path.read_text() == "yesterday's report"


def test_without_privilege(target):
    """As another user: the message says what to do."""
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*as_nobody, "test", "-x", scope.PROGRAM], check=False).returncode:
        pytest.skip("another user cannot run the program where it is built")
    run = subprocess.run(
        [*as_nobody, scope.PROGRAM, "-p", str(target.pid), "-d", "30"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == INPUT
    assert run.stdout == ""
    assert run.stderr.startswith("gilscope: ") and len(run.stderr.strip().splitlines()) <= 2
    assert re.search("(?i)root|sudo|cap_", run.stderr), run.stderr


OLDER = {one.id: one for one in interpreters.installed()[1]}


@pytest.mark.parametrize("older", sorted(OLDER) or [None])
def test_older_version(older):
    """CPython before 3.8 is named and refused."""
    if not older:
        pytest.skip("no CPython 3 before 3.8 is installed")
    older = OLDER[older]
    process = subprocess.Popen(
        [*older.command, "-c", "print('READY', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=older.environment,
    )
    try:
        assert process.stdout.readline() == b"READY\n"
        # Before 3.7 there was no _PyRuntime to know it by.
        named = older.version >= (3, 7)
        cause = re.escape("CPython %d.%d.%d" % older.version) if named else "no CPython"
        refuse(INPUT, "-p", process.pid, "-d", 30, cause=cause)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


# Py_Version and its place in the file, from the running interpreter itself.
VERSION_AT = """
import ctypes, sys
value = ctypes.c_ulong.in_dll(ctypes.pythonapi, "Py_Version")
address = ctypes.addressof(value)
for line in open("/proc/self/maps"):
    words = line.split()
    begin, end = (int(word, 16) for word in words[0].split("-"))
    if begin <= address < end:
        print(address - begin + int(words[2], 16), value.value)
"""


def test_unknown_version(tmp_path):
    """A Python of which nobody knows the layout: a copy that claims to be 3.99."""
    static = [one for one in interpreters.installed()[0] if one.kind == "static"]
    static = [one for one in static if one.version >= (3, 11)]
    if not static:
        pytest.skip("no static CPython 3.11 or later, which says its version in Py_Version")
    original = static[0]
    told = subprocess.check_output([original.exe, "-c", VERSION_AT], env=original.environment)
    offset, version = map(int, told.split())
    data = bytearray(open(original.exe, "rb").read())
    assert data[offset : offset + 4] == version.to_bytes(4, "little")
    data[offset + 2] = 99
    fake = tmp_path / "python-from-the-future"
    fake.write_bytes(data)
    fake.chmod(0o755)
    made = interpreters.make_renamed(original, tmp_path)
    future = interpreters.dataclasses.replace(made, exe=str(fake), file=str(fake))
    workload = Workload(future, "ends.py")
    try:
        refuse(INPUT, "-p", workload.pid, "-d", 30, cause=r"3\.99\.")
        assert workload.go() == {}
    finally:
        workload.kill()


def test_offsets_of_another_version(tmp_path):
    """A library whose _Py_DebugOffsets say that they are another version's."""
    new = [one for one in interpreters.installed()[0] if one.version >= (3, 13)]
    new = [one for one in new if one.kind == "shared"]
    if not new:
        pytest.skip("no shared CPython 3.13 or later")
    data = bytearray(open(new[0].file, "rb").read())
    cookie = re.search(rb"xdebugpy..%c\x03\0{4}" % new[0].version[1], data, re.DOTALL)
    data[cookie.start() + 10] += 1
    library = tmp_path / os.path.basename(new[0].file)
    library.write_bytes(data)
    env = (("LD_LIBRARY_PATH", str(tmp_path)),)
    liar = interpreters.dataclasses.replace(new[0], file=str(library), env=env)
    workload = Workload(liar, "ends.py")
    try:
        cause = r"contradict.*3\.%d\." % new[0].version[1]
        refuse(INPUT, "-p", workload.pid, "-d", 30, cause=cause)
        assert workload.go() == {}
    finally:
        workload.kill()


def loaded_programs(pid):
    """Ids of the BPF programs that a process holds."""
    ids = set()
    for info in pathlib.Path("/proc/%d/fdinfo" % pid).iterdir():
        ids.update(re.findall(r"^prog_id:\s+(\d+)$", info.read_text(encoding="ascii"), re.M))
    return ids


def test_nothing_in_the_kernel_is_left(target):
    """A capture that is killed leaves no program loaded."""
    bpftool = shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not bpftool:
        pytest.skip("bpftool is not installed")

    def still_there(programs):
        shown = json.loads(subprocess.check_output([bpftool, "-j", "prog", "show"]))
        return programs & {str(one["id"]) for one in shown}

    capture = scope.Capture(pid=target.pid).wait_started()
    programs = loaded_programs(capture.process.pid)
    assert programs and still_there(programs) == programs
    capture.kill()
    deadline = time.monotonic() + 30
    while still_there(programs) and time.monotonic() < deadline:
        time.sleep(0.05)  # the kernel frees them after a grace period
    assert not still_there(programs)
    assert target.go() == {}
