"""The tests behind the verdicts: scipy and statsmodels, in the few forms that the rule needs.

Every mean, difference or log ratio becomes an `Estimate`, from which the t intervals, the one-sided tests and the
equivalence test (two one-sided tests at 2.5 %: the 95 % interval inside the margins) are read. Intervals of one
run are infinite, so that too few seeds never decide anything.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import special, stats

from repro.rules.interval import Interval

POWER = 0.8  # the chance of a decision that "seeds needed" promises
MOST_SEEDS = 1000  # beyond this no number of seeds is named
RESAMPLES = 9999

Values = Sequence[float] | np.ndarray


class Estimate(NamedTuple):
    """A value with its standard error, degrees of freedom, and the standard deviation of a single draw of it."""

    value: float
    error: float
    df: float
    draw: float

    def interval(self, level: float = 0.95) -> Interval:
        """The two-sided t interval; a point where the error is 0."""
        return self._around(self.error, level)

    def prediction(self, runs: int = 1) -> Interval:
        """The prediction interval of the difference to a mean of `runs` further runs of the same process."""
        return self._around(math.sqrt(self.error**2 + self.draw**2 / runs))

    def p_above(self, bound: float) -> float:
        """One-sided p of "the true value is above `bound`"."""
        distance = self.value - bound
        if self.error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(special.stdtr(self.df, -distance / self.error))

    def p_below(self, bound: float) -> float:
        return self.negated().p_above(-bound)

    def moved(self, by: float) -> "Estimate":
        return self._replace(value=self.value + by)

    def negated(self) -> "Estimate":
        return self._replace(value=-self.value)

    def widened(self, variance: float) -> "Estimate":
        """With an independent error of this variance added, which more runs do not reduce."""
        return self._replace(error=math.sqrt(self.error**2 + variance), draw=math.sqrt(self.draw**2 + variance))

    def _around(self, error: float, level: float = 0.95) -> Interval:
        if math.isinf(error):
            return Interval(-math.inf, math.inf)
        half = float(special.stdtrit(self.df, (1 + level) / 2)) * error
        return Interval(self.value - half, self.value + half)


class Proportion(NamedTuple):
    """A share of test images in percent, moved by `shift`; read as an `Estimate` is, by Wilson's interval.

    For one network that was published: another measurement of it, such as the published one, is no draw of a seed.
    """

    hits: int
    total: int
    shift: float = 0.0

    @property
    def value(self) -> float:
        return 100 * self.hits / self.total + self.shift

    def interval(self, level: float = 0.95) -> Interval:
        return wilson(self.hits, self.total, level).times(100).moved(self.shift)

    def prediction(self, runs: int = 1) -> Interval:
        """The interval itself: the published value is of the same network."""
        return self.interval()

    def negated(self) -> "Proportion":
        return Proportion(self.total - self.hits, self.total, -100 - self.shift)


def deviation(values: Values, step: float = 0.0) -> float:
    """Standard deviation (n - 1), at least that of the rounding to multiples of `step`; infinite for a single value."""
    if len(values) < 2:
        return math.inf
    # Equal values are exactly equal: a mean off by one unit in the last place is no variance.
    spread = 0.0 if min(values) == max(values) else float(np.std(values, ddof=1))
    return max(spread, step / math.sqrt(12))


def mean_of(values: Values, step: float = 0.0) -> Estimate:
    """The mean of the runs of one variant."""
    sd = deviation(values, step)
    return Estimate(float(np.mean(values)), sd / math.sqrt(len(values)), max(len(values) - 1, 1), sd)


def paired_difference(a: Values, b: Values, step: float = 0.0) -> Estimate:
    """Mean of a - b over runs that share the seed; the test on it is the paired t test."""
    # Differences that are equal are exactly equal: what binary fractions make of 60.76 - 60.75 is no variance.
    differences = [round(x - y, 9) for x, y in zip(a, b, strict=True)]
    # A difference of two values that are both multiples of `step`.
    return mean_of(differences, step * math.sqrt(2))


def welch_difference(a: Values, b: Values, step: float = 0.0) -> Estimate:
    """Mean of a minus mean of b for independent runs, with Welch's degrees of freedom."""
    first, second = mean_of(a, step), mean_of(b, step)
    value = first.value - second.value
    error = math.hypot(first.error, second.error)
    draw = math.hypot(first.draw, second.draw)
    if math.isinf(error):
        return Estimate(value, math.inf, 1, math.inf)
    if error == 0:
        return Estimate(value, 0.0, first.df + second.df, 0.0)
    # As shares of the whole, because fourth powers of tiny errors underflow.
    share_a, share_b = (first.error / error) ** 2, (second.error / error) ** 2
    return Estimate(value, error, 1 / (share_a**2 / first.df + share_b**2 / second.df), draw)


