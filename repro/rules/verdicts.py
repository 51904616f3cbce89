"""The rule: from a claim and the measured values to one of five verdicts, with everything needed to check it.

Plain data in and out. Whether a claim can be tested is asked first, then the outcomes in the order reproduced,
direction only, not reproduced, inconclusive; the first that holds is the verdict.

* exact, and ratios of counts: equal up to the margin.
* point, ratio (as its logarithm): reproduced if the 95 % interval of the difference to the published value lies inside
  the margin. Not reproduced only if the 95 % *prediction* interval, in which the published value is one more random
  draw, lies outside: nobody is accused of what the seed noise of a single published run explains. Published weights are
  one network without seeds: both intervals are Wilson's, of its test images.
* ordering: reproduced if the one-sided test passes after Holm's correction within the experiment, the exact lower bound
  of P(A > B) exceeds 1/2 (from eight runs on; below, a single lost comparison would veto), and the interval of the
  difference meets the published effect (direction only if it does not). Not reproduced if the test of the opposite
  passes, corrected in the same way, or the difference is shown to be nil.
* no-loss: the one-sided 97.5 % bounds of the difference against minus the margin.
* trend: as an ordering of its two ends, with a trend test beside it, and equivalence from where it is said to saturate.

Every claim may be looked at twice, at the seeds that the experiment plans and at twice as many, at 2.5 % each; runs
between the looks change nothing. At a reduced scale nothing is "not reproduced" unless the experiment's positive
control was seen on the same runs and the difference does not still move towards the claim; otherwise it is not
testable there.

Diverged and collapsed runs count with the value they reached. More than one in ten leave a point or a ratio
inconclusive: such a recipe has no typical value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from repro.config.specification import Budget
from repro.rules import formatting, statistics
from repro.rules.case import ALPHA, LOOKS, NO_CONTROL, PLANNED_SEEDS, Case
from repro.rules.claim import FILE_METRICS, Claim, EvidenceKind, Outcome
from repro.rules.samples import Sample, Summary, summarise
from repro.rules.statistics import Estimate, Interval, Proportion

REDUCED = "reduced scale"  # the badge of verdicts on runs that are not quite what the claim is about
MOST_FAILURES = 0.1  # of the runs behind a point or ratio


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A judged claim. Values are in the claim's unit; intervals without limits (a single run) are None.

    badge: "exceeded" (better than an "at least" claim), `REDUCED`, or empty.
    reason: one sentence that says why this verdict and not another.
    sentence: the result in one sentence.
    measured, interval: the value (95 %); of two variants their difference or ratio, of a trend that of its ends.
    difference, difference_interval, level: measured minus published for values, first minus second variant for the
        others, with the interval that decides (percent `level`).
    p, holm_p: of "the first variant is better", for no-loss claims of "the loss is less than the margin"; one-sided,
        and for orderings and trends after Holm's correction.
    bootstrap_interval, rank_p: the same difference by BCa bootstrap; p of an ordering by ranks.
    superiority, superiority_bound: P(A > B) and its one-sided lower 95 % bound.
    effect_ratio: measured over published difference.
    predicted: whether the published value lies inside the 95 % prediction interval of our runs.
    look: how many of the two looks were taken.
    evidence: what it rests on; empty where nothing was measured.
    n, failures: runs of the variant with the fewest; failed runs of all.
    seeds_needed: per variant, in all, for a decision with 80 % power if differences stay as they are; None where no
        number of seeds would help or none is needed.
    converged_only: the verdict without the failed runs, where there are any.
    budget: the smallest among the samples.
    claim_hash: of the claim as it was judged.
    """

    id: str
    verdict: Outcome
    reason: str
    sentence: str
    claim_hash: str
    badge: str = ""
    measured: float | None = None
    interval: Interval | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    level: int | None = None
    bootstrap_interval: Interval | None = None
    p: float | None = None
    holm_p: float | None = None
    rank_p: float | None = None
    superiority: float | None = None
    superiority_bound: float | None = None
    effect_ratio: float | None = None
    predicted: bool | None = None
    look: int = 0
    n: int = 0
    failures: int = 0
    seeds_needed: int | None = None
    converged_only: Outcome | None = None
    budget: Budget | None = None
    evidence: EvidenceKind = ""
    variants: dict[str, Summary] = {}
    assumptions: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        return self.verdict in ("reproduced", "direction only", "not reproduced")

    @property
    def reduced(self) -> bool:
        """Whether it was judged on runs that are smaller than, or not quite, what the claim is about."""
        return REDUCED in self.badge


