"""Describe the machine of a measurement: processor, memory, versions and commit; no names of hosts or people."""

import os
import platform

import repro
from repro.processes import cores
from repro.records.environment import cpu_name, git_commit, installed

MIB = 2**20


def describe(accelerator: str = "") -> str:
    """The machine, the versions and the commit in a line."""
    parts = [f"{cpu_name()}, {cores()} cores, {memory_gib():.0f} GiB"]
    parts += [accelerator] if accelerator and accelerator != cpu_name() else []
    commit, dirty = git_commit()
    parts += [
        f"Python {platform.python_version()}, torch {installed('torch')}, torchvision {installed('torchvision')}",
        f"repro {repro.__version__}" + (f" at {commit[:10]}" if commit else "") + (" with changes" if dirty else ""),
    ]
    return "; ".join(parts)


def load() -> str:
    """The load of the machine by other things, to be noted before a measurement begins."""
    if not hasattr(os, "getloadavg"):
        return "load before the measurement unknown"
    return f"{os.getloadavg()[0]:.1f} processes were running or waiting on {cores()} cores when the measurement began"


def device_name(kind: str) -> str:
    """The name of the machine's device of a kind: `cpu`, `cuda` or `mps`."""
    import torch

    return torch.cuda.get_device_name() if kind == "cuda" else cpu_name()


def memory_gib() -> float:
    """The machine's memory, in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
