"""The arithmetic of the paper's design strategies, section 3.1."""

from repro.planning.registry import ExperimentKind, register


@register
class Strategies(ExperimentKind):
    """Nothing is run."""

    name = "strategies"
