"""The figure kind `frontier`: accuracy against parameters and against compute, and the best up to each size."""

from repro.reporting.figures.against import COMPUTE, Against, macs, macs_column, parameters
from repro.reporting.figures.registry import register


@register
class Frontier(Against):
    """A row of panels for each of the two sizes; networks are numbered."""

    name = "frontier"
    words = "Test accuracy against number of parameters and against multiply-accumulates"
    best = True

    def measures(self, experiment):
        return {"parameters": parameters, COMPUTE: macs}

    def columns_before(self, budget):
        return [macs_column(budget)]
