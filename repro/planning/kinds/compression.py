"""Experiments that compress the released network and measure the files."""

from repro.planning.registry import Due, ExperimentKind, register
from repro.records import compressed


@register
class Compression(ExperimentKind):
    """A file for each variant that says how it is compressed; the others are published and cannot be made here."""

    name = "compression"
    measures = "compressed files to make and measure"

    def due(self, experiment, store, data_dir):
        wanted = [(variant, variant.compress) for variant in experiment.variants if variant.compress is not None]
        found = [one for one, how in wanted if compressed.find(store, experiment.name, one.name, how) is None]
        return Due(found, [])

    def countable(self, variant):
        return variant.uncompressed