def difference(a: Values, b: Values, paired: bool, step: float = 0.0) -> Estimate:
    return paired_difference(a, b, step) if paired else welch_difference(a, b, step)


def p_greater(a: Values, b: Values, paired: bool) -> float:
    """One-sided p of "a is greater than b": paired t or Welch.

    Where nothing varies (every run of both at its own constant, as collapsed runs are) t is undefined, and the exact
    permutation test takes its place: 3 runs against 3 can then not pass 0.05.
    """
    if deviation(a) > 0 or deviation(b) > 0:
        estimate = difference(a, b, paired)
        if estimate.error > 0:
            return estimate.p_above(0)
    if a[0] <= b[0]:
        return 1.0
    return 0.5 ** len(a) if paired else 1 / math.comb(len(a) + len(b), len(a))


def p_more_often(a: Values, b: Values) -> float:
    """One-sided p of "a happens more often than b" for values that are either 0 or not: Fisher's exact test."""
    hits_a, hits_b = int(np.count_nonzero(a)), int(np.count_nonzero(b))
    table = [[hits_a, len(a) - hits_a], [hits_b, len(b) - hits_b]]
    return _p(stats.fisher_exact(table, alternative="greater"))


def rank_p_greater(a: Values, b: Values, paired: bool) -> float:
    """The same by ranks alone, which a single collapsed run cannot sway: Wilcoxon signed rank or Mann-Whitney."""
    if not paired:
        return _p(stats.mannwhitneyu(a, b, alternative="greater"))
    if all(x == y for x, y in zip(a, b, strict=True)):
        return 1.0
    return _p(stats.wilcoxon(a, b, alternative="greater"))


def _p(result: Any) -> float:
    """Out of a result object of scipy, whose types say nothing."""
    return float(result.pvalue)


def probability_greater(a: Values, b: Values, paired: bool) -> float:
    """P(A > B): the share of pairs in which a wins, ties counting half."""
    a, b = np.asarray(a), np.asarray(b)
    return float(_won(a, b).mean() if paired else _won(a[:, None], b[None, :]).mean())


def probability_bound(a: Values, b: Values) -> float:
    """The exact one-sided lower 95 % bound of P(A > B), by Clopper and Pearson.

    Runs are put side by side in the order of their seeds, each used once, so that the comparisons are independent; ties
    count as lost. Three wins of three give 0.37, five of five 0.55.
    """
    n = min(len(a), len(b))
    wins = sum(x > y for x, y in zip(a, b, strict=False))
    return float(stats.beta.ppf(0.05, wins, n - wins + 1)) if wins else 0.0


def bootstrap_interval(a: Values, b: Values, paired: bool, seed: int, resamples: int = RESAMPLES) -> Interval:
    """The 95 % BCa interval of the mean difference."""
    if min(len(a), len(b)) < 2:
        return Interval(-math.inf, math.inf)
    a, b = np.asarray(a, float), np.asarray(b, float)
    if np.ptp(a - b) == 0 if paired else np.ptp(a) == 0 and np.ptp(b) == 0:
        # Every resample gives the same number.
        value = float(_mean_difference(a, b))
        return Interval(value, value)
    with warnings.catch_warnings():
        # The correction is undefined where the leave-one-out values all agree; answered below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            (a, b),
            _mean_difference,
            paired=paired,
            vectorized=True,
            n_resamples=resamples,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
    low, high = result.confidence_interval
    if math.isnan(low) or math.isnan(high):
        low, high = np.percentile(result.bootstrap_distribution, (2.5, 97.5))
    return Interval(float(low), float(high))


def _won(a, b):
    return (a > b) + 0.5 * (a == b)


def _mean_difference(a, b, axis: int = -1):
    return a.mean(axis=axis) - b.mean(axis=axis)


