#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""Makes user/target/offsets_table.h or py_layout_table.h from the DWARF of CPython interpreters:

    gen-offsets.py [--debug FOLDER]... INTERPRETER... > user/target/offsets_table.h
    gen-offsets.py --table names [--debug FOLDER]... INTERPRETER... > user/target/names_table.h
    gen-offsets.py --python [--debug FOLDER]... INTERPRETER... > user/target/py_layout_table.h

An interpreter is an executable or a libpython. Its DWARF is in the file itself or, by its build-id,
in FOLDER/.build-id (as in /usr/lib/debug). One of each minor version is enough; if there are
several, they must agree. Needs pyelftools (python3-pyelftools). Tested by tests/tools/test_offsets.py.
"""

import argparse
import functools
import pathlib
import re
import sys
import textwrap

from elftools.elf.elffile import ELFFile

# What the header has of each minor version: the name in struct py_offsets (user/target/target.h),
# then where it is in CPython: a structure's tag and the way from there. What a version does not
# have is 0, if the header's users can do without.
TABLE = (
    ("runtime_interpreters_head", "pyruntimestate", "interpreters.head", True),
    ("interp_next", "_is", "next", True),
    ("interp_id", "_is", "id", True),
    ("interp_gil", "_is", "ceval.gil", False),
    ("runtime_gil", "pyruntimestate", "ceval.gil", False),
    ("tstate_thread_id", "_ts", "thread_id", True),
    ("tstate_native_id", "_ts", "native_thread_id", False),
)
# Since 3.13 the interpreter's file has the offsets itself: what is generated is where. The name in
# struct debug_layout (user/target/offsets.c), then the way in struct _Py_DebugOffsets.
DEBUG_OFFSETS = (
    ("interpreters_head", "runtime_state.interpreters_head"),
    ("interp_id", "interpreter_state.id"),
    ("interp_next", "interpreter_state.next"),
    ("ceval_gil", "interpreter_state.ceval_gil"),
    ("own_gil", "interpreter_state.gil_runtime_state"),
    ("gil_locked", "interpreter_state.gil_runtime_state_locked"),
    ("gil_holder", "interpreter_state.gil_runtime_state_holder"),
    ("thread_id", "thread_state.thread_id"),
    ("native_thread_id", "thread_state.native_thread_id"),
)
# The same two for the names of threads (struct names_offsets, user/target/py_names.c).
NAMES_TABLE = (("interp_modules", "_is", "imports.modules|modules", True),)
NAMES_DEBUG_OFFSETS = (("interp_modules", "interpreter_state.imports_modules"),)
FIRST_WITH_DEBUG_OFFSETS = (3, 13)
# By the name of a header: the fields of both kinds, then for each kind the structure and the table.
TABLES = {
    "offsets": (TABLE, DEBUG_OFFSETS, ("py_offsets", "table[]"), ("debug_layout", "debug_table[]")),
    "names": (
        NAMES_TABLE,
        NAMES_DEBUG_OFFSETS,
        ("names_offsets", "names_table[]"),
        ("names_offsets", "names_debug_table[]"),
    ),
}
# The same for Python's frames and code objects: the name in enum py_field (user/target/py_layout.c),
# where it may be (the first that there is counts; a way that is empty asks for the structure's
# size), and the way in struct _Py_DebugOffsets. What a version does not have is -1.
PYTHON = (
    ("TSTATE_INTERP", (("_ts", "interp"),), "thread_state.interp"),
    ("TSTATE_NEXT", (("_ts", "next"),), "thread_state.next"),
    ("TSTATE_FRAME", (("_ts", "frame"), ("_ts", "cframe")), "thread_state.current_frame"),
    ("CFRAME_FRAME", (("_PyCFrame", "current_frame"),), None),
    ("INTERP_THREADS", (("_is", "threads.head"), ("_is", "tstate_head")), "interpreter_state.threads_head"),
    ("INTERP_GC", (("_is", "gc"),), "interpreter_state.gc"),
    ("GC_COLLECTING", (("_gc_runtime_state", "collecting"),), "gc.collecting"),
    ("FRAME_CODE", (("_PyInterpreterFrame", "f_code"), ("_frame", "f_code")), "interpreter_frame.executable"),
    ("FRAME_PREVIOUS", (("_PyInterpreterFrame", "previous"), ("_frame", "f_back")), "interpreter_frame.previous"),
    ("FRAME_INSTRUCTION", (("_PyInterpreterFrame", "prev_instr"), ("_frame", "f_lasti")), "interpreter_frame.instr_ptr"),
    ("FRAME_OWNER", (("_PyInterpreterFrame", "owner"),), "interpreter_frame.owner"),
    ("CODE_FIRST_LINE", (("PyCodeObject", "co_firstlineno"),), "code_object.firstlineno"),
    ("CODE_FILE", (("PyCodeObject", "co_filename"),), "code_object.filename"),
    ("CODE_NAME", (("PyCodeObject", "co_name"),), "code_object.name"),
    ("CODE_QUALNAME", (("PyCodeObject", "co_qualname"),), "code_object.qualname"),
    ("CODE_LINES", (("PyCodeObject", "co_linetable"), ("PyCodeObject", "co_lnotab")), "code_object.linetable"),
    ("CODE_BYTES", (("PyCodeObject", "co_code_adaptive"),), "code_object.co_code_adaptive"),
    ("OBJECT_TYPE", (("_object", "ob_type"),), "pyobject.ob_type"),
    ("TEXT_LENGTH", (("PyASCIIObject", "length"),), "unicode_object.length"),
    ("TEXT_STATE", (("PyASCIIObject", "state"),), "unicode_object.state"),
    ("TEXT_ASCII", (("PyASCIIObject", ""),), "unicode_object.asciiobject_size"),
    ("TEXT_COMPACT", (("PyCompactUnicodeObject", ""),), "unicode_object.compactunicodeobject_size"),
    ("BYTES_SIZE", (("PyBytesObject", "ob_base.ob_size"),), "bytes_object.ob_size"),
    ("BYTES_DATA", (("PyBytesObject", "ob_sval"),), "bytes_object.ob_sval"),
)
# What a version may lack; all others must be there.
PYTHON_OPTIONAL = {
    "CFRAME_FRAME", "INTERP_GC", "GC_COLLECTING", "FRAME_OWNER", "CODE_QUALNAME", "CODE_BYTES", "TEXT_COMPACT",
}
# DWARF of a type that is another one, said otherwise.
QUALIFIERS = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")
# A source file of CPython that includes the definitions of all these structures.
SOURCE = "ceval.c"


class Unusable(Exception):
    """A file that tells nothing, and why."""


class Layouts:
    """The structures that the DWARF of a file describes."""

    def __init__(self, path):
        self.file = open(path, "rb")
        elf = ELFFile(self.file)
        if not elf.has_dwarf_info() or not elf.get_section_by_name(".debug_info"):
            raise Unusable("%s has no DWARF" % path)
        self.path, self.dwarf = path, elf.get_dwarf_info()
        self.machine = elf["e_machine"].removeprefix("EM_").lower()

    @functools.cached_property
    def structures(self):
        """By tag, of the CU of SOURCE."""
        for unit in self.dwarf.iter_CUs():
            top = unit.get_top_DIE()
            name = top.attributes.get("DW_AT_name")
            if name and name.value.decode().split("/")[-1] == SOURCE:
                found = dict(filter(None, map(self.structure_of, top.iter_children())))
                if "_ts" in found:
                    return found
        raise Unusable("%s: no DWARF of CPython's %s" % (self.path, SOURCE))

    def structure_of(self, die):
        """(name, DIE) of a structure with a tag, or of one without behind a typedef; None: it is
        neither."""
        name = die.attributes.get("DW_AT_name")
        if not name or die.tag not in ("DW_TAG_structure_type", "DW_TAG_typedef"):
            return None
        if die.tag == "DW_TAG_typedef":
            die = "DW_AT_type" in die.attributes and self.type_of(die)
            if not die or "DW_AT_name" in die.attributes:
                return None
        if die.tag != "DW_TAG_structure_type" or "DW_AT_byte_size" not in die.attributes:
            return None
        return name.value.decode(), die

    def offset(self, tag, ways):
        """Bytes from the start of structure `tag` to the member at the end of the dotted way, the
        first of several (between them |) that there is; None: there is no such member."""
        offsets = (self.offset_of_way(tag, way) for way in ways.split("|"))
        return next((offset for offset in offsets if offset is not None), None)

    def offset_of_way(self, tag, way):
        """offset() of one way."""
        structure, offset = self.structures.get(tag), 0
        for name in way.split("."):
            found = structure and self.member(structure, name)
            if not found:
                return None
            offset += found[0]
            structure = found[1]
        return offset

    def member(self, structure, name):
        """(offset, DIE of the type behind typedefs) of a member, also of an unnamed structure or
        union in it; None: there is none."""
        for child in structure.iter_children():
            if child.tag != "DW_TAG_member":
                continue
            at = child.attributes.get("DW_AT_data_member_location")
            offset, type_ = at.value if at else 0, self.type_of(child)
            named = child.attributes.get("DW_AT_name")
            if named and named.value.decode() == name:
                return offset, type_
            inner = None if named else self.member(type_, name)
            if inner:
                return offset + inner[0], inner[1]
        return None

    def size(self, tag):
        """Bytes of structure `tag`; None: there is none."""
        found = self.structures.get(tag)
        return found and found.attributes["DW_AT_byte_size"].value

    @staticmethod
    def type_of(member):
        """DIE of the type of a member or typedef, without typedefs and qualifiers."""
        die = member.get_DIE_from_attribute("DW_AT_type")
        while die.tag in QUALIFIERS and "DW_AT_type" in die.attributes:
            die = die.get_DIE_from_attribute("DW_AT_type")
        return die


def build_id(elf):
    """The build-id of an open ELF file in hexadecimal, or ""."""
    for section in elf.iter_sections("SHT_NOTE"):
        for note in section.iter_notes():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return note["n_desc"]
    return ""


def layouts_of(path, folders=()):
    """The Layouts of an interpreter: its own or those of its debug file in one of the folders."""
    with open(path, "rb") as file:
        wanted = build_id(ELFFile(file))
    for folder in folders:
        separate = pathlib.Path(folder, ".build-id", wanted[:2], wanted[2:] + ".debug")
        if len(wanted) > 2 and separate.is_file():
            return Layouts(separate)
    return Layouts(path)


def version_of(path):
    """"3.9.2", as the interpreter in the file says it."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        exported = elf.get_section_by_name(".dynsym")
        symbols = exported and exported.get_symbol_by_name("Py_Version")
        if symbols:
            at = next(iter(elf.address_offsets(symbols[0]["st_value"])))
            file.seek(at)
            word = int.from_bytes(file.read(4), "little")
            return "%d.%d.%d" % (word >> 24, word >> 16 & 255, word >> 8 & 255)
        minor = re.search(r"python3\.(\d+)", pathlib.Path(path).name)
        if not minor:
            raise Unusable("%s: no Py_Version, and no version in its name" % path)
        file.seek(0)
        pattern = rb"[^0-9.](3\.%s\.\d+)\0" % minor[1].encode()
        literal = re.search(pattern, file.read())
    if not literal:
        raise Unusable("%s: no PY_VERSION" % path)
    return literal[1].decode()


