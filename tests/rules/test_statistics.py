"""The tests behind the verdicts against closed forms, scipy and statsmodels, and the power that was promised."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from repro.rules import statistics
from repro.rules.interval import Interval
from repro.rules.statistics import Estimate

A = [67.1, 67.9, 66.4, 68.2, 67.3]
B = [66.0, 66.9, 65.1, 67.4, 66.8]
C = [70.1, 61.0, 66.2]


# ---- Intervals and tests ----


def equivalence(estimate: statistics.Estimate, margin: float) -> float:
    """TOST: p of "the true value is inside (-margin, margin)"."""
    return max(estimate.p_above(-margin), estimate.p_below(margin))


def test_the_interval_of_a_mean_is_the_textbook_one():
    # t with 2 degrees of freedom at 97.5 %: 4.3027; the values 1, 2, 3 have mean 2 and deviation 1.
    low, high = statistics.mean_of([1, 2, 3]).interval()
    assert (low, high) == pytest.approx((2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), abs=1e-4)


def test_estimates_agree_with_scipy():
    theirs: Any  # scipy's types do not know their own results
    for paired, a, b, theirs in (
        (True, A, B, stats.ttest_rel(A, B, alternative="greater")),
        (False, A, B, stats.ttest_ind(A, B, equal_var=False, alternative="greater")),
        (False, A, C, stats.ttest_ind(A, C, equal_var=False, alternative="greater")),
    ):
        ours = statistics.difference(a, b, paired)
        assert ours.p_above(0) == pytest.approx(theirs.pvalue)
        assert ours.df == pytest.approx(theirs.df)
        assert statistics.p_greater(a, b, paired) == pytest.approx(theirs.pvalue)
    two_sided = stats.ttest_ind(A, C, equal_var=False).confidence_interval(0.95)
    assert statistics.welch_difference(A, C).interval(0.95) == pytest.approx(tuple(two_sided))


def test_equivalence_agrees_with_statsmodels():
    assert equivalence(statistics.welch_difference(A, B), 2) == pytest.approx(
        ttost_ind(np.array(A), np.array(B), -2, 2, usevar="unequal")[0]
    )
    assert equivalence(statistics.paired_difference(A, B), 2) == pytest.approx(
        ttost_paired(np.array(A), np.array(B), -2, 2)[0]
    )


def test_equivalence_at_5_percent_is_the_90_percent_interval_inside_the_margin():
    estimate = statistics.paired_difference(A, B)
    low, high = estimate.interval(0.90)
    assert high == pytest.approx(max(abs(low), high))
    assert equivalence(estimate, high * 1.001) < 0.05 < equivalence(estimate, high * 0.999)


def test_the_prediction_interval_adds_one_draw_per_original_run():
    sd, t = statistics.deviation(A), stats.t.ppf(0.975, 4)
    for runs in (1, 4):
        half = t * sd * math.sqrt(1 / 5 + 1 / runs)
        mean = np.mean(A)
        assert statistics.mean_of(A).prediction(runs) == pytest.approx((mean - half, mean + half))


def test_one_run_has_no_limits():
    assert statistics.mean_of([67.0]).interval() == (-math.inf, math.inf)
    assert statistics.welch_difference([67.0], B).interval() == (-math.inf, math.inf)
    assert Interval(-math.inf, math.inf).limited() is None
    assert statistics.probability_bound([99.0], B) == pytest.approx(0.05)


def test_values_without_variance_are_points_and_are_judged_by_permutations():
    assert statistics.mean_of([10.0, 10.0, 10.0]).interval() == (10, 10)
    three = statistics.p_greater([20.0] * 3, [10.0] * 3, paired=False)
    assert three == pytest.approx(1 / 20)
    assert statistics.p_greater([20.0] * 4, [10.0] * 4, paired=False) == pytest.approx(1 / 70)
    assert statistics.p_greater([20.0] * 3, [10.0] * 3, paired=True) == pytest.approx(1 / 8)
    # The same difference at every seed, though not the same binary fraction.
    assert statistics.p_greater([60.76, 61.5, 61.2], [60.75, 61.49, 61.19], paired=True) == pytest.approx(1 / 8)
    assert statistics.p_greater([10.0] * 4, [20.0] * 4, paired=False) == 1
    assert statistics.p_greater([10.0] * 4, [10.0] * 4, paired=False) == 1


def test_truncation_is_a_deviation_of_its_own():
    # Truncated to whole percent, equal values still hide a uniform error.
    assert statistics.deviation([67.0, 67.0, 67.0], step=1.0) == pytest.approx(1 / math.sqrt(12))
    assert statistics.deviation(A, step=1.0) == statistics.deviation(A)


# ---- P(A > B) ----


def test_the_probability_of_superiority_counts_pairs():
    assert statistics.probability_greater([1, 2, 3], [0, 2, 9], paired=True) == pytest.approx((1 + 0.5 + 0) / 3)
    assert statistics.probability_greater([1, 2], [1, 3], paired=False) == pytest.approx((0.5 + 0 + 1 + 0) / 4)
    assert statistics.probability_greater(A, [0.0] * 5, paired=False) == 1


@pytest.mark.parametrize(("wins", "n"), [(0, 3), (3, 3), (5, 5), (7, 8), (5, 9), (10, 10)])
def test_the_bound_of_superiority_is_clopper_and_pearsons(wins: int, n: int):
    a = [1.0] * wins + [0.0] * (n - wins)
    exact = stats.binomtest(wins, n, alternative="greater").proportion_ci(0.95, method="exact").low
    assert statistics.probability_bound(a, [0.5] * n) == pytest.approx(exact)
    # A tie is no win, and a run without a partner no comparison.
    assert statistics.probability_bound([*a, 9.0], [0.5] * n) == pytest.approx(exact)
    assert statistics.probability_bound(a, a) == 0


def test_the_bootstrap_interval_of_a_difference_is_near_the_t_interval_for_many_runs():
    rng = np.random.default_rng(6)
    a, b = rng.normal(1, 1, 200), rng.normal(0, 1, 200)
    for paired in (True, False):
        ours = statistics.bootstrap_interval(a, b, paired, seed=1)
        assert ours == pytest.approx(statistics.difference(a, b, paired).interval(), abs=0.04)


# ---- Counts, ranks, trends, families ----


def test_shares_are_compared_exactly():
    # Of 3 and 3, all against none: one arrangement in 20.
    assert statistics.p_more_often([100] * 3, [0] * 3) == pytest.approx(1 / 20)
    low, high = statistics.share_difference([0, 0], [0, 0], 0.90)
    assert low < -40
    assert high > 40


def test_wilson_is_the_closed_form():
    z, n, p = stats.norm.ppf(0.975), 10_000, 0.9
    centre, half = (p + z * z / (2 * n)) / (1 + z * z / n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    half /= 1 + z * z / n
    assert statistics.wilson(9_000, n) == pytest.approx((centre - half, centre + half))


@pytest.mark.parametrize(
    ("percent", "total", "half"), [(99, 10_000, 0.20), (90, 10_000, 0.59), (80, 10_000, 0.78), (57.5, 50_000, 0.43)]
)
def test_wilson_half_widths_are_as_planned(percent: float, total: int, half: float):
    low, high = statistics.wilson(percent / 100 * total, total)
    assert 50 * (high - low) == pytest.approx(half, abs=0.006)


def test_holm_by_hand():
    # Sorted .01 .02 .04 times 3, 2, 1, never falling.
    assert statistics.holm([0.02, 0.01, 0.04]) == pytest.approx([0.04, 0.03, 0.04])
    assert statistics.holm([0.6, 0.9]) == [1.0, 1.0]
    assert statistics.holm([]) == []
    many = np.random.default_rng(4).uniform(0, 0.2, 12)
    assert statistics.holm(many) == pytest.approx(multipletests(many, method="holm")[1])


def test_ranks_ignore_how_far_a_collapsed_run_falls():
    near, far = [60.0, 71.0, 72.0, 73.0], [10.0, 71.0, 72.0, 73.0]
    low = [61.0, 61.5, 62.0, 62.5]
    assert statistics.rank_p_greater(near, low, False) == statistics.rank_p_greater(far, low, False)
    assert statistics.rank_p_greater(A, A, True) == 1


@pytest.mark.parametrize("paired", [True, False])
def test_trends_rise_fall_or_neither(paired: bool):
    rng = np.random.default_rng(3)
    rising = [list(60 + 3 * k + rng.normal(0, 0.5, 4)) for k in range(4)]
    assert statistics.p_trend(rising, paired) < 0.001
    assert statistics.p_trend(rising[::-1], paired) > 0.99
    assert statistics.p_trend([[10.0], [10.0], [10.0]], paired) == 1
    assert statistics.p_trend([[10.0] * 3] * 3, paired) > 0.4


# ---- Power: the tables the margins were chosen by (from simulations; here closed forms and simulations) ----


def simulated(n: int, runs: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations of `runs` samples of n standard normal values."""
    values = np.random.default_rng(seed).normal(size=(runs, n))
    return values.mean(axis=1), values.std(axis=1, ddof=1)


