# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Names of a stripped interpreter's functions, from where its symbols are kept."""

import ctypes.util
import dataclasses
import http.server
import shutil
import subprocess
import threading

import pytest

import interpreters
from scope import process_of
from test_target import has_symbols

TOOLS = ("strip", "objcopy", "readelf")


def build_id(file):
    """The file's build-id in hexadecimal, or None."""
    notes = subprocess.check_output(["readelf", "-n", file], text=True, stderr=subprocess.DEVNULL)
    found = [line.split()[-1] for line in notes.splitlines() if "Build ID:" in line]
    return found[0] if found else None


@dataclasses.dataclass
class Stripped:
    """A stripped interpreter and the debug file that belongs to it."""

    interpreter: interpreters.Interpreter
    build_id: str
    debug_file: str


@pytest.fixture(scope="module")
def stripped(tmp_path_factory):
    if not all(map(shutil.which, TOOLS)):
        pytest.skip("no %s" % ", ".join(TOOLS))
    shared = [one for one in interpreters.installed()[0] if one.kind == "shared"]
    shared = [one for one in shared if has_symbols(one.file) and build_id(one.file)]
    if not shared:
        pytest.skip("no shared CPython with symbols and a build-id")
    whole, folder = shared[-1], tmp_path_factory.mktemp("stripped")
    debug_file = folder / "names.debug"
    subprocess.run(["objcopy", "--only-keep-debug", whole.file, debug_file], check=True)
    bare = interpreters.variant(whole, "stripped")
    return Stripped(interpreters.make(bare, folder), build_id(whole.file), str(debug_file))


def report_of(workload, attach, *arguments):
    capture = attach(workload, *arguments)
    workload.go()
    return process_of(capture.report())


def is_named(process):
    """Whether the functions that the probes stand in have names: all, or none of the static
    ones."""
    names = {one["role"]: one["function"] for one in process["probes"]}
    assert names["wait"].startswith("take_gil") == names["acquire"].startswith("take_gil")
    return names["wait"].startswith("take_gil")


def test_without_a_debug_file(stripped, start_workload, attach):
    process = report_of(start_workload(stripped.interpreter, "ends.py"), attach)
    assert process["resolution"]["symbols"] == "none"
    assert not is_named(process)


class Inside(interpreters.Interpreter):
    """The same in a mount namespace of its own, made by a shell command."""

    def __new__(cls, *_):
        return object.__new__(cls)

    def __init__(self, interpreter, setup):
        super().__init__(**vars(interpreter))
        object.__setattr__(self, "setup", setup)

    @property
    def command(self):
        return ["unshare", "--mount", "sh", "-c", self.setup + ' && exec "$@"', "sh", self.exe]


def linked_copy(stripped, folder):
    """The interpreter whose library, a copy, has a .gnu_debuglink."""
    file = folder / stripped.interpreter.file.rsplit("/", 1)[1]
    command = ["objcopy", "--add-gnu-debuglink=" + stripped.debug_file]
    subprocess.run([*command, stripped.interpreter.file, file], check=True)
    env = (("LD_LIBRARY_PATH", str(folder)),)
    return dataclasses.replace(stripped.interpreter, file=str(file), env=env)


def test_debug_file_after_the_end(stripped, start_workload, attach, tmp_path):
    """The target has ended when its names are looked for."""
    (tmp_path / ".debug").mkdir()
    shutil.copy(stripped.debug_file, tmp_path / ".debug")
    workload = start_workload(linked_copy(stripped, tmp_path), "ends.py")
    capture = attach(workload)
    workload.go()
    assert workload.quit() == 0
    process = process_of(capture.report(stop=False))
    assert process["python"]["stripped"]
    assert process["resolution"]["symbols"] == "debugfile"
    assert is_named(process)


