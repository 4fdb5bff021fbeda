# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Fixtures: each test that wants an interpreter runs under every one of this machine."""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from _pytest.runner import runtestprotocol

import interpreters
import scope
import workload
from lines import SLOWNESS

CAP_SYS_ADMIN = 21


def what_is_missing():
    """Why nothing can be captured here, or None."""
    with open("/proc/self/status", encoding="ascii") as status:
        effective = next(line for line in status if line.startswith("CapEff:"))
    if not int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1:
        return "attaching needs root (CAP_SYS_ADMIN)"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "the kernel has no BTF (/sys/kernel/btf/vmlinux)"
    return None


# Tests that hold measured times against each other. On a virtual machine whose CPU is taken away, and
# nobody in it is told, one measurement may be wrong; two in a row are our fault, and four where the
# CPU itself is a program that other programs compete with.
MEASURING = (
    "test_truth.py",
    "test_contention.py",
    "test_containers.py",
    "test_watched.py",
    "test_overhead.py",
)
TAKES = 2 if SLOWNESS == 1 else 4
taken_again = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Takes a measurement that failed once more."""
    if item.path.name not in MEASURING:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for _ in range(TAKES - 1):
        if not any(one.failed for one in reports):
            break
        taken_again.append(item.nodeid)
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for one in reports:
        item.ihook.pytest_runtest_logreport(report=one)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_collection_modifyitems(config, items):
    if interpreters.matrix_file():
        wanted = {"interpreter", "with_own_gils", "free_threaded"}
        others = [item for item in items if not wanted & set(item.fixturenames)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    reason = what_is_missing()
    if reason:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_generate_tests(metafunc):
    if "interpreter" in metafunc.fixturenames:
        everyone = interpreters.wanted()
        metafunc.parametrize("interpreter", everyone, ids=lambda one: one.id, indirect=True)
    if "with_own_gils" in metafunc.fixturenames:
        able = [one for one in interpreters.wanted() if one.version >= (3, 12) and not one.threaded]
        # At libc's entries one that is made meanwhile is met late.
        able = [one for one in able if one.method == "call-sites"]
        parametrize(metafunc, "with_own_gils", able, "no CPython 3.12 or later with a GIL here")
    if "free_threaded" in metafunc.fixturenames:
        those = interpreters.free_threaded()
        parametrize(metafunc, "free_threaded", those, "no free-threaded CPython here")


def parametrize(metafunc, name, those, lack):
    """The test once for each interpreter of a kind, or skipped with the reason."""
    params = [pytest.param(one, id=one.id) for one in those]
    without = pytest.param(None, id="none", marks=pytest.mark.skip(reason=lack))
    metafunc.parametrize(name, params or [without], indirect=True)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Makes each variant once."""
    cache = {}

    def get(interpreter):
        if interpreter not in cache:
            cache[interpreter] = interpreters.make(interpreter, tmp_path_factory.mktemp("python"))
        return cache[interpreter]

    return get


@pytest.fixture
def tell(request):
    """tell(name, value): for the table of tests/matrix, beside the test's result."""
    return lambda name, value: request.node.user_properties.append((name, value))


@pytest.fixture
def interpreter(request, made, tell):
    """Each interpreter in turn."""
    tell("interpreter", request.param.id)
    if request.param.method == "libc-entry" and request.node.get_closest_marker("forced"):
        pytest.skip("from libc's entries alone forced releases cannot be told")
    return made(request.param)


@pytest.fixture
def with_own_gils(request, made, tell):
    """Each interpreter whose subinterpreters can have GILs of their own."""
    tell("interpreter", request.param.id)
    return made(request.param)


@pytest.fixture
def free_threaded(request, tell):
    """Each free-threaded interpreter in turn, with its GIL as it likes."""
    tell("interpreter", request.param.id)
    return dataclasses.replace(request.param, env=())


@pytest.fixture
def one_interpreter():
    """Any interpreter, for a test of what does not depend on it."""
    supported = interpreters.installed()[0]
    if not supported:
        pytest.skip("no CPython 3.8 or later")
    return supported[0]


@pytest.fixture
def start_workload():
    """start_workload(interpreter, script, arguments..., steady=) -> Workload, ended with the
    test."""
    started = []

    def start(interpreter, name, *arguments, **options):
        started.append(workload.Workload(interpreter, name, *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def start_capture():
    """start_capture(arguments..., pid=, output=) -> Capture, ended with the test."""
    started = []

    def start(*arguments, **options):
        started.append(scope.Capture(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.signal(signal.SIGCONT)
        one.kill()


@pytest.fixture
def attach(start_capture):
    """attach(workload, arguments...) -> Capture that counts already."""

    def start(target, *arguments, **options):
        return start_capture(*arguments, pid=target.pid, **options).wait_started()

    return start


# By what was measured: (the largest error as a share of the truth, the test's name).
ERRORS = pytest.StashKey()


def pytest_configure(config):
    config.stash[ERRORS] = {}
    config.addinivalue_line("markers", "forced: forced and voluntary releases must be told apart")


@pytest.fixture
def note_error(request):
    """note_error(what, measured, truth): remembers the error for the end of the run."""
    largest = request.config.stash[ERRORS]

    def note(what, measured, truth):
        known = truth["held_ns" if "hold" in what else "wait_ns"]
        error = abs(measured - known) / known
        if error >= largest.get(what, (0, None))[0]:
            largest[what] = (error, request.node.name)

    return note


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """compiled(source, options...) -> path of what the C compiler makes of that workload, or of
    what it has made of it for a machine without one (GILSCOPE_COMPILED, the folder)."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    ready = os.environ.get("GILSCOPE_COMPILED")

    def make(source, *options):
        if ready:
            return pathlib.Path(ready) / pathlib.Path(source).stem
        if not compiler:
            pytest.skip("no C compiler")
        made = tmp_path_factory.mktemp("compiled") / "made"
        command = [compiler, "-O2", "-o", made, workload.script(source), "-lpthread", *options]
        subprocess.run(command, check=True)
        return made

    return make


@pytest.fixture(scope="session")
def truth_library(compiled):
    """Path of truth.c, compiled."""
    return compiled("truth.c", "-shared", "-fPIC")


CELLS = ("test_containers.py", "test_watched.py")


def write_cells(reporter):
    """A line for each test of targets in containers: what was tried, and with which outcome."""
    for outcome in ("passed", "failed", "skipped"):
        for one in reporter.getreports(outcome):
            path, _, name = one.nodeid.partition("::")  # a file that was skipped has no name
            if os.path.basename(path) in CELLS:
                reporter.write_line("%-8s%s" % (outcome, name[len("test_") :].replace("_", " ")))


def pytest_terminal_summary(terminalreporter, config):
    write_cells(terminalreporter)
    for name in taken_again:
        terminalreporter.write_line("measured again, since it failed: %s" % name)
    for what, (error, where) in sorted(config.stash[ERRORS].items()):
        terminalreporter.write_line(
            "largest error against truth, %s: %.3f%% (%s)" % (what, 100 * error, where)
        )
