# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A process with threads that sleep. It says READY and answers nothing but the end of stdin."""

from protocol import serve, start_threads, threading


def main():
    never = threading.Event()
    start_threads(4, lambda index: never.wait())
    serve(dict)


main()
