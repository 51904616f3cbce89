"""Claims that the metric grows along the variants: an ordering of the two ends, with a trend test beside it.

From the variant on at which it `saturates`, the later ones have to be equivalent to that one.
"""

from repro.rules.registry import register
from repro.rules.types.ordering import Ordering


@register
class Trend(Ordering):
    """The metric grows along the variants, up to `saturates` where that is given, and is flat from there."""

    name = "trend"
    counted = False
    stated = "a trend"

    def count_problems(self, count):
        if count < 3:
            yield f"a trend needs at least 3 variants, not {count}"

    def plateaus(self, claim):
        return claim.variants[1:-1]

    def rising(self, case):
        """The samples up to the plateau."""
        names = case.claim.variants
        if case.claim.saturates:
            names = names[: names.index(case.claim.saturates) + 1]
        return [case.samples[name] for name in names]

    def ends(self, case):
        """The last sample of the rising part, and the first."""
        rising = self.rising(case)
        return rising[-1], rising[0]

    def p(self, case):
        from repro.rules import samples, statistics

        rising = self.rising(case)
        if len(rising) < 3:
            return super().p(case)
        # The trend and its ends must both pass, so the larger p stands for both.
        columns = [[case.claim.sign * value for value in sample.by_seed] for sample in rising]
        paired = not case.binary and samples.are_paired(rising)
        return max(super().p(case), statistics.p_trend(columns, paired))

    def plateau(self, case):
        """Each variant after the one that the trend saturates at, against that one."""
        from repro.rules import samples

        claim = case.claim
        if not claim.saturates:
            return []
        after = claim.variants[claim.variants.index(claim.saturates) + 1 :]
        knee = case.samples[claim.saturates]
        return [samples.contrast(case.samples[name], knee, claim.sign, case.binary) for name in after]
