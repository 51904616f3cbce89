"""Which device a run uses, and why."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from repro.errors import BadInput

# M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h, in bytes: so much free memory is kept; from this size on
# a buffer is taken from the system and given back by itself. Those are the gradients of AlexNet's and VGG19's large
# layers: kept too, they would make a run of AlexNet hold more than 2 GiB, for free memory is never reused whole.
MALLOC = {-1: 2**31 - 1, -3: 2**26}


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
    set_up_process(device := torch.device(name))
    return device, reason


def set_up_process(device: torch.device) -> None:
    """Settings of a process that computes on a device: each that trains makes them itself."""
    # Shapes never change within a run, so the search for the fastest kernel pays at once.
    torch.backends.cudnn.benchmark = True
    # float32 means float32, as on a CPU: convolutions would otherwise round their inputs to 10 bits.
    torch.backends.cudnn.allow_tf32 = False
    if device.type == "cpu" and platform.libc_ver()[0] == "glibc":
        keep_freed_memory()


def keep_freed_memory() -> None:
    """Have glibc keep what is freed, for the next step.

    As it comes, it gives most back to the system after each step, which clears it page by page at the next: up to a
    tenth of SqueezeNet's processor time.
    """
    libc = ctypes.CDLL(None)
    for parameter, value in MALLOC.items():
        libc.mallopt(parameter, value)


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
