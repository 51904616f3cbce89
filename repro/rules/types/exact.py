"""Claims that a count or a size is equal to the published one, up to its rounding."""

from repro.rules.registry import ClaimType, register


@register
class Exact(ClaimType):
    """A count or a size of one variant, or the difference of two."""

    name = "exact"
    variants = (1, 2)
    valued = True
    counted = True

    def problems(self, claim):
        if not claim.deterministic:
            yield f"{claim.metric} varies between runs; use type point"
        yield from super().problems(claim)

    def margin_problems(self, claim, smallest=None):
        # A tolerance beyond the rounding would hide a wrong definition.
        if abs(claim.margin - claim.rounding / 2) > 1e-12 * max(1.0, claim.rounding):
            yield "the margin of an exact claim is half its rounding"

    def needs_full_scale(self, claim, control):
        return False  # a definition has no scale
