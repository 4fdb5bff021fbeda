# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""That nothing is lost where there is most to lose."""

import os
import subprocess

import pytest


@pytest.mark.parametrize("mode", ["aggregate", "exact"])
def test_no_losses_on_a_busy_machine(one_interpreter, mode, start_workload, attach):
    """Threads that take and drop the GIL as fast as they can, while all CPUs have other work."""
    loops = [["nice", "sh", "-c", "while :; do :; done"]] * os.cpu_count()
    burners = [subprocess.Popen(loop) for loop in loops]
    try:
        workload = start_workload(one_interpreter, "gil_cycles.py", 2, 300000)
        capture = attach(workload, "--mode", mode)
        truth = workload.go()
        report = capture.report()  # of losses none
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert report["processes"][0]["gils"][0]["holds"] >= truth["cycles"]