def minor_of(version):
    """(3, 9) of "3.9.2"."""
    return tuple(map(int, version.split(".")[:2]))


def row_of(version, layouts, header="offsets"):
    """{name: offset} for the table of the header that the version belongs to."""
    fields, debug_offsets = TABLES[header][:2]
    if minor_of(version) >= FIRST_WITH_DEBUG_OFFSETS:
        fields = [(name, "_Py_DebugOffsets", way, True) for name, way in debug_offsets]
    row = {}
    for name, tag, way, needed in fields:
        offset = layouts.offset(tag, way)
        if offset is None and needed:
            raise Unusable("%s: no %s.%s" % (layouts.path, tag, way))
        row[name] = offset or 0
    return row


def python_row_of(version, layouts):
    """{name: offset or -1} for the table of Python's frames and code."""
    row = {}
    for name, places, way in PYTHON:
        if minor_of(version) >= FIRST_WITH_DEBUG_OFFSETS:
            places = (("_Py_DebugOffsets", way),) if way else ()
        found = [layouts.offset(*place) if place[1] else layouts.size(place[0]) for place in places]
        row[name] = next((offset for offset in found if offset is not None), -1)
        if row[name] < 0 and name not in PYTHON_OPTIONAL:
            raise Unusable("%s: no %s" % (layouts.path, name))
    return row


