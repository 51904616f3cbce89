"""Experiments that count what the networks are made of."""

from repro.planning.registry import ExperimentKind, register


@register
class Sizes(ExperimentKind):
    """Nothing is run: parameters, bytes and maps follow from the networks' definitions."""

    name = "sizes"
