"""Measure several things in turns, so that a change of the machine's speed affects all of them alike."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from repro.rules import statistics

T = TypeVar("T")


def interleaved(turns: Sequence[Callable[[], T]], rounds: int) -> list[list[T]]:
    """Let all take their turn in every round: first to last, then last to first, and so on.

    The change of direction cancels a pace that drifts steadily.

    Returns: for each of `turns` what it gave, round by round.
    """
    found: list[list[T]] = [[] for _ in turns]
    for number in range(rounds):
        order = range(len(turns)) if number % 2 == 0 else reversed(range(len(turns)))
        for index in order:
            found[index].append(turns[index]())
    return found


class Ratio(NamedTuple):
    """A ratio of two rates. low, high: the 95 % interval, None where one round gives none."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        interval = "" if self.low is None else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{interval}"


def ratio(rates: Sequence[float], base: Sequence[float]) -> Ratio:
    """The geometric mean over rounds of rate / base, each with the base of its own round; t interval of the logs."""
    logs = statistics.mean_of([math.log(rate / other) for rate, other in zip(rates, base, strict=True)])
    limits = logs.interval().limited()
    low, high = (None, None) if limits is None else map(math.exp, limits)
    return Ratio(math.exp(logs.value), low, high)


def median_interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the median that needs no assumption on how values are spread: two of the values themselves.

    Not finite where there are fewer than six.
    """
    from scipy.stats import quantile_test

    limits = quantile_test(values, p=0.5).confidence_interval(0.95)
    return float(limits.low), float(limits.high)
