"""Claims on a measured value of one variant.

Reproduced if the 95 % interval of the difference to the published value lies inside the margin. Not reproduced only if
the 95 % *prediction* interval, in which the published value is one more random draw, lies outside: nobody is accused of
what the seed noise of a single published run explains. Published weights are one network without seeds: both intervals
are Wilson's, of its test images.

More than one failed run in ten leaves the claim inconclusive: such a recipe has no typical value.
"""

from typing import TYPE_CHECKING

from repro.rules import formatting
from repro.rules.interval import Interval
from repro.rules.registry import ClaimType, Finding, register

if TYPE_CHECKING:
    from repro.rules.case import Case
    from repro.rules.statistics import Estimate, Proportion

MOST_FAILURES = 0.1


@register
class Point(ClaimType):
    """A measured value of one variant."""

    name = "point"
    variants = (1,)
    valued = True

    def problems(self, claim):
        if claim.metric == "collapsed":
            yield "a share of failed runs is compared between variants; use type ordering, no-loss or trend"
        yield from super().problems(claim)

    def off(self, case: "Case") -> "Estimate | Proportion":
        """Measured minus published."""
        from repro.rules import statistics

        assert case.claim.published is not None
        (sample,) = case.samples.values()
        if sample.released:
            hits = round(sample.values[0] / 100 * sample.total)
            return statistics.Proportion(hits, sample.total, -case.claim.published)
        mean = statistics.mean_of(sample.values, sample.step or 0.0).widened(sample.test_set_variance)
        return mean.moved(-case.claim.published)

    def measured(self, off: float, published: float) -> float:
        """The value that is so far off the published one."""
        return published + off

    def judge(self, case, adjusted):
        claim = case.claim
        for variant, sample in case.samples.items():
            if sample.failures > MOST_FAILURES * sample.n and not claim.collapse:
                return Finding(
                    "inconclusive", f"{sample.failures} of {sample.n} runs of {variant} failed: the recipe is unstable"
                )
        margin, estimate = self.tolerance(claim), self.off(case)
        if estimate.interval().inside(Interval(-margin, margin)):
            return Finding("reproduced", f"the 95 % interval of the difference is inside {formatting.margin(claim)}")
        if claim.direction == "two-sided":
            contradicted = not estimate.prediction(claim.original_runs).meets(Interval(-margin, margin))
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
        return case.undecided(case.seeds_for_value(estimate, margin))

    def numbers(self, case, holm_p):
        claim, estimate = case.claim, self.off(case)
        assert claim.published is not None
        measured, interval = self.measured(estimate.value, claim.published), estimate.interval().limited()
        if interval:
            interval = Interval(*(self.measured(end, claim.published) for end in interval))
        return {
            "measured": measured,
            "interval": interval,
            "difference": measured - claim.published,
            "difference_interval": interval.moved(-claim.published) if interval else None,
            "level": 95,
            "predicted": case.predicts(estimate),
        }
