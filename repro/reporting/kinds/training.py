"""The table of an experiment that trains: published beside measured accuracy, by budget and protocol."""

from repro.judging.evidence import shown
from repro.reporting import tables
from repro.reporting.registry import Presentation, register


@register
class Training(Presentation):
    """A row for each variant: parameters, published and measured accuracy."""

    name = "training"

    def table(self, experiment, store, data_dir, budgets=()):
        evidence = shown(experiment, store, data_dir, budgets)
        return tables.variants_table(experiment, evidence or shown(experiment, store, data_dir, ["laptop"]))
