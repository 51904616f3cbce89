"""Claims that one variant is better than another.

Reproduced if the one-sided test passes after Holm's correction within the experiment, the exact lower bound of P(A > B)
exceeds 1/2 (from eight runs on; below, a single lost comparison would veto), and the interval of the difference meets
the published effect (direction only if it does not). Not reproduced if the test of the opposite passes, corrected in
the same way, or the difference is shown to be nil.
"""

import math
from typing import TYPE_CHECKING

from repro.rules import formatting
from repro.rules.interval import Interval
from repro.rules.registry import ALPHA, ClaimType, Finding, counts, register

if TYPE_CHECKING:
    from repro.rules.case import Case
    from repro.rules.samples import Contrast


@register
class Ordering(ClaimType):
    """The first variant is better than the second. The margin is for the effect, and for "no difference at all"."""

    name = "ordering"
    takes_effect = True
    counted = True
    corrected = True
    stated = "an order"

    def margin_problems(self, claim, smallest=None):
        if not claim.deterministic or claim.margin or claim.rounding:
            yield from super().margin_problems(claim, smallest)

    def plateau(self, case: "Case") -> "list[Contrast]":
        """Differences that the claim says are nil."""
        return []

    def judge(self, case, adjusted):
        assert adjusted is not None
        claim, found, holm_p, badge = case.claim, case.contrast, adjusted.p, case.badge
        assert found is not None
        margin = Interval(-claim.margin, claim.margin)
        as_large = claim.effect is None or found.interval.meets(margin.moved(claim.effect))
        plateau = self.plateau(case)
        significant = holm_p < ALPHA
        if significant and as_large and all(step.inside(claim.margin) for step in plateau) and case.superior:
            size = "" if claim.effect is None else ", and the difference agrees with the published one"
            flat = f", and it is flat from {claim.saturates}" if plateau else ""
            return Finding("reproduced", f"p {formatting.p_value(holm_p)} after Holm's correction{size}{flat}", badge)
        if significant and not as_large:
            interval, effect = formatting.bracketed(found.interval), formatting.signed(claim.effect)
            why = f"the 95 % interval {interval} excludes the published {effect} {formatting.margin(claim)}"
            return Finding("direction only", f"the direction holds, but {why}", badge)
        if significant and not all(step.interval.meets(margin) for step in plateau):
            why = f"the direction holds, but it does not level off at {claim.saturates}"
            return Finding("direction only", why, badge)
        if adjusted.opposite < ALPHA:
            why = f"the opposite holds (p {formatting.p_value(adjusted.opposite)} after Holm's correction)"
            return Finding("not reproduced", why, badge)
        if found.inside(claim.margin):
            why = f"no difference: the 95 % interval is inside {formatting.margin(claim)}"
            return Finding("not reproduced", why, badge)
        if significant and plateau:
            return case.undecided(case.seeds_for_equals(plateau), badge, f"whether it is flat from {claim.saturates}")
        return case.undecided(case.seeds_for_ordering(holm_p), badge)

    def judge_counted(self, case):
        first, second = counts(case)
        relation = "less" if first < second else "more" if first > second else "as much"
        right = (first - second) * case.claim.sign > 0
        return Finding("reproduced" if right else "not reproduced", f"{case.claim.variants[0]} has {relation}")

    def numbers(self, case, holm_p):
        assert case.contrast is not None
        superiority, bound = case.superiority
        return super().numbers(case, holm_p) | {
            "p": case.p if case.testable else case.contrast.p,
            "holm_p": holm_p,
            "rank_p": case.rank_p(),
            "superiority": superiority,
            "superiority_bound": bound if math.isfinite(bound) else None,
        }
