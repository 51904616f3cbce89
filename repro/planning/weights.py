"""Which published weights are measured, and which are still to be. Imports no torch."""

from pathlib import Path

from repro.config.specification import NUMERICS
from repro.data import files, weights
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


def due(experiment: Experiment, store: Store, data_dir: Path) -> tuple[list[Variant], list[str]]:
    """The variants to be measured: without a record, or of another file or other images than are here now.

    Returns: them, and for each variant without a record that cannot be measured a line on what it lacks.
    """
    found, lines = [], []
    for variant in experiment.variants:
        if variant.weights is None:
            continue
        record, images = find(store, experiment, variant), experiments.resolve(experiment, variant, "paper").data
        if lacks := weights.absent(variant.weights, images, data_dir):
            lines += [] if record else [lacks]
            continue
        here = (files.digest(data_dir / weights.FOLDER / variant.weights.file, "sha256"),
                weights.checksum(images, data_dir))  # fmt: skip
        if record is None or (record.sha256, record.checksum) != here:
            found.append(variant)
    return found, lines