class Finding(NamedTuple):
    """A verdict with its reason, before the numbers are put around it."""

    verdict: Outcome
    reason: str
    badge: str = ""
    seeds_needed: int | None = None


class Adjusted(NamedTuple):
    """The one-sided p values of an ordering or trend and of its opposite, after Holm's correction in its family."""

    p: float
    opposite: float


def judge(claim: Claim, samples: Mapping[str, Sample], experiment: str = "") -> Verdict:
    """The verdict on a claim that stands alone; `samples` by variant, missing ones not run."""
    return judge_family([claim], {claim.id: samples}, experiment)[0]


def judge_family(
    claims: Sequence[Claim],
    samples: Mapping[str, Mapping[str, Sample]],
    experiment: str = "",
    trains: bool = True,
    control: str = NO_CONTROL,
) -> list[Verdict]:
    """The verdicts on the claims of one experiment, a family for Holm's correction, in the order given.

    All orderings and trends that could be tested belong to the family, also those not yet run, which enter with p = 1:
    what is already measured does not get easier by leaving the rest out.

    Args:
        samples: by claim id, then by variant, because claims differ in metric, protocol and epoch.
        experiment: its name, for the command that would run what is missing.
        trains: whether it is an experiment whose missing variants can be run.
        control: why its reduced runs cannot refute; empty = they showed a difference that is known to exist.
    """
    cases = [Case(claim, samples.get(claim.id, {}), experiment, trains, control) for claim in claims]
    verdicts = _judge_cases(cases)
    failing = [any(sample.failed for sample in case.samples.values()) for case in cases]
    if not any(failing):
        return verdicts
    converged = {
        claim.id: {name: sample.converged() for name, sample in samples.get(claim.id, {}).items()} for claim in claims
    }
    others = _judge_cases([Case(claim, converged[claim.id], experiment, trains, control) for claim in claims])
    return [
        msgspec.structs.replace(verdict, converged_only=other.verdict) if failed else verdict
        for verdict, other, failed in zip(verdicts, others, failing, strict=True)
    ]


def _judge_cases(cases: Sequence[Case]) -> list[Verdict]:
    family = [case for case in cases if case.in_family]
    for_claim = statistics.holm([case.p for case in family])
    against = statistics.holm([case.p_opposite for case in family])
    adjusted = iter(map(Adjusted, for_claim, against))
    return [_judge_case(case, next(adjusted) if case.in_family else None) for case in cases]


def _judge_case(case: Case, adjusted: Adjusted | None) -> Verdict:
    claim = case.claim
    finding = find(case, adjusted)
    if finding.verdict == "not reproduced" and (why := case.not_at_this_scale):
        finding = Finding("not testable", f"not testable at this scale: {why}")
    percent = claim.unit in ("%", "points")
    summaries = {
        variant: summarise(sample, claim.deterministic, case.binary, percent)
        for variant, sample in case.samples.items()
    }
    corrected = adjusted.p if adjusted and case.testable else None
    numbers = _numbers(case, corrected) if case.complete else {}
    outcome = finding.verdict + (f" ({finding.badge})" if finding.badge else "")
    return Verdict(
        id=claim.id,
        verdict=finding.verdict,
        badge=finding.badge,
        reason=finding.reason,
        sentence=formatting.sentence(claim, outcome, finding.reason, summaries, numbers),
        claim_hash=claim.hash(),
        n=case.n,
        look=case.look,
        failures=sum(sample.failures for sample in case.samples.values()),
        seeds_needed=finding.seeds_needed,
        budget=case.budget if case.samples else None,
        evidence=evidence_kind(case),
        variants=summaries,
        assumptions=claim.assumptions,
        **numbers,
    )


def evidence_kind(case: Case) -> EvidenceKind:
    """What a verdict on this case rests on."""
    if case.missing:
        return ""
    if case.claim.deterministic:
        return "published file" if case.claim.metric in FILE_METRICS else "counted"
    if case.released:
        return "published weights"
    return "trained at reduced scale" if case.reduced else "trained at full scale"


# ---- The rule ----


def find(case: Case, adjusted: Adjusted | None) -> Finding:
    """The verdict on one case. adjusted: the p values of an ordering or trend."""
    claim = case.claim
    if case.withheld:
        return Finding("not testable", case.withheld)
    if case.unclear:
        needed = PLANNED_SEEDS if case.missing and case.trains and not claim.deterministic else None
        return Finding("inconclusive", case.unclear, seeds_needed=needed)
    if claim.deterministic:
        return _find_exact(case)
    if claim.type in ("point", "ratio"):
        return _find_value(case)
    if claim.type == "no-loss":
        return _find_no_loss(case)
    assert adjusted is not None
    return _find_ordering(case, adjusted)