def rows_of(paths, folders, make_row):
    """{minor version: ({(machine, version)}, row)} from the files."""
    rows = {}
    for path in paths:
        version, layouts = version_of(path), layouts_of(path, folders)
        row = make_row(version, layouts)
        sources, first = rows.setdefault(minor_of(version), (set(), row))
        if row != first:
            known = ", ".join("%s %s" % source for source in sorted(sources))
            raise Unusable("%s (%s) differs from %s" % (path, version, known))
        sources.add((layouts.machine, version))
    return rows


HEAD = """\
/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Made by tools/gen-offsets.py from the DWARF of interpreters of these versions; do not edit.
%s
 */
/* clang-format off */
"""


def sources_of(rows):
    """Lines of a comment: the versions that the rows are from, by machine."""
    sources = {source for versions, _ in rows.values() for source in versions}
    lines = []
    for machine in sorted({machine for machine, _ in sources}, reverse=True):
        versions = [version for one, version in sources if one == machine]
        versions.sort(key=lambda version: [int(number) for number in version.split(".")])
        lines += textwrap.wrap(
            "%s: %s." % (machine, ", ".join(versions)),
            95,
            initial_indent=" *   ",
            subsequent_indent=" *     ",
        )
    return "\n".join(lines)


def entry_of(minor, row):
    """The entry of one minor version in the header."""
    fields = "".join("\t\t.%s = %d,\n" % field for field in row.items())
    return "\t{.minor = %d, .at = {\n%s\t}},\n" % (minor[1], fields)


