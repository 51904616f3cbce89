"""An interval of numbers."""

import math
from typing import NamedTuple


class Interval(NamedTuple):
    low: float
    high: float

    def inside(self, other: "Interval") -> bool:
        """Strictly, so that touching a margin is not being within it."""
        return other.low < self.low and self.high < other.high

    def meets(self, other: "Interval") -> bool:
        return self.low <= other.high and other.low <= self.high

    def times(self, factor: float) -> "Interval":
        return Interval(factor * self.low, factor * self.high)

    def moved(self, by: float) -> "Interval":
        return Interval(self.low + by, self.high + by)

    def limited(self) -> "Interval | None":
        """None where a single run gives no limits, which is how it is stored and shown."""
        return self if math.isfinite(self.low) and math.isfinite(self.high) else None
