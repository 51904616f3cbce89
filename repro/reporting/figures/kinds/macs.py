"""The figure kind `macs`: accuracy against the compute for one image."""

from repro.reporting.figures.against import COMPUTE, Against, macs, macs_column
from repro.reporting.figures.registry import register


@register
class Macs(Against):
    """A point for each variant and protocol."""

    name = "macs"
    words = "Test accuracy against multiply-accumulates"
    crowded = "bars"

    def measures(self, experiment):
        return {experiment.figure.x or COMPUTE: macs}

    def columns_before(self, budget):
        return [macs_column(budget)]
