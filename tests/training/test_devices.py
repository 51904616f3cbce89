"""What a process sets up before it computes."""

import platform
import subprocess
import sys

import pytest

# Pages that the system hands out anew while a buffer of 40 MiB is made and freed, over and over.
FAULTS = """
import resource, sys, torch
from repro.training.devices import choose
if sys.argv[1] == "set up":
    choose("cpu")
def step():
    torch.ones(10 * 2**20)
for _ in range(10):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(state: str) -> int:
    return int(subprocess.run([sys.executable, "-c", FAULTS, state], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_kept_for_the_next_step():
    assert faults("set up") < 1000 < faults("as it comes")
