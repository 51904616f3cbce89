"""Claims that one variant loses nothing against another: the 97.5 % bounds of the difference against the margin."""

from repro.rules import formatting
from repro.rules.registry import ClaimType, Finding, register


@register
class NoLoss(ClaimType):
    """The first variant is not worse than the second by more than the margin."""

    name = "no-loss"
    one_sided = True
    stated = "no loss"

    def needs_full_scale(self, claim, control):
        # That nothing is lost shows at a reduced scale where the runs can show a loss.
        return bool(control or claim.needs)

    def bound(self, claim, found):
        return -claim.margin

    def judge(self, case, adjusted):
        claim, found = case.claim, case.contrast
        assert found is not None
        # The ends of a two-sided 95 % interval are the one-sided 97.5 % bounds.
        low, high = found.interval if claim.sign > 0 else found.interval.times(-1)[::-1]
        allowed = formatting.margin(claim, both=False)
        if low > -claim.margin:
            return Finding("reproduced", f"a loss of {allowed} is excluded", case.badge)
        if high < -claim.margin:
            return Finding("not reproduced", f"the loss is more than {allowed}", case.badge)
        return case.undecided(case.seeds_for_difference(abs(found.value * claim.sign + claim.margin)), case.badge)

    def numbers(self, case, holm_p):
        found = case.contrast
        assert found is not None
        upward = found.estimate if case.claim.sign > 0 else found.estimate.negated()
        # Of "the loss is less than the margin".
        p = upward.p_above(-case.claim.margin) if found.n > 1 else None
        return super().numbers(case, holm_p) | {"p": p}