@pytest.mark.parametrize("place", ["build-id", "debuglink"])
def test_debug_file_that_only_the_target_sees(place, stripped, start_workload, attach, tmp_path):
    """Looked for in the target's root, whose /usr/lib is another one."""
    for name in ("upper", "work"):
        (tmp_path / name).mkdir()
    folder = tmp_path / "upper/debug/.build-id" / stripped.build_id[:2]
    setup = "mount -t overlay none -o lowerdir=/usr/lib,upperdir=%s/upper,workdir=%s/work /usr/lib"
    setup %= (tmp_path, tmp_path)
    target = stripped.interpreter
    if subprocess.run(["unshare", "--mount", "sh", "-c", setup], check=False).returncode:
        pytest.skip("no overlayfs can be mounted in a mount namespace here")
    if place == "debuglink":
        target = linked_copy(stripped, tmp_path)
        folder = tmp_path / "upper/debug" / str(tmp_path)[1:]
    folder.mkdir(parents=True)
    name = "names.debug" if place == "debuglink" else stripped.build_id[2:] + ".debug"
    shutil.copy(stripped.debug_file, folder / name)

    process = report_of(start_workload(Inside(target, setup), "ends.py"), attach)
    assert process["resolution"]["symbols"] == "debugfile"
    assert is_named(process)
    assert process["resolution"]["notes"] == []


class Server:
    """Serves one file as every build's, like debuginfod; or nothing; or never an answer."""

    def __init__(self, monkeypatch, folder):
        self.file, self.silent, self.asked = None, False, []
        self.over = threading.Event()
        own = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self):
                own.asked.append(self.path)
                if own.silent:
                    own.over.wait()
                    return
                content = own.file and open(own.file, "rb").read()
                self.send_response(200 if content else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()
        monkeypatch.setenv("DEBUGINFOD_URLS", "http://127.0.0.1:%d/" % self.http.server_port)
        monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", str(folder))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)

    def close(self):
        self.over.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch, tmp_path):
    if not ctypes.util.find_library("debuginfod"):
        pytest.skip("libdebuginfod is not installed")
    made = Server(monkeypatch, tmp_path / "debuginfod")
    yield made
    made.close()


def test_debuginfod(stripped, server, start_workload, attach):
    """Asked for the right file, after the capture; the report says so."""
    server.file = stripped.debug_file
    workload = start_workload(stripped.interpreter, "ends.py")
    capture = attach(workload)
    workload.go()
    assert not server.asked
    process = process_of(capture.report())
    assert server.asked == ["/buildid/%s/debuginfo" % stripped.build_id]
    assert process["resolution"]["symbols"] == "debugfile"
    assert is_named(process)
    assert [note for note in process["resolution"]["notes"] if "debuginfod" in note]
    assert "asking debuginfod" in capture.messages


def test_debuginfod_is_asked_for_nothing_in_vain(stripped, server, start_workload, start_capture):
    """Not where no name is shown, nor where the file has its names."""
    server.file = stripped.debug_file
    workload = start_workload(stripped.interpreter, "ends.py")
    for output in ("csv", "text"):
        capture = start_capture("-d", "0.1", pid=workload.pid, output=output, verbose=False)
        assert capture.finish()[0] == 0
    assert not server.asked


def test_debuginfod_serves_another_build(stripped, server, start_workload, attach):
    others = [one for one in interpreters.installed()[0] if build_id(one.file) != stripped.build_id]
    others = [one for one in others if one.kind == "shared" and has_symbols(one.file)]
    if not others:
        pytest.skip("no other CPython with symbols")
    server.file = others[0].file
    process = report_of(start_workload(stripped.interpreter, "ends.py"), attach)
    assert server.asked
    assert process["resolution"]["symbols"] == "none"
    assert not is_named(process)
    assert [note for note in process["resolution"]["notes"] if "another build" in note]


@pytest.mark.parametrize("silent", [False, True])
def test_debuginfod_has_nothing(silent, stripped, server, start_workload, attach, monkeypatch):
    """The report comes without names, with the reason; also from a server that never answers."""
    server.silent = silent
    monkeypatch.setenv("DEBUGINFOD_MAXTIME", "1")
    process = report_of(start_workload(stripped.interpreter, "ends.py"), attach)
    assert server.asked
    assert process["resolution"]["symbols"] == "none"
    assert not is_named(process)
    assert [note for note in process["resolution"]["notes"] if "debuginfod" in note]