@pytest.mark.parametrize(
    ("ratio", "n", "power"),
    [
        (1, 3, 0.13), (1, 5, 0.29), (1, 6, 0.41), (1, 8, 0.63), (1, 10, 0.80), (1, 15, 0.96), (1, 20, 0.99),
        (1.5, 3, 0.33), (1.5, 5, 0.73), (1.5, 6, 0.86), (1.5, 8, 0.97), (1.5, 10, 0.99),
        (2, 3, 0.56), (2, 5, 0.95), (2, 6, 0.99), (3, 3, 0.88),
    ],
)  # fmt: skip
def test_power_of_equivalence(ratio: float, n: int, power: float):
    assert statistics.power_equivalence(ratio, 1.0, n) == pytest.approx(power, abs=0.03)
    mean, sd = simulated(n)
    half = stats.t.ppf(0.95, n - 1) * sd / math.sqrt(n)
    assert np.mean((mean - half > -ratio) & (mean + half < ratio)) == pytest.approx(power, abs=0.03)


@pytest.mark.parametrize(
    ("ratio", "powers"),
    [
        (2, (0.38, 0.67, 0.83, 0.89)),
        (2.5, (0.56, 0.84, 0.93, 0.96)),
        (3, (0.73, 0.93, 0.98, 0.99)),
        (4, (0.92, 0.99, 1, 1)),
    ],
)
def test_power_where_the_published_value_is_a_draw_too(ratio: float, powers: tuple[float, ...]):
    for n, power in zip((3, 5, 10, 20), powers, strict=True):
        mean, sd = simulated(n)
        difference = mean - np.random.default_rng(1).normal(size=mean.size)
        half = stats.t.ppf(0.95, n - 1) * sd / math.sqrt(n)
        passed = (difference - half > -ratio) & (difference + half < ratio)
        assert np.mean(passed) == pytest.approx(power, abs=0.03)


