# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Targets and gilscope in places of their own. Each test is a cell of the table that the run prints
at its end: a capture of a workload that knows its threads' ids, names and holds."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

import containers
import interpreters
import scope
from containers import ContainedCapture, ContainedWorkload, contained, namespaces, shell
from lines import LineReader
from scope import gil_of, hits, process_of, thread_of
from test_target import code_at, sites
from test_truth import tolerance

HOLDS = (4000, 500, 40)  # us held, us not, times
NOBODY = 65534
AS_NOBODY = ("setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups")


def need(*command):
    """Skips where the command does not work."""
    reason = containers.why_not(*command)
    if reason:
        pytest.skip(reason)


def need_namespaces(*options):
    need("unshare", *options, "--fork", "--", "true")


def need_overlay():
    mounts = "mount -t tmpfs none /mnt; cd /mnt; mkdir a b c d; mount -t overlay o -olowerdir=a,upperdir=b,workdir=c d"
    need("unshare", "--mount", "--", "sh", "-ec", mounts)


@pytest.fixture(scope="session")
def public():
    """A folder that every user can read, with the workloads in it."""
    with tempfile.TemporaryDirectory(prefix="gilscope-") as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(containers.workload.SCRIPTS, folder + "/workloads")
        yield pathlib.Path(folder)


@pytest.fixture
def start_inside(public):
    """start_inside(interpreter, script=, arguments...) -> ContainedWorkload, ended with the test."""
    started = []

    def start(interpreter, *arguments, name="known_ids.py", scripts=public / "workloads"):
        arguments = arguments or HOLDS
        started.append(ContainedWorkload(interpreter, scripts / name, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def known_interpreter(kind):
    """The newest interpreter of that kind."""
    found = interpreters.newest(kind)
    if not found:
        pytest.skip("no %s CPython" % kind)
    return found


def check(target, report, truth, depth=0):
    """What is the same wherever the target is: its ids, as they are `depth` PID namespaces below
    ours, its names, who held the GIL at the start, and the known holds."""
    tids = target.tids(depth)
    process = process_of(report)
    assert process["pid"] == target.pid_at(depth)
    known = {tid: name for name, tid in tids.items()}
    for thread in process["threads"]:
        assert thread["tid"] in known, (thread["tid"], known)
        assert thread["comm"] == known[thread["tid"]]
    computer = thread_of(report, tids["computer"])["hold"]
    assert computer["clipped"]["count"] == 1, "it held the GIL when the capture began"
    hold = thread_of(report, tids["holder"])["hold"]
    assert truth["holds"] <= hold["count"] <= truth["holds"] + 5
    # What this is about is whose they are: for how long is measured elsewhere, undisturbed.
    allowed = tolerance(truth, "held_ns") + truth["stood_ns"]
    assert abs(hold["total_ns"] - truth["held_ns"]) <= allowed
    assert sum(one["hits"] for one in process["probes"]) >= 2 * truth["holds"]


def check_holder(target, report, depth=0):
    """No probe was hit: that it held the GIL, and whose id that is, is known from memory alone."""
    hold = thread_of(report, target.tids(depth)["computer"])["hold"]
    assert hold["total_ns"] == gil_of(report)["observed_ns"] > 0
    assert (hold["count"], hold["clipped"]["count"]) == (0, 1)
    assert hits(report, "acquire") == 0


def capture_and_check(target, attach, *arguments):
    """One capture from outside; the report."""
    capture = attach(target, *arguments)
    truth = target.go()
    report = capture.report()
    check(target, report, truth)
    return report


def refuse(pid, cause, prefix=(), program=scope.PROGRAM):
    """One line that names the cause, and no report; the line."""
    command = [*prefix, program, "-p", str(pid), "-d", "30"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1, run.stderr
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and cause in run.stderr, run.stderr
    return run.stderr


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


def oldest_interpreter():
    """One that does not keep the kernel's ids of its threads, if there is one (before 3.11)."""
    supported = interpreters.installed()[0]
    if not supported:
        pytest.skip("no CPython 3.8 or later")
    return min(supported, key=lambda one: one.version)


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
def capture_inside():
    """capture_inside(prefix, pid, arguments...) -> ContainedCapture, ended with the test."""
    started = []

    def start(prefix, pid, *arguments):
        started.append(ContainedCapture(*arguments, pid=pid, prefix=prefix))
        return started[-1]

    yield start
    for one in started:
        one.kill()


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


# Targets that are watched by others, stopped, hidden, or must not make system calls.


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
