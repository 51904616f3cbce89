"""Claims on how many times larger one variant's value is than another's.

Measured ratios are judged as a point is, by their logarithm; those of counts are equal up to the margin.
"""

import math

from repro.rules.registry import register
from repro.rules.types.point import Point


@register
class Ratio(Point):
    """The first variant's value over the second's; the margin is a fraction of it."""

    name = "ratio"
    variants = (2,)
    counted = True
    relative = True

    def margin_problems(self, claim, smallest=None):
        if claim.published is not None:
            if claim.published <= 0:
                yield "a ratio is positive"
            if not 0 < claim.margin < 1:
                yield "the margin of a ratio is a fraction between 0 and 1"
            smallest = claim.rounding / 2 / claim.published
        yield from super().margin_problems(claim, smallest)

    def off(self, case):
        """Measured minus published logarithm."""
        from repro.rules import samples, statistics

        assert case.claim.published is not None
        first, second = ([math.log(value) for value in sample.by_seed] for sample in case.ends)
        found = statistics.difference(first, second, samples.are_paired(case.ends))
        return found.moved(-math.log(case.claim.published))

    def measured(self, off, published):
        return published * math.exp(off)

    def combined(self, values):
        return values[0] / values[1]

    def distance(self, measured, published):
        return math.log(measured / published)

    def tolerance(self, claim):
        return math.log1p(claim.margin)
