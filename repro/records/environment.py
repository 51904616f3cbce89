"""Describe what a run ran on: recorded and shown, never part of a run's identity."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import repro


def describe(device: str, path: str) -> dict[str, Any]:
    """Versions, device, threads and commit.

    Args:
        device: `cpu`, `cuda` or `mps`.
        path: which of the loop's ways ran, such as `float32, channels-last, eager`.
    """
    import torch

    commit, dirty = git_commit()
    return {
        "repro": repro.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": installed("torchvision"),
        "platform": platform.platform(terse=True),
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else cpu_name(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "path": path,
        "commit": commit,
        "dirty": dirty,
    }


def installed(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_commit() -> tuple[str | None, bool]:
    """The commit of the code that runs and whether the tree differs from it; (None, False) outside a checkout."""
    here = Path(repro.__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != here.parent.resolve():
            return None, False  # installed somewhere inside another project's checkout
        # Results come and go while a plan runs; they are not what makes the code differ.
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--", ":/repro", ":/experiments"))
    except (OSError, subprocess.CalledProcessError):
        return None, False


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
