# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Kernels and surroundings in which nothing can be captured: each is named, with what to do."""

import shutil
import subprocess

import pytest

import scope


def in_namespaces(options, command):
    """Runs a shell command in namespaces of its own; its result, or a skip where that is not allowed."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare %s is not possible here" % " ".join(options))
    return subprocess.run([unshare, *options, "sh", "-c", command], capture_output=True, text=True, check=False)


@pytest.fixture
def target(one_interpreter, start_workload):
    return start_workload(one_interpreter, "ends.py")


def assert_refused(run, cause):
    assert run.returncode == 1, run.stderr
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert cause in run.stderr


def test_without_type_information(target):
    run = in_namespaces(
        ["--mount"], "mount -t tmpfs none /sys/kernel/btf && exec %s -p %d -d 30" % (scope.PROGRAM, target.pid)
    )
    assert_refused(run, "/sys/kernel/btf/vmlinux")


def test_in_a_pid_namespace_of_its_own(target):
    run = in_namespaces(["--pid", "--fork"], "%s -p %d -d 30" % (scope.PROGRAM, target.pid))
    assert_refused(run, "PID namespace")


def test_without_the_right_to_load_programs(target):
    setpriv = shutil.which("setpriv")
    dropped = "-bpf,-sys_admin,-perfmon"
    if not setpriv:
        pytest.skip("no setpriv")
    run = subprocess.run(
        [setpriv, "--bounding-set=" + dropped, "--inh-caps=" + dropped, scope.PROGRAM, "-p", str(target.pid), "-d", "30"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert_refused(run, "CAP_BPF")
