"""The rule: examples of each verdict, its error rates on simulated runs, and that exactly one verdict always holds."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from repro.planning import experiments
from repro.rules import statistics
from repro.rules.case import NO_CONTROL, Case
from repro.rules.claim import OUTCOMES, Claim
from repro.rules.registry import Adjusted
from repro.rules.samples import Sample
from repro.rules.verdicts import Verdict, find, judge, judge_family

from .examples import EXACT, NO_LOSS, ORDERING, POINT, RATIO, TREND, change, sample

NEAR_67 = [66.8, 67.1, 67.3, 66.9, 67.2]
NEAR_70 = [69.8, 70.1, 70.3, 69.9, 70.2]
WIDE = [60.0, 74.0, 66.0, 71.0, 64.0]


def up(values: list[float], by: float) -> list[float]:
    return [value + by for value in values]


# ---- What verdicts rest on ----


def test_every_verdict_says_what_it_rests_on():
    assert judge(EXACT, {}).evidence == ""
    assert judge(EXACT, {"a": sample([740554])}).evidence == "counted"
    of_a_file = change(EXACT, metric="file_bytes", unit="bytes")
    assert judge(of_a_file, {"a": sample([675763])}).evidence == "published file"
    assert judge(POINT, {"a": sample(NEAR_67)}).evidence == "trained at full scale"
    assert judge(POINT, {"a": sample(NEAR_67, budget="laptop")}).evidence == "trained at reduced scale"
    assert judge(ORDERING, {"a": sample(NEAR_70)}).evidence == ""


# ---- Published weights ----


def released(right: int, total: int = 10_000) -> dict[str, Sample]:
    return {"a": sample([100 * right / total], total=total, released=True)}


def test_published_weights_are_judged_by_the_interval_of_their_test_images():
    verdict = judge(change(POINT, published=80), released(7_599))
    assert (verdict.verdict, verdict.evidence, verdict.measured) == ("not reproduced", "published weights", 75.99)
    # Wilson 1927, in the closed form.
    n, p, z = 10_000, 0.7599, stats.norm.ppf(0.975)
    middle, half = p + z**2 / 2 / n, z * math.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    assert verdict.interval == pytest.approx([100 * end / (1 + z**2 / n) for end in (middle - half, middle + half)])
    assert "a, as published: 76.0 %, 75.1 to 76.8 from its 10,000 test images (Wilson, 95 %)" in verdict.sentence
    assert "seed" not in verdict.reason


@pytest.mark.parametrize(
    ("right", "total", "direction", "outcome"),
    [
        (8_000, 10_000, "two-sided", "reproduced"),
        (7_950, 10_000, "two-sided", "inconclusive"),
        (7_830, 10_000, "two-sided", "inconclusive"),
        (7_815, 10_000, "two-sided", "not reproduced"),
        (8_400, 10_000, "two-sided", "not reproduced"),
        (8_400, 10_000, "at-least", "reproduced"),
        (7_815, 10_000, "at-least", "not reproduced"),
        (80, 100, "two-sided", "inconclusive"),
    ],
)
def test_the_margin_decides_of_published_weights(right: int, total: int, direction: str, outcome: str):
    verdict = judge(change(POINT, published=80, direction=direction), released(right, total))
    assert verdict.verdict == outcome
    assert verdict.seeds_needed is None
    assert verdict.badge == ("exceeded" if right == 8_400 and outcome == "reproduced" else "")


@pytest.mark.parametrize(("published", "edge"), [(80.0, 79.0), (80.0, 81.0), (57.5, 58.5), (90.0, 89.0)])
def test_published_weights_at_the_margin_are_judged_wrongly_in_at_most_5_percent(published: float, edge: float):
    """By the binomial distribution itself: as many right answers as 10,000 images can give, each with its chance."""
    outcomes = {"reproduced": 0.0, "not reproduced": 0.0}
    claim = change(POINT, published=published)
    for right in range(round(100 * edge) - 250, round(100 * edge) + 251):
        verdict = judge(claim, released(right)).verdict
        if verdict in outcomes:
            outcomes[verdict] += float(stats.binom.pmf(right, 10_000, edge / 100))
    assert 0.005 < outcomes["reproduced"] < 0.03
    assert 0.02 < outcomes["not reproduced"] < 0.03


def test_published_weights_that_are_not_here_need_no_seeds():
    (verdict,) = judge_family([POINT], {}, "published-weights", trains=False)
    assert (verdict.verdict, verdict.evidence, verdict.seeds_needed) == ("inconclusive", "", None)
    assert verdict.reason == "not run: repro run published-weights"


# ---- Points ----


def test_a_point_is_reproduced_inside_its_margin():
    verdict = judge(POINT, {"a": sample(NEAR_67)})
    assert verdict.verdict == "reproduced"
    assert verdict.measured == pytest.approx(np.mean(NEAR_67))
    assert verdict.interval == pytest.approx(stats.ttest_1samp(NEAR_67, 67).confidence_interval(0.95))
    assert verdict.difference_interval == pytest.approx(
        [limit - 67 for limit in stats.ttest_1samp(NEAR_67, 67).confidence_interval(0.95)]
    )
    assert (verdict.level, verdict.n, verdict.failures) == (95, 5, 0)
    assert verdict.claim_hash == POINT.hash()


def test_a_point_far_away_is_not_reproduced_and_a_vague_one_is_inconclusive():
    assert judge(POINT, {"a": sample(NEAR_70)}).verdict == "not reproduced"
    vague = judge(POINT, {"a": sample(WIDE)})
    assert vague.verdict == "inconclusive"
    assert vague.seeds_needed is not None
    assert vague.seeds_needed > 50
    assert str(vague.seeds_needed) in vague.reason


def test_nobody_is_accused_of_what_the_published_runs_own_seed_noise_explains():
    # 1.5 points off, which these means rule out, but a single run of this spread would not.
    values = up([-1.2, -0.6, 0.0, 0.6, 1.2] * 6, 68.5)
    assert judge(POINT, {"a": sample(values)}).verdict == "inconclusive"
    # The published value being the mean of many runs, the same distance counts.
    assert judge(change(POINT, original_runs=30), {"a": sample(values)}).verdict == "not reproduced"


def test_more_than_claimed_exceeds_an_at_least_claim_and_contradicts_a_two_sided_one():
    at_least = change(POINT, direction="at-least")
    verdict = judge(at_least, {"a": sample(NEAR_70)})
    assert (verdict.verdict, verdict.badge) == ("reproduced", "exceeded")
    assert judge(at_least, {"a": sample(NEAR_67)}).badge == ""
    assert judge(at_least, {"a": sample(up(NEAR_67, -3))}).verdict == "not reproduced"
    at_most = change(POINT, direction="at-most")
    assert judge(at_most, {"a": sample(NEAR_70)}).verdict == "not reproduced"
    assert judge(at_most, {"a": sample(up(NEAR_67, -3))}).badge == "exceeded"


def test_failed_runs_leave_a_point_inconclusive_unless_failing_is_the_claim():
    values = [*NEAR_67, *NEAR_67]
    nine_and_one = judge(POINT, {"a": sample(values, failed=(3,))})
    assert nine_and_one.verdict == "reproduced"  # one in ten, its value being like the others'
    two = judge(POINT, {"a": sample(values, failed=(3, 4))})
    assert (two.verdict, two.failures, two.converged_only) == ("inconclusive", 2, "reproduced")
    assert "2 of 10 runs of a failed" in two.reason
    dead = change(POINT, published=10, collapse=True)
    assert judge(dead, {"a": sample([10.0] * 5, failed=range(5))}).verdict == "reproduced"


def test_one_run_decides_nothing_but_shows_the_interval_of_its_test_set():
    verdict = judge(POINT, {"a": sample([67.0], total=10_000)})
    assert (verdict.verdict, verdict.interval, verdict.difference_interval) == ("inconclusive", None, None)
    assert verdict.seeds_needed == 5
    checkpoint = verdict.variants["a"].checkpoint
    assert checkpoint is not None
    assert checkpoint[1] - checkpoint[0] == pytest.approx(2 * 0.92, abs=0.01)


def test_truncated_percentages_do_not_pass_for_certainty():
    notebook = change(POINT, protocol="notebook", margin=0.75)
    # Equal integers have no spread, but they hide up to a point each.
    assert judge(notebook, {"a": sample([67, 67, 67])}).verdict == "reproduced"
    assert judge(notebook, {"a": sample([67, 67])}).verdict == "inconclusive"
    assert judge(change(notebook, protocol="described"), {"a": sample([67, 67])}).verdict == "reproduced"


# ---- Budgets and what is missing ----


def test_a_point_is_not_testable_at_a_smaller_budget_and_says_what_would_test_it():
    verdict = judge(POINT, {"a": sample(NEAR_67, budget="laptop")}, "table1")
    assert verdict.verdict == "not testable"
    assert "repro run table1 --budget paper" in verdict.reason
    assert verdict.measured == pytest.approx(np.mean(NEAR_67))  # the numbers are shown all the same
    assert judge(change(POINT, budget="laptop"), {"a": sample(NEAR_67, budget="laptop")}).verdict == "reproduced"


def test_orderings_are_judged_at_reduced_scale_but_not_on_stand_in_images():
    def verdict(budget: str) -> Verdict:
        return judge(ORDERING, {"a": sample(NEAR_70, budget=budget), "b": sample(NEAR_67, budget=budget)}, "x")

    assert (verdict("paper").verdict, verdict("paper").badge) == ("reproduced", "")
    assert (verdict("laptop").verdict, verdict("laptop").badge) == ("reproduced", "reduced scale")
    assert verdict("smoke").verdict == "not testable"
    assert "repro run x --budget laptop" in verdict("smoke").reason


def test_a_stand_in_for_data_that_cannot_be_had_is_reduced_scope():
    needs = change(POINT, needs="ImageNet")
    assert judge(needs, {}).verdict == "not testable"
    assert judge(needs, {"a": sample(NEAR_67)}).verdict == "not testable"
    assert judge(needs, {"a": sample(NEAR_67, same_scope=True)}).verdict == "reproduced"
    ordering = change(ORDERING, needs="ImageNet")
    assert judge(ordering, {"a": sample(NEAR_70), "b": sample(NEAR_67)}).badge == "reduced scale"
    other_recipe = judge(POINT, {"a": sample(NEAR_67, same_scope=False)})
    assert (other_recipe.verdict, other_recipe.reason) == (
        "not testable",
        "measured on other data, or trained by another recipe",
    )


def test_what_was_not_run_says_so_with_the_command():
    verdict = judge(POINT, {}, "table1")
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "not run: repro run table1 --budget paper")
    assert (verdict.n, verdict.measured, verdict.variants) == (0, None, {})
    half = judge(ORDERING, {"a": sample(NEAR_70)}, "x")
    assert (half.verdict, half.reason) == ("inconclusive", "b not run: repro run x --budget laptop")
    assert judge(EXACT, {}, "parameters").reason == "not run: repro run parameters"
    # That nothing is lost shows at a reduced scale only where a control was planned, seen or not.
    assert judged_at_scale(NO_LOSS, {}).reason == "not run: repro run x --budget laptop"
    assert judged_at_scale(NO_LOSS, {}, "the positive control was not seen").reason.endswith("--budget laptop")
    assert judged_at_scale(NO_LOSS, {}, NO_CONTROL).reason == "not run: repro run x --budget paper"


def test_a_run_without_a_number_is_named():
    verdict = judge(change(POINT, metric="loss", unit="nats"), {"a": sample([1.0, math.nan, 1.1])})
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "seed 1 of a has no finite loss")


# ---- Orderings ----


def test_an_ordering_needs_size_where_the_source_gives_one():
    runs = {"a": sample(NEAR_70), "b": sample(NEAR_67)}
    assert judge(change(ORDERING, effect=3.0, margin=1.5), runs).verdict == "reproduced"
    smaller = judge(change(ORDERING, effect=10.0, margin=5.0), runs)
    assert smaller.verdict == "direction only"
    assert "excludes the published +10.0 ±5 points" in smaller.reason


def test_an_ordering_is_not_reproduced_by_the_opposite_or_by_no_difference():
    assert "the opposite holds" in judge(ORDERING, {"a": sample(NEAR_67), "b": sample(NEAR_70)}).reason
    same = judge(ORDERING, {"a": sample(NEAR_67), "b": sample(up(NEAR_67[::-1], 0.05))})
    assert same.verdict == "not reproduced"
    assert same.reason.startswith("no difference")
    assert judge(ORDERING, {"a": sample(WIDE), "b": sample(up(WIDE, -2))}).verdict == "inconclusive"


def test_pairs_are_used_only_where_seeds_mean_the_same():
    # A small steady gain under large variation: seen seed by seed, and only so.
    def verdict(first: str, second: str, seeds: Sequence[int] = range(5)) -> Verdict:
        a = Sample(values=tuple(up(WIDE, 1)), seeds=(0, 1, 2, 3, 4), pairing=first)
        b = Sample(values=tuple(WIDE[seed] + 0.1 * seed for seed in seeds), seeds=tuple(seeds), pairing=second)
        return judge(ORDERING, {"a": a, "b": b})

    assert verdict("cifar10", "cifar10").verdict == "reproduced"
    assert verdict("cifar10", "cifar10", seeds=(4, 2, 0, 1, 3)).verdict == "reproduced"  # by seed, not by position
    assert verdict("cifar10", "other order").verdict == "inconclusive"
    assert verdict("", "").verdict == "inconclusive"
    assert verdict("cifar10", "cifar10", seeds=(0, 1, 2, 3)).verdict == "inconclusive"


def test_less_can_be_better():
    losses = change(ORDERING, metric="loss", unit="nats", direction="at-most", effect=-0.5, margin=0.25)
    runs = {"a": sample([1.0, 1.1, 1.05, 1.02]), "b": sample([1.5, 1.6, 1.55, 1.52])}
    assert judge(losses, runs).verdict == "reproduced"
    assert judge(losses, {"a": runs["b"], "b": runs["a"]}).verdict == "not reproduced"


def test_few_runs_at_constants_prove_no_ordering():
    # Three runs at chance against three elsewhere: one arrangement in twenty.
    assert judge(ORDERING, {"a": sample([70.0] * 3), "b": sample([10.0] * 3)}).verdict == "inconclusive"
    assert judge(ORDERING, {"a": sample([70.0] * 4), "b": sample([10.0] * 4)}).verdict == "reproduced"


def test_shares_of_failed_runs_are_compared_exactly():
    dead = change(ORDERING, metric="collapsed", margin=10.0)
    assert judge(dead, {"a": sample([100] * 8 + [0] * 2), "b": sample([0] * 10)}).verdict == "reproduced"
    assert judge(dead, {"a": sample([100] * 3 + [0] * 7), "b": sample([0] * 10)}).verdict == "inconclusive"
    # None of two against none of two is not "no difference".
    assert judge(dead, {"a": sample([0, 0]), "b": sample([0, 0])}).verdict == "inconclusive"


def test_the_bound_of_superiority_decides_from_eight_runs_on():
    # One run far ahead of the others: the means differ beyond doubt, but not that a run of A beats one of B.
    b = [60.0, 61.0, 62.0, 63.0, 64.0, 65.0, 66.0, 67.0]
    a = [68.0, 69.0, 70.0, 71.0, 72.0, 73.0, 65.0, 66.0]
    verdict = judge(ORDERING, {"a": sample(a), "b": sample(b)})
    assert verdict.p is not None
    assert verdict.p < 0.05
    assert verdict.superiority_bound == pytest.approx(stats.binomtest(6, 8).proportion_ci(0.9).low)
    assert verdict.verdict == "inconclusive"
    assert judge(ORDERING, {"a": sample(a[:7]), "b": sample(b[:7])}).verdict == "reproduced"


def test_holm_corrects_within_the_experiment_and_counts_what_is_not_run():
    claims = [change(ORDERING, id=f"claim-{i}") for i in range(4)]
    p = judge(ORDERING, borderline()).p
    assert p is not None
    assert 0.0125 < p < 0.025
    assert judge(ORDERING, borderline()).verdict == "reproduced"
    not_run = judge_family(claims, {"claim-0": borderline()}, "x")
    assert [verdict.verdict for verdict in not_run] == ["inconclusive"] * 4
    assert not_run[0].holm_p == pytest.approx(4 * p)
    # What cannot be tested at all does not count; neither do claims of other types.
    impossible = [change(claim, needs="ImageNet") for claim in claims[1:]]
    family = judge_family([claims[0], *impossible, POINT, NO_LOSS], {"claim-0": borderline()}, "x", trains=False)
    assert [verdict.verdict for verdict in family[:4]] == ["reproduced", *["not testable"] * 3]
    assert family[0].holm_p == pytest.approx(p)
    # What stand-ins could test counts from the start: else the family would grow as runs come in.
    possible = judge_family([claims[0], *impossible], {"claim-0": borderline()}, "x")
    assert [verdict.verdict for verdict in possible] == ["inconclusive"] * 4
    assert possible[0].holm_p == pytest.approx(4 * p)
    assert possible[1].reason == "not run: repro run x --budget laptop"


def borderline() -> dict[str, Sample]:
    return {"a": sample([68.5, 69.2, 67.8, 68.1, 68.6]), "b": sample([67.5, 68.3, 66.6, 67.9, 67.6])}


def test_two_seeds_say_how_many_would_show_a_plateau():
    runs = {"a": [60.0, 60.1], "b": [70.0, 70.1], "c": [80.0, 80.1], "d": [79.0, 81.5]}
    verdict = judge(TREND, {name: sample(values) for name, values in runs.items()})
    assert verdict.verdict == "inconclusive"
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 10
    assert (
        verdict.reason == f"n = 2 does not decide whether it is flat from c: about {verdict.seeds_needed} seeds would"
    )


# ---- No loss ----


def test_no_loss_is_a_matter_of_the_margin():
    def verdict(by: float) -> str:
        return judge(NO_LOSS, {"a": sample(up(NEAR_67, by)), "b": sample(NEAR_67)}).verdict

    assert [verdict(by) for by in (5, 0, -0.6, -1, -3)] == [
        "reproduced", "reproduced", "reproduced", "inconclusive", "not reproduced",
    ]  # fmt: skip


def test_the_p_of_a_no_loss_claim_is_of_the_margin():
    runs = {"a": sample(up(NEAR_67, -0.6)), "b": sample(NEAR_67)}
    verdict = judge(NO_LOSS, runs)
    assert verdict.difference_interval is not None
    assert verdict.p is not None
    assert (verdict.verdict, verdict.difference) == ("reproduced", pytest.approx(-0.6))
    assert verdict.p == pytest.approx(statistics.welch_difference(up(NEAR_67, -0.6), NEAR_67).p_above(-NO_LOSS.margin))
    assert verdict.p < 0.025
    assert "margin 1 point:" in verdict.sentence
    assert "P(A>B)" not in verdict.sentence
    # The p passes 2.5 % where the one-sided bound passes the margin.
    tighter = change(NO_LOSS, margin=-verdict.difference_interval.low)
    assert judge(tighter, runs).p == pytest.approx(0.025)


def test_losses_are_not_judged_at_reduced_scale_without_a_positive_control():
    runs = {name: sample(NEAR_67, budget="laptop") for name in "ab"}
    verdict = judge(NO_LOSS, runs, "table1")
    assert (verdict.verdict, verdict.badge, verdict.difference) == ("not testable", "", 0)
    assert verdict.reason == "measured at the laptop budget; to test it: repro run table1 --budget paper"
    assert judge(change(NO_LOSS, budget="laptop"), runs).verdict == "reproduced"


# ---- Looks ----


def planned(a: list[float], b: list[float], seeds: int = 5, **fields) -> dict[str, Sample]:
    return {"a": sample(a, planned=seeds, **fields), "b": sample(b, planned=seeds, **fields)}


def test_nothing_is_decided_before_the_first_look():
    early = judge(ORDERING, planned(NEAR_70[:4], NEAR_67))
    assert (early.verdict, early.look, early.n) == ("inconclusive", 0, 4)
    assert early.reason == "a has 4 of the 5 seeds planned: repro run EXPERIMENT --budget paper"
    assert early.difference == pytest.approx(np.mean(NEAR_70[:4]) - np.mean(NEAR_67))
    assert early.holm_p is None
    first = judge(ORDERING, planned(NEAR_70, NEAR_67))
    assert (first.verdict, first.look) == ("reproduced", 1)


def test_between_looks_more_runs_change_nothing():
    decided = judge(ORDERING, planned(NEAR_70, NEAR_67))
    more = judge(ORDERING, planned(NEAR_70 + [50.0] * 4, NEAR_67 + [90.0] * 9))
    assert (more.verdict, more.difference, more.n) == (decided.verdict, decided.difference, 5)
    second = judge(ORDERING, planned(NEAR_70 + [50.0] * 5, NEAR_67 + [90.0] * 9))
    assert (second.verdict, second.look, second.n) != (decided.verdict, 2, 10)
    second = judge(ORDERING, planned(NEAR_70 + [50.0] * 5, NEAR_67 + [90.0] * 5))
    assert (second.verdict, second.look, second.n) == ("not reproduced", 2, 10)
    wide = judge(ORDERING, planned(WIDE * 2, WIDE[::-1] * 2))
    assert wide.reason.endswith("but both looks are taken")
    # After the second look it stays as it is.
    third = judge(ORDERING, planned(NEAR_70 + [50.0] * 5 + [99.0] * 20, NEAR_67 + [90.0] * 25))
    assert (third.difference, third.n) == (second.difference, 10)


def test_an_undecided_first_look_names_the_second():
    vague = judge(ORDERING, planned(up(WIDE, 1), WIDE))
    assert vague.verdict == "inconclusive"
    assert vague.reason.endswith("; the second look is at 10")


# ---- Reduced scale ----


def reduced(a: list[float], b: list[float], **fields) -> dict[str, Sample]:
    return {"a": sample(a, budget="laptop", **fields), "b": sample(b, budget="laptop", **fields)}


def judged_at_scale(claim: Claim, runs: dict[str, Sample], control: str = "") -> Verdict:
    return judge_family([claim], {claim.id: runs}, "x", control=control)[0]


def test_a_reduced_scale_refutes_only_after_a_positive_control():
    opposite = reduced(NEAR_67, NEAR_70)
    assert judged_at_scale(ORDERING, opposite).verdict == "not reproduced"
    for reason in ("no positive control is registered with the experiment", "the positive control was not seen"):
        found = judged_at_scale(ORDERING, opposite, reason)
        assert (found.verdict, found.badge) == ("not testable", "")
        assert found.reason == f"not testable at this scale: {reason}"
    # What holds needs no control, and the full scale needs none either.
    assert judged_at_scale(ORDERING, reduced(NEAR_70, NEAR_67), "none").verdict == "reproduced"
    assert judge(ORDERING, {"a": sample(NEAR_67), "b": sample(NEAR_70)}).verdict == "not reproduced"


def test_a_loss_is_judged_at_reduced_scale_after_a_positive_control():
    for first, outcome in ((NEAR_67, "reproduced"), (up(NEAR_67, -4), "not reproduced")):
        found = judged_at_scale(NO_LOSS, reduced(first, NEAR_67))
        assert (found.verdict, found.badge) == (outcome, "reduced scale")
    # Images that nobody has are another matter.
    assert judged_at_scale(change(NO_LOSS, needs="ImageNet"), reduced(NEAR_67, NEAR_67)).verdict == "not testable"


def test_a_difference_that_moves_towards_the_claim_refutes_nothing():
    def found(by_half: float, by_end: float, claim: Claim = ORDERING) -> Verdict:
        runs = {
            "a": sample(up(NEAR_67, by_end), budget="laptop", halfway=tuple(up(NEAR_67, by_half - 8))),
            "b": sample(NEAR_67, budget="laptop", halfway=tuple(up(NEAR_67[::-1], -8))),
        }
        return judged_at_scale(claim, runs)

    moving = found(-6, -3)
    assert moving.verdict == "not testable"
    assert "from -6.0 halfway to -3.0" in moving.reason
    assert found(-6, -4).verdict == "not reproduced"  # as much again would leave two points
    assert found(-2, -3).verdict == "not reproduced"  # it moves away
    assert found(-3.01, -3).verdict == "not reproduced"
    assert found(-5, -2.5, NO_LOSS).verdict == "not testable"
    assert found(-3, -3, NO_LOSS).verdict == "not reproduced"
    # What holds is not asked where it moves.
    assert found(6, 3).verdict == "reproduced"


# ---- Test sets that stand in for others ----


def test_a_stand_in_test_set_brings_its_own_error():
    plain, drawn = (
        judge(ORDERING, {"a": sample(up(NEAR_67, 3), **more), "b": sample(NEAR_67, **more)})
        for more in ({}, {"substitutes": 400})
    )
    assert plain.verdict == "reproduced"
    assert drawn.verdict == "inconclusive"
    assert plain.difference_interval is not None
    assert drawn.difference_interval is not None
    a, b = np.mean(up(NEAR_67, 3)) / 100, np.mean(NEAR_67) / 100
    error = 100 * math.sqrt((a * (1 - a) + b * (1 - b)) / 400)
    assert drawn.difference_interval.high - drawn.difference_interval.low > 2 * 1.96 * error
    # A true value inside the margin is not accused by a test set that happens to be easy.
    easy = [sample([value], substitutes=400) for value in (67.0,)]
    assert judge(POINT, {"a": easy[0]}).verdict == "inconclusive"


def test_intervals_beside_a_verdict_are_those_of_what_was_measured():
    dead = judge(change(ORDERING, metric="collapsed", margin=10.0), {"a": sample([100] * 10), "b": sample([0] * 10)})
    assert dead.variants["a"].interval == pytest.approx(statistics.wilson(10, 10).times(100))
    wide = judge(POINT, {"a": sample([3.0, 60.0, 90.0])}).variants["a"].interval
    assert wide == (0, 100)
    truncated = judge(change(POINT, protocol="notebook"), {"a": sample([9.0, 9.0, 9.0])}).variants["a"]
    assert truncated.sd == pytest.approx(1 / math.sqrt(12))
    assert truncated.interval is not None
    assert truncated.interval.low < 9 < truncated.interval.high


# ---- Trends ----


def rising(*means: float, **fields) -> dict[str, Sample]:
    """Five runs of each of a, b, c ... around the means."""
    shape = ([-0.1, 0.1, 0.2, -0.1, -0.1], [0.1, -0.2, 0.0, 0.1, 0.0], [0.0, 0.1, -0.1, 0.2, -0.2])
    return {
        name: sample(up(shape[i % 3], mean), **fields)
        for i, (name, mean) in enumerate(zip("abcdef", means, strict=False))
    }


@pytest.mark.parametrize("pairing", ["", "cifar10"])
def test_a_trend_rises_and_then_is_flat(pairing: str):
    def verdict(*means: float, claim: Claim = TREND) -> str:
        return judge(claim, rising(*means, pairing=pairing)).verdict

    assert verdict(60, 63, 66, 66.1) == "reproduced"
    assert verdict(60, 63, 66, 69) == "direction only"
    assert verdict(66, 63, 60, 60) == "not reproduced"
    assert verdict(66, 66.1, 66, 66.1) == "not reproduced"
    assert verdict(60, 63, 66, 67) == "inconclusive"
    assert verdict(60, 63, 66, 66, claim=change(TREND, effect=6.0)) == "reproduced"
    assert verdict(60, 63, 66, 66, claim=change(TREND, effect=12.0)) == "direction only"
    falling = change(TREND, direction="at-most")
    assert verdict(66, 63, 60, 60, claim=falling) == "reproduced"


def test_ends_alone_are_no_trend():
    up_and_down = change(TREND, saturates="", variants=("a", "b", "c", "d", "e", "f"))
    assert judge(up_and_down, rising(60, 70, 55, 69, 54, 62)).verdict == "inconclusive"


# ---- Counts and ratios ----


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(4.75 * 2**20, "reproduced"), (4.85 * 2**20, "reproduced"), (4.86 * 2**20, "not reproduced"), (4.8e6, "not")],
)
def test_a_size_is_equal_up_to_the_published_rounding(value: float, outcome: str):
    size = change(EXACT, metric="bytes", unit="MiB", published=4.8, rounding=0.1, margin=0.05)
    assert judge(size, {"a": sample([value])}).verdict.startswith(outcome)


def test_counts_are_equal_or_not_at_any_budget():
    assert judge(EXACT, {"a": sample([1_248_424], budget="smoke")}).verdict == "reproduced"
    assert judge(EXACT, {"a": sample([1_248_425])}).verdict == "not reproduced"
    assert judge(EXACT, {"a": sample([1_248_424, 1_248_425])}).verdict == "not reproduced"
    drop = change(
        EXACT, variants=("a", "b"), published=18, rounding=1, margin=0.5, unit="million parameters", statement="Drop."
    )
    runs = {"a": sample([139_611_210]), "b": sample([121_816_650])}
    assert judge(drop, runs).verdict == "reproduced"
    assert judge(drop, runs | {"b": sample([123_913_802])}).verdict == "not reproduced"
    fewer = change(ORDERING, metric="parameters", unit="parameters", margin=0.0, direction="at-most")
    assert judge(fewer, {"a": sample([10]), "b": sample([20])}).verdict == "reproduced"
    assert judge(fewer, {"a": sample([20]), "b": sample([20])}).verdict == "not reproduced"


def test_ratios_of_counts_and_of_measurements():
    counts = change(RATIO, metric="parameters", published=0.66, rounding=0.01)
    assert judge(counts, {"a": sample([488_722]), "b": sample([740_554])}).verdict == "reproduced"
    assert judge(counts, {"a": sample([373_522]), "b": sample([740_554])}).verdict == "not reproduced"
    under = change(counts, direction="at-most")
    assert judge(under, {"a": sample([373_522]), "b": sample([740_554])}).badge == "exceeded"
    verdict = judge(RATIO, {"a": sample(up(NEAR_67, 5)), "b": sample(up(NEAR_67, -7))})
    assert verdict.verdict == "reproduced"
    assert verdict.measured == pytest.approx(72 / 60, abs=0.003)
    assert verdict.interval is not None
    assert verdict.measured is not None
    assert verdict.interval[0] < verdict.measured < verdict.interval[1]
    assert judge(RATIO, {"a": sample([0.0, 1.0]), "b": sample([1.0, 2.0])}).verdict == "inconclusive"


# ---- Words ----


def test_the_sentence_says_it_all():
    assert judge(POINT, {"a": sample([66.8, 67.1, 67.5, 67.4, 67.2])}).sentence == (
        "a, n = 5 seeds, 0 failed: 67.2 ± 0.3 % (SD), 95 % interval of the mean 66.9 to 67.5; report says 67 %; "
        "difference +0.2 [-0.1, +0.5] (95 %); margin ±1 point: REPRODUCED."
    )
    assert judge(EXACT, {"a": sample([1_248_424])}).sentence == (
        "a: 1,248,424 parameters; paper says 1,248,424 parameters: REPRODUCED."
    )
    ordering = judge(change(ORDERING, effect=3.0, margin=1.5), {"a": sample(NEAR_70), "b": sample(NEAR_67)}).sentence
    assert "difference +3.0 [+2.7, +3.3] (95 %), p < 0.0001 (Holm < 0.0001), P(A>B) = 1.00" in ordering


def test_verdicts_travel_as_json():
    verdict = judge(ORDERING, {"a": sample(NEAR_70, failed=(1,)), "b": sample(NEAR_67)})
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_the_same_data_give_the_same_verdict():
    runs = {"a": sample(up(WIDE, 2)), "b": sample(WIDE)}
    assert judge(ORDERING, runs) == judge(ORDERING, runs)


# ---- Error rates on simulated runs ----


def rates(claim: Claim, draw, runs: int, seed: int = 0) -> dict[str, float]:
    """Shares of the verdicts over `runs` simulated experiments; draw(rng) gives the samples."""
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(OUTCOMES, 0)
    for _ in range(runs):
        case = Case(claim, draw(rng))
        counts[find(case, Adjusted(case.p, case.p_opposite) if case.in_family else None).verdict] += 1
    return {outcome: count / runs for outcome, count in counts.items()}


# 3 standard errors above 5 % for 600 simulations.
FIVE_PERCENT = 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("direction", ["two-sided", "at-least"])
def test_a_point_at_its_margin_is_reproduced_in_at_most_5_percent(n: int, direction: str):
    claim = change(POINT, direction=direction)
    assert rates(claim, lambda rng: {"a": sample(rng.normal(66, 0.3, n))}, 600)["reproduced"] <= FIVE_PERCENT


def test_a_true_point_is_reproduced_as_often_as_promised_and_hardly_ever_accused():
    # The published value is one draw of the same process; margin over deviation 2.5, n = 10: 93 % in the plan.
    found = dict.fromkeys(OUTCOMES, 0.0)
    rng = np.random.default_rng(3)
    for _ in range(600):
        claim = msgspec.structs.replace(POINT, published=rng.normal(67, 0.4))
        verdict = find(Case(claim, {"a": sample(rng.normal(67, 0.4, 10))}), None).verdict
        found[verdict] += 1 / 600
    assert found["reproduced"] == pytest.approx(0.93, abs=0.03)
    assert found["not reproduced"] <= 0.005


def test_a_true_point_with_a_tiny_margin_is_accused_in_at_most_5_percent():
    rng = np.random.default_rng(4)
    accused = 0
    for _ in range(600):
        claim = msgspec.structs.replace(POINT, published=rng.normal(67, 1.0), rounding=0.0, margin=0.01)
        accused += find(Case(claim, {"a": sample(rng.normal(67, 1.0, 5))}), None).verdict == "not reproduced"
    assert accused / 600 <= FIVE_PERCENT


@pytest.mark.parametrize("pairing", ["", "cifar10"])
@pytest.mark.parametrize("n", [3, 10])
def test_an_ordering_of_equals_is_reproduced_in_at_most_5_percent(n: int, pairing: str):
    def draw(rng):
        return {name: sample(rng.normal(67, 1, n), pairing=pairing) for name in "ab"}

    found = rates(ORDERING, draw, 600)
    assert found["reproduced"] + found["direction only"] <= FIVE_PERCENT


def test_two_looks_call_equals_an_ordering_in_at_most_5_percent():
    """Who adds seeds until a verdict comes gets no more than 5 % of wrong ones, in either direction."""
    claim = change(ORDERING, margin=0.001)
    rng = np.random.default_rng(12)
    wrong, unplanned = {"reproduced": 0, "not reproduced": 0}, 0
    for _ in range(600):
        a, b = rng.normal(67, 1, 30), rng.normal(67, 1, 30)
        seen = set()
        for n in range(2, 31):
            runs = {"a": sample(a[:n], planned=5), "b": sample(b[:n], planned=5)}
            case = Case(claim, runs)
            if case.look or not seen:
                seen.add(find(case, Adjusted(case.p, case.p_opposite)).verdict)
        for outcome in wrong:
            wrong[outcome] += outcome in seen
        unplanned += any(statistics.p_greater(a[:n], b[:n], False) < 0.05 for n in range(3, 31, 3))
    assert wrong["reproduced"] / 600 <= FIVE_PERCENT
    assert wrong["not reproduced"] / 600 <= FIVE_PERCENT
    # Ten looks at 5 % each, which is what the rule forbids, would be wrong more often.
    assert unplanned / 600 > FIVE_PERCENT


def test_an_ordering_is_found_as_often_as_promised():
    # Two deviations apart: Welch's test passes in 78 % with 5 runs each and in 96 % with 8, where the exact bound of
    # P(A > B) asks for 7 wins of 8, which these have in 87 %.
    def draw(n: int):
        return lambda rng: {"a": sample(rng.normal(69, 1, n)), "b": sample(rng.normal(67, 1, n))}

    for n, promised in ((5, 0.78), (8, 0.85)):
        found = rates(ORDERING, draw(n), 600)
        assert found["reproduced"] == pytest.approx(promised, abs=0.04)
        assert found["not reproduced"] <= 0.01


def test_a_true_ordering_is_called_opposite_in_at_most_5_percent():
    def draw(rng):
        return {"a": sample(rng.normal(67.001, 1, 5)), "b": sample(rng.normal(67, 1, 5))}

    assert rates(msgspec.structs.replace(ORDERING, margin=0.001), draw, 600)["not reproduced"] <= FIVE_PERCENT


def test_equals_pass_for_no_loss_and_a_loss_of_the_margin_does_not():
    def draw(by: float):
        return lambda rng: {"a": sample(rng.normal(67 + by, 0.4, 5)), "b": sample(rng.normal(67, 0.4, 5))}

    assert rates(NO_LOSS, draw(-1.0), 600)["reproduced"] <= FIVE_PERCENT
    assert rates(NO_LOSS, draw(-1.0), 600, seed=1)["not reproduced"] <= FIVE_PERCENT
    assert rates(NO_LOSS, draw(0.0), 600)["reproduced"] >= 0.9


def test_a_trend_of_equals_is_reproduced_in_at_most_5_percent():
    claim = change(TREND, saturates="")

    def draw(rng):
        return {name: sample(rng.normal(67, 1, 5), pairing="p") for name in "abcd"}

    assert rates(claim, draw, 300)["reproduced"] <= 0.05


def test_a_family_of_false_orderings_yields_a_true_one_in_at_most_5_percent():
    claims = [change(ORDERING, id=str(i)) for i in range(6)]
    rng = np.random.default_rng(9)
    wrong = 0
    for _ in range(300):
        runs = {c.id: {name: sample(rng.normal(67, 1, 5)) for name in "ab"} for c in claims}
        cases = [Case(claim, runs[claim.id]) for claim in claims]
        # Holm's smallest adjusted p is that of Bonferroni.
        smallest = min(cases, key=lambda case: case.p)
        wrong += find(smallest, Adjusted(min(1.0, 6 * smallest.p), 1.0)).verdict == "reproduced"
    assert wrong / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_a_family_of_equals_is_contradicted_in_at_most_5_percent():
    # The opposite is corrected like the claim: of six orderings of equals, hardly ever is one "the opposite".
    claims = [change(ORDERING, id=str(i), margin=0.001) for i in range(6)]
    rng = np.random.default_rng(10)
    wrong = 0
    for _ in range(200):
        runs = {c.id: {name: sample(rng.normal(67, 1, 5)) for name in "ab"} for c in claims}
        wrong += any(verdict.verdict == "not reproduced" for verdict in judge_family(claims, runs, "x"))
    assert wrong / 200 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


# ---- Exactly one verdict, whatever the data ----

VALUES = st.one_of(
    st.floats(0, 100, allow_nan=False), st.sampled_from([0.0, 10.0, 50.0, 67.0, 100.0]), st.sampled_from([math.nan])
)


@st.composite
def samples(draw, largest: int = 6) -> Sample:
    values = draw(st.lists(VALUES, max_size=largest))
    seeds = draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values), unique=True))
    return Sample(
        values=tuple(values),
        seeds=tuple(seeds),
        failed=tuple(draw(st.lists(st.sampled_from(seeds), unique=True))) if seeds else (),
        budget=draw(st.sampled_from(["smoke", "laptop", "paper", "paper", "paper"])),
        same_scope=draw(st.sampled_from([None, True, False])),
        total=draw(st.sampled_from([0, 300, 10_000])),
        pairing=draw(st.sampled_from(["", "p"])),
    )


CLAIMS = [
    POINT, ORDERING, NO_LOSS, TREND, RATIO, EXACT,
    change(POINT, direction="at-least"), change(POINT, direction="at-most", collapse=True), change(POINT, needs="x"),
    change(POINT, protocol="notebook"), change(ORDERING, effect=3.0, margin=1.5),
    change(ORDERING, metric="collapsed", direction="at-most"), change(NO_LOSS, direction="at-most"),
    change(TREND, saturates="", effect=5.0), change(TREND, metric="collapsed"), change(RATIO, direction="at-least"),
    change(EXACT, variants=("a", "b")), change(RATIO, metric="bytes"),
    change(ORDERING, metric="parameters", unit="parameters", margin=0.0),
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(claim=st.sampled_from(CLAIMS), runs=st.dictionaries(st.sampled_from("abcd"), samples()))
def test_every_claim_gets_exactly_one_verdict_with_a_reason(claim: Claim, runs: dict[str, Sample]):
    verdict = judge(claim, runs, "experiment")
    assert verdict.verdict in OUTCOMES
    assert verdict.reason
    assert verdict.sentence.endswith(
        (f"{verdict.verdict.upper()}.", f"{verdict.verdict.upper()} ({verdict.badge.upper()}).")
    )
    assert verdict.badge in ("", "exceeded", "reduced scale")
    assert (verdict.badge == "exceeded") <= (verdict.verdict == "reproduced" and claim.direction != "two-sided")
    assert (verdict.verdict == "direction only") <= (claim.type in ("ordering", "trend"))
    if any(variant not in runs or not runs[variant].values for variant in claim.variants):
        assert verdict.verdict in ("inconclusive", "not testable")
        assert verdict.measured is None
    for number in (verdict.measured, verdict.p, verdict.holm_p, verdict.superiority):
        assert number is None or math.isfinite(number)
    if verdict.seeds_needed is not None:
        assert verdict.verdict == "inconclusive"
        assert verdict.seeds_needed > verdict.n
    # Stored and read again it is the same.
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict).verdict == verdict.verdict


RUNS = st.lists(st.floats(60, 75, allow_nan=False), min_size=3, max_size=6).filter(lambda v: np.ptp(v) > 0.01)


@settings(max_examples=100, deadline=None)
@given(values=RUNS, margin=st.floats(0.5, 5))
def test_verdicts_on_points_follow_the_rule_as_scipy_computes_it(values: list[float], margin: float):
    test = stats.ttest_1samp(values, 67)
    low, high = (limit - 67 for limit in test.confidence_interval(0.95))
    sd = np.std(values, ddof=1)
    half = stats.t.ppf(0.975, len(values) - 1) * sd * math.sqrt(1 / len(values) + 1)
    off = np.mean(values) - 67
    reproduced = -margin < low and high < margin
    contradicted = off - half > margin or off + half < -margin
    # The two conditions never hold together, so the order in which they are asked does not matter.
    assert not (reproduced and contradicted)
    expected = "reproduced" if reproduced else "not reproduced" if contradicted else "inconclusive"
    assert judge(msgspec.structs.replace(POINT, margin=margin), {"a": sample(values)}).verdict == expected


@settings(max_examples=60, deadline=None)
@given(a=RUNS, b=RUNS, effect=st.one_of(st.none(), st.floats(1, 8)))
def test_verdicts_on_orderings_follow_the_rule_as_scipy_computes_it(
    a: list[float], b: list[float], effect: float | None
):
    test = stats.ttest_ind(a, b, equal_var=False)
    one_sided: Any = stats.ttest_ind(a, b, equal_var=False, alternative="greater")
    p = one_sided.pvalue
    interval = test.confidence_interval(0.95)
    claim = msgspec.structs.replace(ORDERING, effect=effect, margin=1.0)
    verdict = judge(claim, {"a": sample(a), "b": sample(b)})
    assert verdict.superiority_bound is not None
    meets = effect is None or (interval.low <= effect + 1 and interval.high >= effect - 1)
    conditions = {
        "reproduced": p < 0.025 and meets,
        "direction only": p < 0.025 and not meets,
        "not reproduced": p > 0.975 or (interval.low > -1 and interval.high < 1),
        "inconclusive": True,
    }
    assert verdict.verdict == next(outcome for outcome, holds in conditions.items() if holds)
    assert verdict.p == pytest.approx(p)


def test_fragments_are_judged_without_runs():
    """Every claim of the project has a verdict and a reason before anything has run."""
    for experiment in experiments.everything():
        for verdict in judge_family(experiment.claims, {}, experiment.name):
            assert verdict.verdict in ("inconclusive", "not testable")
            assert verdict.reason.startswith(("not run: repro run", "needs "))