@pytest.mark.parametrize(
    ("effect", "powers"),
    [
        (0.5, (0.10, 0.17, 0.24, 0.28, 0.38, 0.47, 0.59)),
        (1, (0.22, 0.40, 0.59, 0.70, 0.84, 0.93, 0.98)),
        (1.5, (0.39, 0.68, 0.88, 0.94, 0.99, 1, 1)),
        (2, (0.58, 0.88, 0.98, 1, 1, 1, 1)),
        (3, (0.87, 0.99, 1, 1, 1, 1, 1)),
    ],
)
def test_power_of_welchs_test(effect: float, powers: tuple[float, ...]):
    for n, power in zip((3, 5, 8, 10, 15, 20, 29), powers, strict=True):
        rng = np.random.default_rng(2)
        result: Any = stats.ttest_ind(
            rng.normal(effect, 1, (5_000, n)), rng.normal(0, 1, (5_000, n)), axis=1, equal_var=False,
            alternative="greater",
        )  # fmt: skip
        assert np.mean(result.pvalue < 0.05) == pytest.approx(power, abs=0.03)
        # The closed form is of the test with one common deviation, which is stronger for very few runs.
        closed = statistics.power_superiority(effect, 1.0, n, paired=False)
        assert closed == pytest.approx(power, abs=0.03 if n >= 5 else 0.07)


def test_power_of_superiority_is_statsmodels():
    for n in (3, 10, 30):
        assert statistics.power_superiority(0.7, 1.0, n, True) == pytest.approx(
            TTestPower().power(0.7, n, 0.05, alternative="larger")
        )
        assert statistics.power_superiority(0.7, 1.0, n, False) == pytest.approx(
            TTestIndPower().power(0.7, n, 0.05, alternative="larger")
        )


def test_seeds_needed_is_the_first_number_that_is_enough():
    def enough(n: int) -> bool:
        return statistics.power_superiority(0.7, 1.0, n, paired=True) >= 0.8

    found = statistics.seeds_needed(enough)
    assert found is not None
    assert enough(found)
    assert not enough(found - 1)
    assert statistics.seeds_needed(lambda n: n >= 1000) == 1000
    assert statistics.seeds_needed(lambda n: n >= 1001) is None
    assert statistics.seeds_needed(lambda n: True, start=6) == 6


def test_estimates_can_be_moved_and_turned():
    estimate = Estimate(1.0, 0.5, 4, 1.0)
    assert estimate.moved(-1).value == 0
    assert estimate.negated().interval() == estimate.interval().times(-1)[::-1]
    assert estimate.p_below(0) == pytest.approx(1 - estimate.p_above(0))
