"""Time a piece of work, after a warm-up that does not count."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

WARM_UP = 0.5  # seconds before the clock starts, and at least one step: queues fill, buffers are allocated


class Turn(NamedTuple):
    """The work done while the clock ran: images, or floating-point operations."""

    amount: float
    seconds: float

    @property
    def rate(self) -> float:
        """Amount a second."""
        return self.amount / self.seconds


def nothing() -> None:
    """Wait for nothing: for work that is over when it returns."""


def clock(work: Iterator[float], seconds: float, warm_up: float = WARM_UP, wait: Callable[[], None] = nothing) -> Turn:
    """Run work for some seconds, at least one step, after a warm-up that does not count.

    Args:
        work: does one step each time it is asked, and gives the step's amount.
        wait: returns when the device has done all it was given; called at the clock's start and end, not at each step.
    """
    began = time.perf_counter()
    next(work)
    while time.perf_counter() - began < warm_up:
        next(work)
        wait()
    wait()
    amount, began = 0.0, time.perf_counter()
    while not amount or time.perf_counter() - began < seconds:
        amount += next(work)
    wait()
    return Turn(amount, time.perf_counter() - began)
