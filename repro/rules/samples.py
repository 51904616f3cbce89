"""Samples of measured values as plain data, and the comparison of two of them."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from repro.config.specification import Budget
from repro.rules import statistics
from repro.rules.interval import Interval
from repro.rules.statistics import Estimate


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one variant's runs, for one metric, protocol and epoch.

    values: one per seed, in the metric's own unit (percent, parameters, bytes), failed runs included.
    failed: the seeds of runs that diverged or collapsed.
    same_scope: whether data and recipe are the claim's own; None = they are at the claim's budget, unless it `needs`
        something.
    total: test images, where the metric is a share of them.
    step: the smallest difference two values can show, in the same unit; None = 1 where the claim's protocol truncates,
        otherwise one test image.
    pairing: a name for the training that the weights come from. Samples of equal, non-empty pairing and equal seeds are
        compared seed by seed.
    planned: the seeds that the experiment asks for, when the first look is taken; 0 = however many there are.
    halfway: the values after half of the epochs, one per seed; empty where they are not known.
    substitutes: test images, where they stand in for the published ones: other ones would give other values; else 0.
    released: the value is of one network whose weights were published, which the claim is about: it has no seeds, and
        what is uncertain is the draw of its test images.
    """

    values: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    budget: Budget = "paper"
    same_scope: bool | None = None
    total: int = 0
    step: float | None = None
    pairing: str = ""
    planned: int = 0
    halfway: tuple[float, ...] = ()
    substitutes: int = 0
    released: bool = False

    def __post_init__(self) -> None:
        if self.halfway and len(self.halfway) != len(self.values):
            raise ValueError(f"{len(self.values)} values need as many from halfway, not {len(self.halfway)}")
        if len(self.values) != len(self.seeds) or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"{len(self.values)} values need as many different seeds, not {self.seeds}")
        if not set(self.failed) <= set(self.seeds):
            raise ValueError(f"failed seeds {self.failed} are not all among {self.seeds}")

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def failures(self) -> int:
        return len(self.failed)

    @property
    def by_seed(self) -> list[float]:
        """The values in the order of their seeds, so that paired samples line up."""
        return [value for _, value in sorted(zip(self.seeds, self.values, strict=True))]

    def converged(self) -> "Sample":
        """Without the failed runs: for the sensitivity analysis alone."""
        return self._of(seed for seed in self.seeds if seed not in self.failed)

    def first(self, count: int) -> "Sample":
        """The runs of the lowest seeds."""
        return self._of(sorted(self.seeds)[:count])

    def changes(self) -> "Sample":
        """The change of each run's value in the second half of training."""
        values = tuple(end - half for end, half in zip(self.values, self.halfway, strict=True))
        return msgspec.structs.replace(self, values=values, halfway=(), substitutes=0)

    def _of(self, seeds: Iterable[int]) -> "Sample":
        wanted = set(seeds)
        at = [index for index, seed in enumerate(self.seeds) if seed in wanted]
        return msgspec.structs.replace(
            self,
            values=tuple(self.values[index] for index in at),
            seeds=tuple(self.seeds[index] for index in at),
            halfway=tuple(self.halfway[index] for index in at) if self.halfway else (),
            failed=tuple(seed for seed in self.failed if seed in wanted),
        )

    @property
    def test_set_variance(self) -> float:
        """The variance of a mean of percentages by images that stand in for the published test set; 0 without such."""
        mean = float(np.mean(self.values)) / 100
        return 1e4 * mean * (1 - mean) / self.substitutes if self.substitutes else 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One variant's runs in numbers, in the claim's unit; intervals are 95 %. No mean where a run has no number.

    failure_interval: Wilson interval of the share of failed runs, in percent.
    checkpoint: Wilson interval of a single run's accuracy, over its test images.
    released: as `Sample` has it.
    """

    n: int
    failures: int
    mean: float | None
    sd: float | None = None
    interval: Interval | None = None
    failure_interval: Interval | None = None
    checkpoint: Interval | None = None
    total: int = 0
    released: bool = False


class Contrast(NamedTuple):
    """First minus second sample. p: of "the first is better", opposite: of "the second is better", both one-sided.

    estimate: of the difference.
    n: runs of the sample with fewer.
    """

    estimate: Estimate
    p: float
    opposite: float
    interval: Interval
    paired: bool
    n: int

    @property
    def value(self) -> float:
        return self.estimate.value

    @property
    def draw(self) -> float:
        """Standard deviation of the difference of two single runs."""
        return self.estimate.draw

    def inside(self, margin: float) -> bool:
        """Equivalence: two one-sided tests at 2.5 %, that is, the 95 % interval inside the margin."""
        return self.interval.inside(Interval(-margin, margin))


def in_words(found: Contrast) -> str:
    """A difference with its interval and p."""
    return f"{found.value:+.1f} points [{found.interval.low:+.1f}, {found.interval.high:+.1f}], p = {found.p:.2g}"


def are_paired(samples: Sequence[Sample]) -> bool:
    """Whether a seed means the same in all samples, and all have the same seeds."""
    first = samples[0]
    return bool(first.pairing) and all(
        sample.pairing == first.pairing and set(sample.seeds) == set(first.seeds) for sample in samples[1:]
    )


def contrast(first: Sample, second: Sample, sign: int = 1, binary: bool = False) -> Contrast:
    """Compare two samples of at least one run each.

    Args:
        sign: -1 where less is better.
        binary: the values are 0 or 100, one failed or succeeded run each; exact tests of shares then, never paired.
    """
    a, b = first.by_seed, second.by_seed
    paired = not binary and are_paired([first, second])
    estimate = statistics.difference(a, b, paired, step=max(first.step or 0.0, second.step or 0.0))
    # As if the two networks' errors fell on different images: on the same ones the difference varies less.
    variance = first.test_set_variance + second.test_set_variance
    estimate = estimate.widened(variance)
    interval = estimate.interval()
    if binary:
        p, opposite = statistics.p_more_often(a, b), statistics.p_more_often(b, a)
        # Equal shares of few runs have no variance, and so no t interval worth the name.
        interval = statistics.share_difference(a, b, 0.95)
    elif min(first.n, second.n) < 2:
        p = opposite = 1.0
    elif variance:
        p, opposite = estimate.p_above(0), estimate.p_below(0)
    else:
        p, opposite = statistics.p_greater(a, b, paired), statistics.p_greater(b, a, paired)
    if sign < 0:
        p, opposite = opposite, p
    return Contrast(estimate, p, opposite, interval, paired, min(first.n, second.n))


def summarise(sample: Sample, deterministic: bool = False, binary: bool = False, percent: bool = True) -> Summary:
    """The numbers always shown beside a verdict.

    Args:
        deterministic: counts and sizes, which have no interval.
        binary: the values are 0 or 100, one failed or succeeded run each; the interval is Wilson's then.
        percent: the values are percentages, so that no interval leaves 0 to 100.
    """
    if not all(math.isfinite(value) for value in sample.values):
        return Summary(n=sample.n, failures=sample.failures, mean=None, total=sample.total)
    mean = float(np.mean(sample.values))
    if deterministic:
        return Summary(n=sample.n, failures=sample.failures, mean=mean)
    checkpoint = None
    if sample.n == 1 and sample.total and 0 <= mean <= 100:
        checkpoint = statistics.wilson(mean / 100 * sample.total, sample.total).times(100)
    estimate = statistics.mean_of(sample.values, sample.step or 0.0)
    interval = estimate.interval().limited()
    if binary:
        interval = statistics.wilson(mean / 100 * sample.n, sample.n).times(100)
    elif interval and percent:
        interval = Interval(max(interval.low, 0.0), min(interval.high, 100.0))
    return Summary(
        n=sample.n,
        failures=sample.failures,
        mean=mean,
        sd=estimate.draw if sample.n > 1 else None,
        interval=interval,
        failure_interval=statistics.wilson(sample.failures, sample.n).times(100),
        checkpoint=checkpoint,
        total=sample.total,
        released=sample.released,
    )
