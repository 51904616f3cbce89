"""The figure kind `none`: no figure."""

from repro.reporting.figures.registry import FigureKind, register


@register
class Nothing(FigureKind):
    """For experiments whose table says it all."""

    name = "none"
    draws = False
