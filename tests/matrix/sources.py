# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Where the interpreters of the matrix come from: a list of rows, each of which gets one."""

import dataclasses
import pathlib
import shutil
import subprocess
import sys

import builds
import debian
import loader
from debian import Unavailable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import interpreters  # noqa: E402

# (suite, minor version): Debian's own, static and stripped.
STATIC = [("bullseye", 9), ("bookworm", 11), ("trixie", 13)]
STATIC += [("sid", 13), ("sid", 14), ("sid", 15)]
# Those whose libpython an embedding program and uWSGI run.
EMBEDDED = [("bullseye", 9), ("bookworm", 11), ("trixie", 13), ("sid", 14), ("sid", 15)]
UWSGI = ("bookworm", "trixie", "sid")
# pyenv's, shared, with symbols, and stripped copies of them.
SHARED = range(8, 14)


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the table: its name, and get(folder), which returns the Interpreter (in folder is
    what is made for it) or raises Unavailable."""

    name: str
    get: object


def asked(kind, command, env=(), **fields):
    """The interpreter that command starts."""
    about = interpreters.ask(command, environment(env))
    if not about:
        raise Unavailable("%s does not run" % command)
    return interpreters.from_about(kind, about, env=tuple(env), **fields)


def environment(env):
    return interpreters.Interpreter("", "", (), "", env=tuple(env)).environment


def shared(minor):
    """The machine's newest shared 3.minor."""
    those = [
        one
        for one in interpreters.installed()[0]
        if one.kind == "shared" and one.version[:2] == (3, minor)
    ]
    if not those:
        raise Unavailable("this machine has no shared CPython 3.%d" % minor)
    return max(those, key=lambda one: one.version)


def stripped(kind, get, *arguments):
    """A stripped copy of an interpreter."""
    if not shutil.which("strip"):
        raise Unavailable("no strip here")
    return dataclasses.replace(get(*arguments), kind=kind, variant="stripped")


# The shell is this machine's, and so is what the test runs beside the interpreter: the root's
# libraries are only for what the shell becomes.
LAUNCHER = """#!/bin/sh
exec env LD_LIBRARY_PATH='{libraries}' PYTHONHOME='{root}/usr' '{program}' {arguments}
"""


def in_root(kind, root, program, folder, arguments='"$@"', **fields):
    """The interpreter that the program of the root is; arguments: what the shell gives it."""
    copy, launcher = folder / pathlib.Path(program).name, folder / "launcher"
    loader.copy_for_root(root, program, copy)
    libraries = loader.library_path(root)
    launcher.write_text(
        LAUNCHER.format(libraries=libraries, root=root, program=copy, arguments=arguments)
    )
    launcher.chmod(0o755)
    return asked(kind, str(launcher), launcher=str(launcher), **fields)


def debian_static(suite, minor, folder):
    """The suite's python3.minor."""
    name = "python3.%d" % minor
    root = debian.Suite(suite).unpack(name)
    return in_root("%s-static" % suite, root, root / "usr" / "bin" / name, folder)


def debian_embedded(suite, minor, folder):
    """A C program of our own, compiled and linked in the suite's root."""
    if not shutil.which("gcc"):
        raise Unavailable("no gcc here")
    root = debian.Suite(suite).unpack("libpython3.%d-dev" % minor, "libc6-dev")
    source, linked = folder / "embedder.c", folder / "linked" / "embedder"
    source.write_text(interpreters.EMBEDDER)
    linked.parent.mkdir()
    libraries = [path for path in loader.library_folders(root) if "-linux-gnu" in path]
    # The root's start files and libc come before those of the machine that gcc knows.
    command = ["gcc", "--sysroot=%s" % root, *("-B%s/" % path for path in libraries)]
    command += ["-o", linked, source, *("-L%s" % path for path in libraries)]
    include = root / "usr" / "include" / ("python3.%d" % minor)
    command += ["-isystem", include, "-lpython3.%d" % minor]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable("gcc cannot link an embedder: %s" % done.stderr.strip()[-300:])
    return in_root("%s-embedded" % suite, root, linked, folder)


# What uWSGI runs as a script does not have the script's folder in sys.path, as with Python's own
# main.
UWSGI_START = """
import os, runpy, sys
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def uwsgi(suite, folder):
    """The suite's uWSGI, whose plugin brings libpython; it runs the script in its worker."""
    root = debian.Suite(suite).unpack("uwsgi-plugin-python3")
    plugins = root / "usr/lib/uwsgi/plugins"
    plugin = sorted(plugins.glob("python3*_plugin.so"))[0].name[: -len("_plugin.so")]
    start = folder / "start.py"
    start.write_text(UWSGI_START)
    arguments = "--plugins-dir '%s' --plugin %s --enable-threads" % (plugins, plugin)
    arguments += " --pyrun '%s' --pyargv \"$*\"" % start
    program = root / "usr/bin/uwsgi-core"
    return in_root("%s-uwsgi" % suite, root, program, folder, arguments, plugin=True)


def built(name, kind=None, env=(), **fields):
    """One of builds.py."""
    return asked(kind or name, builds.python(name), env, **fields)


def free_threaded():
    """A free-threaded build whose GIL is turned on."""
    return built("free-threaded", "free-threaded-gil", (("PYTHON_GIL", "1"),), threaded=True)


def row(name, get, *arguments, **fields):
    """A row that needs no folder."""
    return Row(name, lambda folder: get(*arguments, **fields))


def made_row(name, get, *arguments):
    """A row whose interpreter is made in a folder of its own."""

    def in_folder(folder):
        place = pathlib.Path(folder) / name
        place.mkdir(parents=True)
        return get(*arguments, place)

    return Row(name, in_folder)


def rows():
    """All rows of the table, in its order."""
    yield row("machine", machine)
    for minor in SHARED:
        yield row("shared-3.%d" % minor, shared, minor)
        yield row("stripped-3.%d" % minor, stripped, "stripped", shared, minor)
    for suite, minor in STATIC:
        yield made_row("%s-static-3.%d" % (suite, minor), debian_static, suite, minor)
    for suite, minor in EMBEDDED:
        yield made_row("%s-embedded-3.%d" % (suite, minor), debian_embedded, suite, minor)
    for suite in UWSGI:
        yield made_row("%s-uwsgi" % suite, uwsgi, suite)
    for name in ("no-plt", "no-plt-clang"):
        yield row(name, built, name)
    yield row("musl-gcc", built, "musl-gcc", method="libc-entry")
    for name in ("musl", "musl-old"):
        yield row(name, built, name)
        yield row("%s-stripped" % name, stripped, "%s-stripped" % name, built, name)
    yield row("free-threaded-gil", free_threaded)


def machine():
    """This machine's own static one."""
    found = interpreters.newest("static")
    if not found:
        raise Unavailable("this machine has no static CPython")
    return dataclasses.replace(found, kind="machine")
