# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Targets and gilscope in places of their own. Each test is a cell of the table that the run prints
at its end: a capture of a workload that knows its threads' ids, names and holds."""

import os
import pathlib
import shutil
import subprocess

import pytest

import containers
import interpreters
from container_checks import (
    AS_NOBODY,
    HOLDS,
    NOBODY,
    capture_and_check,
    capture_inside,
    check,
    check_holder,
    known_interpreter,
    need,
    need_namespaces,
    need_overlay,
    oldest_interpreter,
    public,
    refuse,
    start_inside,
)
from containers import contained, namespaces, shell
from scope import process_of


# Roots: another Debian suite, its C library and its python3.


def suite(name):
    """The root of that Debian suite and its interpreter."""
    try:
        return containers.suite_root(name)
    except containers.debian.Unavailable as error:
        pytest.skip(str(error))


def in_root(root, public):
    """Shell commands that go into the unpacked root and fill it: /dev and the workloads."""
    return """
        mount --bind {root} {root}
        cd {root}
        mount --bind /dev dev
        mount --bind {public}/workloads workloads
    """.format(root=root, public=public)


def over(folder, public):
    """Shell commands that mount an overlay over the folder, with a fresh upper layer."""
    layers = public / "layers"
    layers.mkdir(exist_ok=True)
    return """
        mount -t tmpfs none {layers}
        mkdir {layers}/upper {layers}/work
        mount -t overlay none -o lowerdir={folder},upperdir={layers}/upper,workdir={layers}/work {folder}
    """.format(layers=layers, folder=folder)


MOUNT_PROC = "mount -t proc proc proc"


WORKLOADS = pathlib.Path("/workloads")


def test_chroot_of_another_suite(public, start_inside, attach):
    need_namespaces("--mount")
    root, python = suite("trixie")
    prefix = (*namespaces("--mount"), *shell(in_root(root, public) + MOUNT_PROC), "chroot", ".")
    target = start_inside(contained(python, *prefix), scripts=WORKLOADS)
    report = capture_and_check(target, attach)
    assert process_of(report)["python"]["version"].startswith("3.13.")
    assert process_of(report)["python"]["file"] == process_of(report)["exe"] == python.file


def test_pivoted_root_of_another_suite(public, start_inside, attach):
    need_namespaces("--mount")
    root, python = suite("sid")
    pivot = in_root(root, public) + MOUNT_PROC + "\npivot_root . old\ncd /"
    target = start_inside(contained(python, *namespaces("--mount"), *shell(pivot)), scripts=WORKLOADS)
    assert not target.inside("root/.bashrc").exists()
    report = capture_and_check(target, attach)
    assert process_of(report)["python"]["file"] == process_of(report)["exe"] == python.file


# Overlays: uprobes go by inode, and one path stands for the file of either layer.

BEFORE = {"lower": "", "copied_up_before": "touch {file}", "replaced_before": "cp {file} {file}.new; mv {file}.new {file}"}
AFTER = {
    "copied_up_after": lambda file: os.utime(file),
    "replaced_after": lambda file: (shutil.copy(file, str(file) + ".new"), os.rename(str(file) + ".new", file)),
    "deleted_after": os.unlink,
}


@pytest.mark.parametrize("state", [*BEFORE, *AFTER])
@pytest.mark.parametrize("kind", ["static", "shared"])
def test_overlay(kind, state, public, start_inside, attach):
    """The file that holds the interpreter, from the layer that says the name."""
    need_overlay()
    python = known_interpreter(kind)
    prefix = os.path.dirname(os.path.dirname(python.exe))
    setup = over(prefix, public) + BEFORE.get(state, "").format(file=python.file)
    target = start_inside(contained(python, *namespaces("--mount"), *shell(setup)))
    if state in AFTER:
        AFTER[state](target.inside(python.file))
    report = capture_and_check(target, attach)
    assert process_of(report)["python"]["file"].removesuffix(" (deleted)") == python.file


def test_overlay_whose_lower_layer_is_out_of_reach(public, start_inside):
    """Copied up after the start, and the layer's file is to be seen in the target's namespace only:
    rather no report than one in which nothing happens."""
    need_overlay()
    place = public / "place"
    place.mkdir(exist_ok=True)
    python = known_interpreter("static")
    setup = "mount -t tmpfs none {place}; cp {exe} {place}/app\n".format(place=place, exe=python.exe)
    env = (("PYTHONHOME", os.path.dirname(os.path.dirname(python.exe))),)
    python = interpreters.dataclasses.replace(python, exe=str(place / "app"), env=env)
    prefix = (*namespaces("--mount"), *shell(setup + over(place, public)))
    target = start_inside(contained(python, *prefix))
    os.utime(target.inside(place / "app"))
    assert "overlay" in refuse(target.pid, "lower layer")
    assert target.go()["holds"] == HOLDS[2]


# Other ids: PID namespaces, users, user namespaces.


def test_pid_namespace(start_inside, attach):
    need_namespaces("--pid", "--mount-proc")
    target = start_inside(contained(known_interpreter("static"), *namespaces("--pid", "--mount-proc")))
    assert target.ready["pid"] == 1 != target.pid
    check_holder(target, attach(target, "-d", "0.2").report(stop=False))
    capture_and_check(target, attach)


@pytest.mark.parametrize("age", ["newest", "oldest"])
def test_pid_namespace_in_a_pid_namespace(age, start_inside, attach):
    """Without a /proc of their own."""
    need_namespaces("--pid")
    python = oldest_interpreter() if age == "oldest" else known_interpreter("shared")
    target = start_inside(contained(python, *namespaces("--pid") * 2))
    assert [len(ids) for ids in containers.ids_of(target.pid)] == [3, 3, 3]
    check_holder(target, attach(target, "-d", "0.2").report(stop=False))
    capture_and_check(target, attach)