def _find_exact(case: Case) -> Finding:
    claim = case.claim
    for variant, sample in case.samples.items():
        if len(set(sample.values)) > 1:
            return Finding("not reproduced", f"{variant} differs between measurements")
    values = [sample.values[0] for sample in case.samples.values()]
    if claim.type == "ordering":
        relation = "less" if values[0] < values[1] else "more" if values[0] > values[1] else "as much"
        right = (values[0] - values[1]) * claim.sign > 0
        return Finding("reproduced" if right else "not reproduced", f"{claim.variants[0]} has {relation}")
    assert claim.published is not None
    if claim.type == "ratio":
        off, margin = math.log(values[0] / values[1] / claim.published), math.log1p(claim.margin)
    else:
        off, margin = (values[0] - values[1] if len(values) == 2 else values[0]) - claim.published, claim.margin
    # A published 4.8 stands for 4.75 to 4.85, the ends included whatever binary fractions make of them.
    margin += 1e-9 * max(1.0, abs(claim.published))
    if abs(off) <= margin:
        return Finding("reproduced", "equal" if off == 0 else f"equal within {formatting.margin(claim)}")
    if claim.direction != "two-sided" and off * claim.sign > 0:
        return Finding("reproduced", f"better than {formatting.published(claim)}", "exceeded")
    return Finding("not reproduced", f"off by more than {formatting.margin(claim)}" if claim.margin else "not equal")


def _find_value(case: Case) -> Finding:
    claim = case.claim
    for variant, sample in case.samples.items():
        if sample.failures > MOST_FAILURES * sample.n and not claim.collapse:
            return Finding(
                "inconclusive", f"{sample.failures} of {sample.n} runs of {variant} failed: the recipe is unstable"
            )
    margin = math.log1p(claim.margin) if claim.type == "ratio" else claim.margin
    band, estimate = Interval(-margin, margin), case.value()
    decisive, prediction = estimate.interval(), estimate.prediction(claim.original_runs)
    if decisive.inside(band):
        return Finding("reproduced", f"the 95 % interval of the difference is inside {formatting.margin(claim)}")
    if claim.direction == "two-sided":
        contradicted = not prediction.meets(band)
    else:
        # With "better" upwards, whichever way that is.
        upward = estimate if claim.sign > 0 else estimate.negated()
        if upward.interval().low > -margin:
            return Finding("reproduced", "the 95 % interval of the difference is on the better side", "exceeded")
        contradicted = upward.prediction(claim.original_runs).high < -margin
    if contradicted:
        why = f"off by more than {formatting.margin(claim)} even if the published value has seed noise of its own"
        if case.released:
            why = f"the 95 % interval of the difference is outside {formatting.margin(claim)}"
        return Finding("not reproduced", why)
    return _undecided(case, None if case.released else case.seeds_for_value(margin))


def _find_no_loss(case: Case) -> Finding:
    claim, found = case.claim, case.contrast
    assert found is not None
    badge = REDUCED if case.reduced else ""
    # The ends of a two-sided 95 % interval are the one-sided 97.5 % bounds.
    low, high = found.interval if claim.sign > 0 else found.interval.times(-1)[::-1]
    allowed = formatting.margin(claim, both=False)
    if low > -claim.margin:
        return Finding("reproduced", f"a loss of {allowed} is excluded", badge)
    if high < -claim.margin:
        return Finding("not reproduced", f"the loss is more than {allowed}", badge)
    return _undecided(case, case.seeds_for_difference(abs(found.value * claim.sign + claim.margin)), badge)


