"""Drawings of the architectures."""

from repro.planning.registry import ExperimentKind, register


@register
class Diagrams(ExperimentKind):
    """Nothing is run."""

    name = "diagrams"
