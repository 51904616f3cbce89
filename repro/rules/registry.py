"""Base class of the types of claim, and the types by name. Imports nothing that takes time to load."""

from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from repro.config.registry import Registry
from repro.rules import formatting

if TYPE_CHECKING:
    from repro.rules.case import Case
    from repro.rules.claim import Claim
    from repro.rules.samples import Contrast, Sample

Outcome = Literal["reproduced", "direction only", "not reproduced", "inconclusive", "not testable"]

# Each claim may be looked at twice, at the seeds planned and at twice as many; each look has half of the 5 %.
LOOKS = 2
ALPHA = 0.05 / LOOKS


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


class ClaimType:
    """A type of claim: which claims of it make sense, what decides them, and which numbers are shown.

    What is here is right for claims about the difference of two variants; a type replaces what differs. `judge` gets
    cases that can be tested: all variants have finite values.

    Attributes:
        variants: how many a claim may have.
        valued: it states a value (`published`), and not how variants compare.
        takes_effect: it may state the difference (`effect`).
        counted: its metric may be one that is measured without error; `judge_counted` decides then.
        corrected: its p is part of Holm's correction in the experiment.
        relative: value and margin are of a ratio; the margin is a fraction.
        one_sided: only a value below the margin contradicts it.
        stated: shown where others have a published number.
    """

    name: ClassVar[str]
    variants: ClassVar[tuple[int, ...]] = (2,)
    valued: ClassVar[bool] = False
    takes_effect: ClassVar[bool] = False
    counted: ClassVar[bool] = False
    corrected: ClassVar[bool] = False
    relative: ClassVar[bool] = False
    one_sided: ClassVar[bool] = False
    stated: ClassVar[str] = "no number"

    # Which claims make sense

    def problems(self, claim: "Claim") -> Iterator[str]:
        """Problems of a claim of this type, in words."""
        yield from self.count_problems(len(claim.variants))
        if self.valued and claim.published is None:
            yield f"type {self.name} needs `published`"
        if not self.valued and claim.published is not None:
            yield f"type {self.name} takes `effect`, not `published`"
        if claim.effect is not None and not self.takes_effect:
            yield f"type {self.name} takes no `effect`"
        if claim.saturates and claim.saturates not in self.plateaus(claim):
            yield "`saturates` names a variant of a trend that is neither its first nor its last"
        if claim.deterministic and not self.counted:
            others = ", ".join(name for name, each in TYPES.items() if each.counted)
            yield f"{claim.metric} is measured without error; use one of the types {others}"
        yield from self.margin_problems(claim)

    def count_problems(self, count: int) -> Iterator[str]:
        """Problems of the number of variants."""
        if count not in self.variants:
            yield f"type {self.name} takes {' or '.join(map(str, self.variants))} variants, not {count}"

    def plateaus(self, claim: "Claim") -> tuple[str, ...]:
        """The variants that `saturates` may name."""
        return ()

    def margin_problems(self, claim: "Claim", smallest: float | None = None) -> Iterator[str]:
        """Problems of the margin; `smallest`: half the published rounding, in the margin's unit."""
        smallest = claim.rounding / 2 if smallest is None else smallest
        if claim.margin < smallest * (1 - 1e-9):
            yield f"margin {claim.margin} is less than half the published rounding, {smallest:g}"
        if claim.margin == 0:
            yield "needs a margin"

    # What decides them

    def needs_full_scale(self, claim: "Claim", control: str) -> bool:
        """Whether runs that are smaller than what the claim is about say nothing about it.

        Values do not reach their size there; what is better than what can show at any scale.

        Args:
            control: why runs at a reduced scale cannot refute the experiment's claims; empty where they can.
        """
        return self.valued

    def ends(self, case: "Case") -> "tuple[Sample, Sample]":
        """The samples whose difference is looked at: the first minus the second."""
        first, second, *_ = case.samples.values()
        return first, second

    def bound(self, claim: "Claim", found: "Contrast") -> float:
        """The difference, upwards in the claim's direction, from which it would no longer contradict the claim."""
        return claim.margin if found.inside(claim.margin) else 0

    def p(self, case: "Case") -> float:
        """One-sided p before Holm's correction, for the types that enter it."""
        assert case.contrast is not None
        return case.contrast.p

    def judge(self, case: "Case", adjusted: Adjusted | None) -> Finding:
        """The verdict on measured values. adjusted: after Holm's correction, for the types that enter it."""
        raise NotImplementedError

    def judge_counted(self, case: "Case") -> Finding:
        """The verdict on what was measured without error: equal to the published value up to the margin."""
        claim = case.claim
        assert claim.published is not None
        off, margin = self.distance(self.combined(counts(case)), claim.published), self.tolerance(claim)
        # A published 4.8 stands for 4.75 to 4.85, the ends included whatever binary fractions make of them.
        margin += 1e-9 * max(1.0, abs(claim.published))
        if abs(off) <= margin:
            return Finding("reproduced", "equal" if off == 0 else f"equal within {formatting.margin(claim)}")
        if claim.direction != "two-sided" and off * claim.sign > 0:
            return Finding("reproduced", f"better than {formatting.published(claim)}", "exceeded")
        why = f"off by more than {formatting.margin(claim)}" if claim.margin else "not equal"
        return Finding("not reproduced", why)

    # The numbers around the verdict

    def combined(self, values: list[float]) -> float:
        """The value that the claim is about, of those of its variants: of two their difference."""
        return values[0] - values[1] if len(values) == 2 else values[0]

    def distance(self, measured: float, published: float) -> float:
        """The distance of a value from the published one, as `tolerance` is measured."""
        return measured - published

    def tolerance(self, claim: "Claim") -> float:
        """The margin, as differences to the published value are measured."""
        return claim.margin

    def counted_numbers(self, case: "Case") -> dict[str, Any]:
        """The fields of a `Verdict` that say what was measured without error."""
        measured = self.combined(counts(case))
        return {"measured": measured, "difference": measured - (case.claim.published or 0.0)}

    def numbers(self, case: "Case", holm_p: float | None) -> dict[str, Any]:
        """The fields of a `Verdict` that say what was measured. holm_p: where p was corrected."""
        found, effect = case.contrast, case.claim.effect
        assert found is not None
        return {
            "measured": found.value,
            "interval": found.interval.limited(),
            "difference": found.value,
            "difference_interval": found.interval.limited(),
            "level": 95,
            "effect_ratio": found.value / effect if effect else None,
            "predicted": case.predicts(found.estimate.moved(-effect)) if effect else None,
            "bootstrap_interval": case.bootstrap_interval().limited(),
        }


def counts(case: "Case") -> list[float]:
    """The values measured without error, one a variant."""
    return [fmean(sample.values) for sample in case.samples.values()]


TYPES: Registry[ClaimType] = Registry("types of claim")
register = TYPES.register
