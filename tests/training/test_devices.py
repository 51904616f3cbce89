"""What a process that trains sets up."""

import ctypes
import resource
import sys

import pytest
import torch
from torch import nn

from repro.processes import Alone
from repro.training.devices import keep_freed_memory


class Steps:
    """Gradients of a layer with 64 MB of weights, made anew in each step."""

    def __init__(self, keep: bool):
        if keep:
            keep_freed_memory()
        torch.set_num_threads(1)
        self.layer, self.images = nn.Linear(4096, 4096), torch.ones(1, 4096)

    def faults(self, steps: int) -> int:
        """Pages that the system handed out meanwhile."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(steps):
            self.layer.zero_grad(set_to_none=True)
            self.layer(self.images).sum().backward()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_memory_of_one_step_serves_the_next():
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"):
        pytest.skip("this is of glibc's allocator")
    faults = {}
    for keep in (False, True):
        with Alone(Steps, keep) as process:
            process.call("faults", 4)
            faults[keep] = process.call("faults", 12)
    assert faults[False] > 12 * 2**26 // resource.getpagesize() * 0.9
    # A small block in the way of the gradients may make the heap grow once or twice more.
    assert faults[True] < faults[False] / 4
