#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""CPythons that no distribution has, built from Debian's source packages into the cache:

    builds.py NAME...     prints the executable of each; without a name, the names

A build is kept under a key of all that it was made from and is never made twice. Environment:
GILSCOPE_CACHE, the cache (~/.cache/gilscope).
"""

import dataclasses
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import debian
from debian import CACHE, Unavailable

# Another number makes all builds again: for a change of the steps below.
RECIPE = 1
# Modules that no test wants and that would need libraries or time.
WITHOUT = ("_tkinter", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr")
WITHOUT += ("_codecs_tw", "_curses", "_curses_panel", "_dbm", "_gdbm", "_lzma", "_sqlite3", "_ssl")
WITHOUT += ("_hashlib", "_uuid", "_bz2", "readline", "nis", "zlib")


@dataclasses.dataclass(frozen=True)
class Build:
    """How one of them is made. flags: for the C compiler; musl: linked with that libc."""

    suite: str
    package: str
    flags: str = "-O3 -g"
    compiler: str = "gcc"
    configure: tuple = ()
    musl: bool = False


EH_FRAME_HDR = ("LDFLAGS_NODIST=-Wl,--eh-frame-hdr",)

BUILDS = {
    "free-threaded": Build("trixie", "python3.13", configure=("--disable-gil",)),
    "no-plt": Build("trixie", "python3.13", flags="-O3 -g -fno-plt"),
    # Clang calls through a register what is called in a loop.
    "no-plt-clang": Build("trixie", "python3.13", flags="-O3 -g -fno-plt", compiler="clang"),
    # As musl-gcc links: without .eh_frame_hdr, which the compilers of musl's own systems ask for.
    "musl-gcc": Build("trixie", "python3.13", musl=True),
    "musl": Build("trixie", "python3.13", configure=EH_FRAME_HDR, musl=True),
    # Before 3.11 the kernel's id of a thread stands in libc's own structure.
    "musl-old": Build("bullseye", "python3.9", configure=EH_FRAME_HDR, musl=True),
}


def run(*command, folder, log, **options):
    """Runs one step of a build; all that it says goes into the log."""
    with open(log, "ab") as output:
        done = subprocess.run(
            ["nice", "-n", "10", *map(str, command)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            **options,
        )
    if done.returncode:
        raise Unavailable("%s failed: see %s" % (command[0], log))


def once(name, made_from, make):
    """The folder CACHE/builds/NAME-KEY, made by make(folder, log) unless it is there. The name of
    the folder is the same while it is made: a build of CPython knows its own path."""
    key = hashlib.sha256(repr(made_from).encode()).hexdigest()[:12]
    folder = CACHE / "builds" / ("%s-%s" % (name, key))
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / "done"
    with open(folder.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder, folder / "log")
            done.touch()
    return folder


def compiler_id(compiler):
    """What the compiler says it is."""
    if not shutil.which(compiler):
        raise Unavailable("no %s here" % compiler)
    return subprocess.check_output([compiler, "--version"], text=True).splitlines()[0]


# CPython's configure compares what the compiler calls the platform, if it says it, with what the
# headers say, which differs by version; up to 3.11 its setup.py takes glibc's headers by that name.
MUSL_GCC = """#!/bin/sh
case "$*" in
--print-multiarch) exit ;;
-print-multiarch) exec echo {machine}-linux-musl ;;
esac
exec gcc "$@" -specs {specs} -idirafter {headers}
"""


def musl_compiler(folder):
    """A C compiler for musl in folder: the machine's gcc over Debian's musl, as musl-gcc does it,
    but for musl's place in the cache, where its programs find their loader too."""
    root = debian.Suite("bookworm").unpack("musl", "musl-dev", "musl-tools", depends=False)
    wrapper, specs = folder / "musl-gcc", folder / "musl-gcc.specs"
    (packed,) = root.glob("usr/lib/*/musl-gcc.specs")
    here = r"%s\g<0>" % root
    specs.write_text(re.sub(r"/(usr/)?(lib|include)/(?=\S*musl)", here, packed.read_text()))
    headers = folder / "kernel-headers"
    headers.mkdir()
    for name in ("linux", "asm-generic"):
        (headers / name).symlink_to("/usr/include/" + name)
    (headers / "asm").symlink_to("/usr/include/%s-linux-gnu/asm" % os.uname().machine)
    wrapper.write_text(MUSL_GCC.format(machine=os.uname().machine, **locals()))
    wrapper.chmod(0o755)
    return wrapper


def build_libffi(source, folder, compiler, log):
    """A static libffi for that compiler, installed in folder/libffi. ctypes needs it."""
    place, work = folder / "libffi", folder / "libffi-build"
    work.mkdir()
    options = ["--prefix=%s" % place, "--disable-shared", "--with-pic", "--disable-docs"]
    # The triplet of musl: configure must not take what it makes for glibc's.
    options += ["--host=%s-linux-musl" % os.uname().machine, "CC=%s" % compiler]
    run(source / "configure", *options, folder=work, log=log)
    run("make", "install", folder=work, log=log)
    return place


def build_python(build, source, folder, log, compiler, environment):
    """configure, make and install into folder/python, without the work of it."""
    work = folder / "work"
    shutil.copytree(source, work, symlinks=True)
    # Debian's has the XML parser in the interpreter, over the machine's libexpat.
    setup = work / "Modules" / "Setup"
    setup.write_text(re.sub(r"(?m)^pyexpat ", "# pyexpat ", setup.read_text()))
    options = ["--prefix=%s" % (folder / "python"), "--without-ensurepip", "CC=%s" % compiler]
    options += ["--disable-test-modules", *build.configure]
    options += ["OPT=-DNDEBUG -fwrapv -Wall %s" % build.flags]
    options += ["py_cv_module_%s=n/a" % name for name in WITHOUT]
    environment = {**os.environ, **environment}
    run("./configure", *options, folder=work, log=log, env=environment)
    jobs = "-j%d" % (os.cpu_count() or 1)
    run("make", jobs, folder=work, log=log, env=environment)
    run("make", "altinstall", folder=work, log=log, env=environment)
    shutil.rmtree(work)


def python(name):
    """The executable of that build."""
    build = BUILDS[name]
    source = debian.Suite(build.suite).source(build.package)
    libffi = debian.Suite("bookworm").source("libffi") if build.musl else None

    def make(folder, log):
        compiler, environment = build.compiler, {}
        if build.musl:
            compiler = musl_compiler(folder)
            place = build_libffi(libffi, folder, compiler, log)
            environment = {
                "CPPFLAGS": "-I%s/include" % place,
                "LDFLAGS": "-L%s/lib" % place,
                "PKG_CONFIG_LIBDIR": "%s/lib/pkgconfig" % place,
            }
        build_python(build, source, folder, log, compiler, environment)

    made_from = [RECIPE, build, WITHOUT, source.name, libffi and libffi.name]
    folder = once(name, [*made_from, compiler_id(build.compiler)], make)
    found = [
        path
        for path in (folder / "python" / "bin").glob("python3*")
        if re.fullmatch(r"python3\.\d+t?", path.name)
    ]
    # A free-threaded build installs python3.13t and, as another name of it, python3.13.
    return str(min(found))


def main():
    if not sys.argv[1:]:
        print("\n".join(BUILDS))
    status = 0
    for name in sys.argv[1:]:
        try:
            print(python(name), flush=True)
        except Unavailable as error:
            print("builds.py: %s: %s" % (name, error), file=sys.stderr, flush=True)
            status = 1
    sys.exit(status)


if __name__ == "__main__":
    main()
