"""Choose the device of a run, and set it up."""

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from repro.errors import BadInput

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # parameters of glibc's mallopt, as malloc.h numbers them


def choose(wanted: str) -> tuple[torch.device, str]:
    """The device for `auto`, `cpu`, `cuda` or `mps`, and the reason in words.

    Raises:
        BadInput: that device is not on this machine.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        name = next(name for name, present in here.items() if present)
        reason = "the fastest that is here" if name != "cpu" else "no accelerator is here"
    elif not here[wanted]:
        raise BadInput(f"--device {wanted}: there is none here; choose from {', '.join(n for n in here if here[n])}")
    else:
        name, reason = wanted, "as asked"
    set_up_cudnn()
    return torch.device(name), reason


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16."""
    if device.type != "cpu":
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() or _is_arm()


def _is_arm() -> bool:
    # Arm's processors of the last years have bfloat16; torch does not ask them.
    return platform.machine().lower() in ("aarch64", "arm64")


def set_up_cudnn() -> None:
    """Choose how cuDNN computes convolutions. These are settings of a process: each that trains makes them itself."""
    # Shapes never change within a run, so the search for the fastest kernel pays at once.
    torch.backends.cudnn.benchmark = True
    # float32 means float32, as on a CPU: convolutions would otherwise round their inputs to 10 bits.
    torch.backends.cudnn.allow_tf32 = False


@cache
def keep_freed_memory() -> None:
    """Let glibc keep what this process frees for its next tensors; with other C libraries nothing changes.

    Tensors of 32 MB and more would go back to the system in every step, and the next come as pages to be filled with
    zeros: half of the time of AlexNet's steps in bfloat16, a fifth of SqueezeNet's at 224 pixels.
    """
    malloc = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if malloc:
        malloc(MMAP_MAX, 0)
        malloc(TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def without_denormals(device: torch.device) -> Iterator[None]:
    """While open, a CPU takes numbers below 1.2e-38 as zero.

    Adam's averages of weights without gradient decay into such numbers, for which the processor takes many times as
    long. As zero they change no weight: AlexNet's are the same bit for bit, in 2/3 of the time.
    """
    if device.type == "cpu":
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if device.type == "cpu":
            torch.set_flush_denormal(False)
