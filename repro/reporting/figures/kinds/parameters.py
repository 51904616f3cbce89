"""The figure kind `parameters`: accuracy against the number of parameters."""

from repro.reporting.figures.against import Against, parameters
from repro.reporting.figures.registry import register


@register
class Parameters(Against):
    """A point for each variant and protocol."""

    name = "parameters"
    words = "Test accuracy against number of parameters"
    crowded = "bars"

    def measures(self, experiment):
        return {experiment.figure.x or "parameters": parameters}
