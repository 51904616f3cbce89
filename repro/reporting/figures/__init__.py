"""The figures of experiments. Each shows measured values with 95 % intervals, and published values beside them.

A figure is drawn from evidence and histories alone. Colours, markers and line styles change together, so that nothing
is told by colour alone.
"""

from repro.reporting.figures import kinds

__all__ = ["kinds"]