def text_of(rows, header="offsets"):
    """The header."""
    order, lines = sorted(rows), [HEAD % sources_of(rows)]
    plain, debug = TABLES[header][2:]
    tables = (
        (*plain, lambda minor: minor < FIRST_WITH_DEBUG_OFFSETS),
        (*debug, lambda minor: minor >= FIRST_WITH_DEBUG_OFFSETS),
    )
    for structure, name, belongs in tables:
        lines.append("static const struct {\n\tint minor;\n\tstruct %s at;\n} %s = {\n" % (structure, name))
        for minor in filter(belongs, order):
            lines.append(entry_of(minor, rows[minor][1]))
        lines.append("};\n")
    lines.append("/* clang-format on */\n")
    return "".join(lines)


def python_entry_of(minor, row):
    """The same in the header of Python's frames and code."""
    fields = "".join("\t\t[%s] = %d,\n" % field for field in row.items())
    return "\t{%d, {\n%s\t}},\n" % (minor[1], fields)


def python_text_of(rows):
    """The header of Python's frames and code."""
    lines = [HEAD % sources_of(rows)]
    tables = ("table", lambda minor: minor < FIRST_WITH_DEBUG_OFFSETS), (
        "debug_table",
        lambda minor: minor >= FIRST_WITH_DEBUG_OFFSETS,
    )
    for name, belongs in tables:
        lines.append("static const struct layout_row %s[] = {\n" % name)
        lines += [python_entry_of(minor, rows[minor][1]) for minor in sorted(filter(belongs, rows))]
        lines.append("};\n")
    lines.append("/* clang-format on */\n")
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="store_true", help="the table of frames and code objects")
    parser.add_argument("--debug", metavar="FOLDER", action="append", default=[])
    parser.add_argument("--table", choices=TABLES, default="offsets")
    parser.add_argument("interpreter", nargs="+")
    arguments = parser.parse_args()
    try:
        if arguments.python:
            rows = rows_of(arguments.interpreter, arguments.debug, python_row_of)
            sys.stdout.write(python_text_of(rows))
        else:
            make_row = functools.partial(row_of, header=arguments.table)
            rows = rows_of(arguments.interpreter, arguments.debug, make_row)
            sys.stdout.write(text_of(rows, arguments.table))
    except (OSError, Unusable) as error:
        sys.exit("gen-offsets.py: %s" % error)


if __name__ == "__main__":
    main()
