"""Compressed files: points lost against bytes, where the bytes are, and weights before and after sharing."""

from repro.reporting import compression
from repro.reporting.figures.registry import FigureKind, register


@register
class Files(FigureKind):
    """The three figures of an experiment of kind `compression`."""

    name = "compression"

    def described(self, experiment, evidence, store):
        return compression.described(experiment, store)

    def draw(self, figure, experiment, evidence, store, name):
        compression.paint(figure, experiment, store, name)
