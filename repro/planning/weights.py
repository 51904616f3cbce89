"""Which published weights are measured. Imports no torch."""

from repro.config.specification import NUMERICS
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.records import Store, variants
from repro.records.weights import WeightsRecord


def find(store: Store, experiment: Experiment, variant: Variant) -> WeightsRecord | None:
    """The record of a variant as it is specified now; None, and a line in the store's problems where it is damaged."""
    record = variants.find(store, WeightsRecord, experiment.name, variant.name)
    if record is None or variant.weights is None:
        return None
    run = experiments.resolve(experiment, variant, "paper")
    same = (record.file, record.model, record.data, record.numerics) == (
        variant.weights.file, run.model, run.data, NUMERICS,
    )  # fmt: skip
    return record if same and record.sha256.startswith(variant.weights.sha256) else None