def _find_ordering(case: Case, adjusted: Adjusted) -> Finding:
    claim, found, holm_p = case.claim, case.contrast, adjusted.p
    assert found is not None
    badge = REDUCED if case.reduced else ""
    margin = Interval(-claim.margin, claim.margin)
    as_large = claim.effect is None or found.interval.meets(margin.moved(claim.effect))
    plateau = case.plateau()
    significant = holm_p < ALPHA
    if significant and as_large and all(step.inside(claim.margin) for step in plateau) and case.superior:
        size = "" if claim.effect is None else ", and the difference agrees with the published one"
        flat = f", and it is flat from {claim.saturates}" if plateau else ""
        return Finding("reproduced", f"p {formatting.p_value(holm_p)} after Holm's correction{size}{flat}", badge)
    if significant and not as_large:
        return Finding(
            "direction only",
            f"the direction holds, but the 95 % interval {formatting.bracketed(found.interval)} excludes the published "
            f"{formatting.signed(claim.effect)} {formatting.margin(claim)}",
            badge,
        )
    if significant and not all(step.interval.meets(margin) for step in plateau):
        return Finding("direction only", f"the direction holds, but it does not level off at {claim.saturates}", badge)
    if adjusted.opposite < ALPHA:
        reason = f"the opposite holds (p {formatting.p_value(adjusted.opposite)} after Holm's correction)"
        return Finding("not reproduced", reason, badge)
    if found.inside(claim.margin):
        return Finding(
            "not reproduced", f"no difference: the 95 % interval is inside {formatting.margin(claim)}", badge
        )
    if significant and plateau:
        return _undecided(case, case.seeds_for_plateau(), badge, f"whether it is flat from {claim.saturates}")
    return _undecided(case, case.seeds_for_ordering(holm_p), badge)


def _undecided(case: Case, needed: int | None, badge: str = "", what: str = "it") -> Finding:
    if case.released:
        (sample,) = case.samples.values()
        reason = f"{sample.total:,} test images do not decide it, and a released network has no seeds to add"
    elif case.n < 2:
        reason = f"one seed says nothing about variation: run at least {PLANNED_SEEDS}"
    elif needed is None:
        reason = f"n = {case.n} does not decide {what}, and more seeds would hardly"
    else:
        reason = f"n = {case.n} does not decide {what}: about {needed} seeds would"
    if case.look == LOOKS:
        reason += ", but both looks are taken"
    elif case.look:
        reason += f"; the second look is at {LOOKS * min(s.planned for s in case.samples.values())}"
    return Finding("inconclusive", reason, badge, needed)


# ---- The numbers around it ----


def _numbers(case: Case, holm_p: float | None) -> dict[str, Any]:
    """The fields of a `Verdict` that say what was measured."""
    claim, found = case.claim, case.contrast
    if claim.deterministic:
        return _exact_numbers(case)
    if claim.type in ("point", "ratio"):
        return _value_numbers(case)
    assert found is not None
    numbers = {
        "measured": found.value,
        "interval": found.interval.limited(),
        "difference": found.value,
        "effect_ratio": found.value / claim.effect if claim.effect else None,
        "predicted": _predicted(found.estimate.moved(-claim.effect), claim) if claim.effect else None,
        "bootstrap_interval": case.bootstrap_interval().limited(),
    }
    if claim.type == "no-loss":
        p = case.p_no_loss() if found.n > 1 else None
        return {**numbers, "difference_interval": found.interval.limited(), "level": 95, "p": p}
    superiority, bound = case.superiority
    return {
        **numbers,
        "difference_interval": found.interval.limited(),
        "level": 95,
        "p": case.p if case.testable else found.p,
        "holm_p": holm_p,
        "rank_p": case.rank_p(),
        "superiority": superiority,
        "superiority_bound": bound if math.isfinite(bound) else None,
    }


def _exact_numbers(case: Case) -> dict[str, Any]:
    claim = case.claim
    values = [float(np.mean(sample.values)) for sample in case.samples.values()]
    if claim.type == "ratio":
        measured = values[0] / values[1]
    else:
        measured = values[0] - values[1] if len(values) == 2 else values[0]
    return {"measured": measured, "difference": measured - (claim.published or 0.0)}


def _value_numbers(case: Case) -> dict[str, Any]:
    claim = case.claim
    assert claim.published is not None
    estimate, published = case.value(), claim.published
    measured = published * math.exp(estimate.value) if claim.type == "ratio" else published + estimate.value
    interval = _in_claims_unit(estimate.interval(), claim)
    return {
        "measured": measured,
        "interval": interval,
        "difference": measured - published,
        "difference_interval": interval.moved(-published) if interval else None,
        "level": 95,
        "predicted": None if isinstance(estimate, Proportion) else _predicted(estimate, claim),
    }


def _predicted(off: Estimate, claim: Claim) -> bool | None:
    """Whether the published value lies where our runs predict as many more to fall (95 %); None of a single run."""
    expected = off.prediction(claim.original_runs).limited()
    return None if expected is None else expected.low <= 0 <= expected.high


def _in_claims_unit(interval: Interval, claim: Claim) -> Interval | None:
    """An interval of a difference to the published value as one of the value itself."""
    assert claim.published is not None
    if interval.limited() is None:
        return None
    if claim.type == "ratio":
        return Interval(math.exp(interval.low), math.exp(interval.high)).times(claim.published)
    return interval.moved(claim.published)