def p_trend(columns: Sequence[Values], paired: bool) -> float:
    """One-sided p of "the values grow along the columns" (at least 3).

    Page's test where each seed has a value in every column, else Spearman's correlation of value and position.
    """
    if min(len(column) for column in columns) < 1 or sum(len(column) for column in columns) <= len(columns):
        return 1.0
    if paired:
        table = np.array(columns, float).T
        if len(table) < 2:
            return 1.0
        # The exact distribution takes seconds where seeds x variants is large, and the normal one is then good.
        method = "exact" if table.size <= 60 and table.shape[1] <= 8 else "asymptotic"
        return _p(stats.page_trend_test(table, method=method))
    values = np.concatenate([np.asarray(column, float) for column in columns])
    if np.ptp(values) == 0:
        return 1.0
    positions = np.repeat(np.arange(len(columns)), [len(column) for column in columns])
    return _p(stats.spearmanr(positions, values, alternative="greater"))


def share_difference(a: Values, b: Values, level: float) -> Interval:
    """Newcombe's interval of the difference between two shares, for values that are either 0 or 100; in points."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    hits = int(np.count_nonzero(a)), int(np.count_nonzero(b))
    limits: Any = confint_proportions_2indep(
        hits[0], len(a), hits[1], len(b), method="newcomb", compare="diff", alpha=1 - level
    )
    return Interval(*map(float, limits)).times(100)


def holm(p_values: Values) -> list[float]:
    """Holm-adjusted p values, in the order given."""
    # By hand, because statsmodels' multipletests collects all garbage at each call, which takes a tenth of a second.
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * np.asarray(p_values, float)[order]))
    return adjusted.tolist()


def wilson(hits: float, total: int, level: float = 0.95) -> Interval:
    """Wilson interval of a share, as fractions: failures among runs, or one checkpoint's correct test images."""
    return Interval(*map(float, stats.binomtest(round(hits), total).proportion_ci(level, method="wilson")))


def paired_loss(before: np.ndarray, after: np.ndarray) -> tuple[float, Interval]:
    """Points lost on the same images (bool [N], right or not), and their 95 % interval.

    The interval is Agresti and Min's (2005): Wald's with half an image added to each cell of the two-by-two table.
    """
    lost, gained = int((before & ~after).sum()), int((~before & after).sum())
    total = len(before)
    a, b, n = lost + 0.5, gained + 0.5, total + 2
    middle, half = (a - b) / n, 1.959964 * math.sqrt((a + b) - (a - b) ** 2 / n) / n
    return 100 * (lost - gained) / total, Interval(100 * (middle - half), 100 * (middle + half))


def mean_interval(values: np.ndarray, seed: int = 0, resamples: int = 2_000) -> Interval:
    """The 95 % bootstrap interval (percentiles) of a mean, for values of which a few are far larger than the others."""
    drawn = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    low, high = np.percentile(values[drawn].mean(1), (2.5, 97.5))
    return Interval(float(low), float(high))


def power_equivalence(margin: float, sd: float, n: int, shift: float = 0.0, alpha: float = 0.05) -> float:
    """Chance that n runs show equivalence by TOST at level `alpha`, where the true difference is `shift`."""
    if sd == 0:
        return float(abs(shift) < margin)
    if n < 2:
        return 0.0
    # For each possible sample deviation the chance that the mean lies well enough inside.
    reach = special.stdtrit(n - 1, 1 - alpha) * _possible_deviations(n)
    root = math.sqrt(n) / sd
    chance = special.ndtr(root * (margin - shift) - reach) - special.ndtr(-root * (margin + shift) + reach)
    return float(np.clip(chance, 0, None).mean())


@cache
def _possible_deviations(n: int) -> np.ndarray:
    """Deviations of n runs, as multiples of the true one: 100 values, equally likely."""
    return np.sqrt(special.chdtri(n - 1, (np.arange(100) + 0.5) / 100) / (n - 1))


def power_superiority(effect: float, sd: float, n: int, paired: bool, alpha: float = 0.05) -> float:
    """Chance that n runs per variant show a true difference `effect` > 0 in the one-sided t test.

    sd: of the paired differences, or of one variant's runs (both variants alike).
    """
    if sd == 0:
        return float(effect > 0)
    if n < 2:
        return 0.0
    df, root = (n - 1, math.sqrt(n)) if paired else (2 * n - 2, math.sqrt(n / 2))
    return 1 - float(special.nctdtr(df, effect / sd * root, special.stdtrit(df, 1 - alpha)))


def seeds_needed(enough: Callable[[int], bool], start: int = 2) -> int | None:
    """The smallest number of seeds that is enough; None above `MOST_SEEDS`. `enough` must not turn false again."""
    if enough(start):
        return start
    low, high = start, start
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