def test_another_user(start_inside, attach):
    """One that may not be traced by others of its kind: whoever changes his user is not dumpable."""
    need(*AS_NOBODY, "true")
    target = start_inside(contained(known_interpreter("static"), *AS_NOBODY))
    assert target.ready["uid"] == NOBODY
    capture_and_check(target, attach)


def test_user_namespace(start_inside, attach):
    need_namespaces("--user", "--map-root-user")
    target = start_inside(contained(known_interpreter("static"), *namespaces("--user", "--map-root-user")))
    assert os.readlink("/proc/%d/ns/user" % target.pid) != os.readlink("/proc/self/ns/user")
    capture_and_check(target, attach)


def test_everything_at_once(public, start_inside, attach):
    """As a rootless container has it: nobody's, with a user, a PID and a mount namespace, in a root
    of another suite that is an overlay, with a /proc of its own."""
    need_overlay()
    options = ("--user", "--map-root-user", "--pid", "--mount")
    need(*AS_NOBODY, "unshare", *options, "--fork", "--", "true")
    root, python = suite("trixie")
    place = public / "place"
    place.mkdir(exist_ok=True)
    setup = "mount --bind {root} {place}".format(root=root, place=place)
    setup += over(place, public) + in_root(place, public)
    inner = (*AS_NOBODY, *namespaces(*options), *shell(MOUNT_PROC), "chroot", ".")
    prefix = (*namespaces("--mount"), *shell(setup), *inner)
    target = start_inside(contained(python, *prefix), scripts=WORKLOADS)
    assert target.ready["pid"] == 1 and target.ready["uid"] == 0
    assert os.stat("/proc/%d" % target.pid).st_uid != 0
    report = capture_and_check(target, attach)
    assert process_of(report)["python"]["file"] == process_of(report)["exe"] == python.file


# gilscope in a PID namespace: it knows all by the ids of that namespace.

REFUSED = "gilscope runs in a PID namespace of its own"


@pytest.fixture
def pid_namespace():
    """Prefix that enters a PID namespace with its own /proc, the same one each time."""
    need_namespaces("--pid", "--mount-proc")
    command = [*namespaces("--pid", "--mount-proc"), "sh", "-c", "echo; read ended"]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    keeper.stdout.readline()
    yield ("nsenter", "--pid", "--mount", "--target", str(containers.innermost(keeper.pid)), "--")
    keeper.stdin.close()
    keeper.wait()
    keeper.stdout.close()


def check_from_inside(capture_inside, prefix, target):
    """Two captures by a gilscope one PID namespace below ours."""
    before = capture_inside(prefix, target.pid_at(1), "-d", "0.2")
    status, _ = before.finish()
    if status and REFUSED in before.messages:
        pytest.skip(REFUSED)
    check_holder(target, before.report(stop=False), depth=1)
    capture = capture_inside(prefix, target.pid_at(1)).wait_started()
    truth = target.go()
    check(target, capture.report(), truth, depth=1)


def test_tool_and_target_in_a_pid_namespace(pid_namespace, start_inside, capture_inside):
    target = start_inside(contained(known_interpreter("static"), *pid_namespace))
    check_from_inside(capture_inside, pid_namespace, target)


def test_target_in_a_pid_namespace_below_the_tools(pid_namespace, start_inside, capture_inside):
    prefix = (*pid_namespace, *namespaces("--pid", "--mount-proc"))
    target = start_inside(contained(oldest_interpreter(), *prefix))
    assert [len(ids) for ids in containers.ids_of(target.pid)] == [3, 3, 3]
    check_from_inside(capture_inside, pid_namespace, target)


def test_tool_with_the_proc_of_another_pid_namespace(start_inside):
    """The ids that it is given and those that it finds would be of two kinds."""
    need_namespaces("--pid")
    target = start_inside(known_interpreter("static"))
    said = refuse(target.pid, "PID namespace", prefix=namespaces("--pid"))
    if REFUSED in said:
        pytest.skip(REFUSED)
    assert "/proc" in said and "mount" in said


# Files that are not there any more.


def copy_of(python, folder):
    """The interpreter with the file that holds it copied into the folder: that file is ours."""
    if python.kind == "static":
        return interpreters.make_renamed(python, folder)
    library = folder / os.path.basename(python.file)
    shutil.copy(python.file, library)
    env = (("LD_LIBRARY_PATH", str(folder)),)
    return interpreters.dataclasses.replace(python, file=str(library), env=env)


def replace_file(path):
    """As an upgrade does it: another file under the same name, at once."""
    shutil.copy("/bin/sh", path + ".new")
    os.rename(path + ".new", path)


@pytest.mark.parametrize("gone", [os.unlink, replace_file], ids=["deleted", "replaced"])
@pytest.mark.parametrize("kind", ["static", "shared"])
def test_upgraded_while_it_runs(kind, gone, start_inside, attach, tmp_path):
    python = copy_of(known_interpreter(kind), tmp_path)
    target = start_inside(python)
    gone(python.file)
    report = capture_and_check(target, attach)
    assert process_of(report)["python"]["file"] == python.file + " (deleted)"


def test_upgraded_and_out_of_reach(start_inside, tmp_path):
    """Only with the right to use /proc/PID/map_files can the file be had."""
    without = "-sys_admin,-checkpoint_restore"
    limited = ("setpriv", "--bounding-set=" + without, "--inh-caps=" + without)
    need(*limited, "true")
    python = copy_of(known_interpreter("static"), tmp_path)
    target = start_inside(python)
    os.unlink(python.file)
    refuse(target.pid, "CAP_CHECKPOINT_RESTORE", prefix=limited)
