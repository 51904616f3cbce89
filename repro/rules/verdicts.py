"""The rule: from a claim and the measured values to one of five verdicts, with everything needed to check it.

Plain data in and out. Whether a claim can be tested is asked first, then the outcomes in the order reproduced,
direction only, not reproduced, inconclusive; the first that holds is the verdict.

What decides a claim of each type stands in the modules of `repro.rules.types`.

Every claim may be looked at twice, at the seeds that the experiment plans and at twice as many, at 2.5 % each; runs
between the looks change nothing. At a reduced scale nothing is "not reproduced" unless the experiment's positive
control was seen on the same runs and the difference does not still move towards the claim; otherwise it is not
testable there.

Diverged and collapsed runs count with the value they reached.
"""

from collections.abc import Mapping, Sequence

import msgspec

from repro.config.specification import Budget
from repro.rules import formatting, statistics
from repro.rules.case import NO_CONTROL, PLANNED_SEEDS, REDUCED, Case
from repro.rules.claim import FILE_METRICS, Claim, EvidenceKind, Outcome
from repro.rules.interval import Interval
from repro.rules.registry import Adjusted, Finding
from repro.rules.samples import Sample, Summary, summarise


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
    numbers = {}
    if case.complete:
        numbers = case.rule.counted_numbers(case) if claim.deterministic else case.rule.numbers(case, corrected)
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
    """The kind of evidence that a verdict on this case rests on."""
    if case.missing:
        return ""
    if case.claim.deterministic:
        return "published file" if case.claim.metric in FILE_METRICS else "counted"
    if case.released:
        return "published weights"
    return "trained at reduced scale" if case.reduced else "trained at full scale"


def find(case: Case, adjusted: Adjusted | None) -> Finding:
    """The verdict on one case. adjusted: the p values of an ordering or trend."""
    claim = case.claim
    if case.withheld:
        return Finding("not testable", case.withheld)
    if case.unclear:
        needed = PLANNED_SEEDS if case.missing and case.trains and not claim.deterministic else None
        return Finding("inconclusive", case.unclear, seeds_needed=needed)
    if not claim.deterministic:
        return case.rule.judge(case, adjusted)
    for variant, sample in case.samples.items():
        if len(set(sample.values)) > 1:
            return Finding("not reproduced", f"{variant} differs between measurements")
    return case.rule.judge_counted(case)
