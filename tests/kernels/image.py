# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""What a guest boots: Debian's kernel, and an initramfs with Debian's python3 and pytest, gilscope
and its tests. All of it is a file system in memory, so that the kernel needs no driver."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "matrix"))

from debian import Suite, Unavailable  # noqa: E402

# A shell and what init needs; python3 and what the tests need; unshare and setpriv.
PACKAGES = ("busybox-static", "python3", "python3-pytest", "python3-jsonschema", "util-linux")
# No test reads them, and they would fill a third of the guest's memory.
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/i18n", "var")
LEFT_OUT_NAMES = ("gconv", "perl-base")
# Parts of the project that the tests read, with their folders.
PROJECT = (
    "tests/e2e",
    "tests/workloads",
    "tests/kernels",
    "tools/report-1.schema.json",
    "bpf/loss.def",
)
# Kernel packages hold the image under either name; from 7.x on it is in linux-binary-*.
KERNEL = re.compile(r"linux-(image|binary)-\d")


def kernel(architecture, suite):
    """Path of the kernel image of that suite."""
    packages = Suite(suite, architecture.debian)
    wanted = packages.names("linux-image-cloud-%s" % architecture.debian)
    named = sorted(name for name in wanted if KERNEL.match(name))
    # linux-binary-* comes first, and where it exists linux-image-* is empty.
    for name in named[:1]:
        for path in sorted(packages.unpack(name, depends=False).glob("**/vmlinuz*")):
            return path
    raise Unavailable("%s has no kernel image for %s" % (suite, architecture.debian))


def listing(folder):
    """The folder's files, each after the folder that it is in."""
    for base, folders, files in os.walk(folder):
        inside = os.path.relpath(base, folder)
        yield inside
        names = sorted(os.path.normpath(os.path.join(inside, name)) for name in folders + files)
        folders[:] = [os.path.basename(name) for name in names if not left_out(name)]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isdir(path):
                yield name


def left_out(name):
    return name in LEFT_OUT or os.path.basename(name) in LEFT_OUT_NAMES


def archive(folder):
    """The folder as a cpio archive, all files root's."""
    return subprocess.run(
        ["cpio", "--create", "--format=newc", "--owner=0:0", "--quiet"],
        input="\n".join(listing(folder)).encode(),
        cwd=folder,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def needed(file):
    """Names of the libraries that the ELF file is linked with."""
    headers = subprocess.run(["readelf", "-d", file], stdout=subprocess.PIPE, text=True, check=True)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", headers.stdout)


def libraries(program, architecture, sysroot, there):
    """{name: path} of the program's libraries in `sysroot`, without those that the folder `there`
    has."""
    found, names = {}, needed(program)
    while names:
        name = names.pop()
        if name in found or (there / name).exists():
            continue
        places = [sysroot / folder / architecture.triple / name for folder in ("usr/lib", "lib")]
        path = next((place for place in places if place.exists()), None)
        if not path:
            sys.exit("check-kernels: %s needs %s, which is not in %s" % (program, name, sysroot))
        found[name] = path
        names += needed(path)
    return found


def sysroot(architecture):
    """The folder with what a build for that architecture needs."""
    import cross  # noqa: PLC0415 - only where something is built for another machine

    return cross.sysroot(architecture.debian)


def copy_project(project):
    """What the tests read of the project, and the tests."""
    for name in PROJECT:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def make(architecture, build, sysroot, suite, folder):
    """Path of an initramfs, made in `folder`, with what `build` holds and the guest's suite.

    sysroot: where the libraries are that gilscope is linked with. suite: see guest.py.
    """
    root = Suite(architecture.root, architecture.debian).unpack(*PACKAGES)
    overlay, image = folder / "overlay", folder / "initramfs.cpio"
    shutil.rmtree(overlay, ignore_errors=True)
    project, place = overlay / "gilscope", pathlib.Path("usr/lib") / architecture.triple
    copy_project(project)
    (project / "suite.json").write_text(json.dumps(suite), encoding="utf-8")
    shutil.copytree(build / "compiled", project / "compiled")
    shutil.copytree(build / "pystack", project / "pystack")
    shutil.copy(build / "tests" / "show_python", project / "tests")
    shutil.copy(build / "gilscope", project)
    shutil.copy(ROOT / "tests/kernels/init", overlay)
    (overlay / place).mkdir(parents=True)
    found = libraries(build / "gilscope", architecture, sysroot, root / place)
    for name, path in found.items():
        shutil.copy(path, overlay / place / name)
    # The kernel unpacks one archive after the other.
    image.write_bytes(archive(root) + archive(overlay))
    return image
