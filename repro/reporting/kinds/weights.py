"""The table of an experiment of kind `weights`: published beside measured, and what brings the files that lack."""

from typing import Any

from repro.data import DATASETS, find
from repro.planning import experiments, weights
from repro.planning.experiments import Experiment, Variant
from repro.records import Store
from repro.records.weights import WeightsRecord
from repro.reporting.registry import Presentation, register
from repro.reporting.table import DASH, Column, Estimate, Table
from repro.rules.claim import Claim


@register
class Weights(Presentation):
    """A row for each file."""

    name = "weights"

    def table(self, experiment, store, data_dir, budgets=()):
        found = records(experiment, store)
        rows = [row(experiment, variant, found) for variant in experiment.variants]
        columns = [
            Column("variant", "network"),
            Column("file", "published file"),
            Column("data"),
            Column("images", "test images", "right", ",d"),
            Column("published", "published top-1 / top-5", "right"),
            Column("top1", "top-1", "right", empty="not measured"),
            Column("top5", "top-5", "right"),
        ]
        if any("ahead" in row for row in rows):
            columns.append(Column("ahead", "top-1 ahead, points", "right"))
        return Table(experiment.title, columns, rows, notes(experiment, found))


def records(experiment: Experiment, store: Store) -> dict[str, WeightsRecord]:
    """The records there are, by variant."""
    return {v.name: record for v in experiment.variants if (record := weights.find(store, experiment, v))}


def row(experiment: Experiment, variant: Variant, found: dict[str, WeightsRecord]) -> dict[str, Any]:
    """One file."""
    assert variant.weights is not None
    claims = [claim for claim in experiment.claims if claim.variants == (variant.name,)]
    cells: dict[str, Any] = {
        "variant": variant.title,
        "file": variant.weights.file,
        "data": DATASETS[experiments.resolve(experiment, variant, "paper").data.name].title,
        "published": " / ".join(stated(claims, metric) for metric in ("accuracy", "top5")) if claims else None,
    }
    record = found.get(variant.name)
    if record is None:
        return cells
    cells |= {"images": record.total, "top1": top1(record), "top5": share(record.measurement.top5, record.total)}
    first = next(one for one in found.values() if one.checksum == record.checksum)
    if first is not record:
        cells["ahead"] = ahead(record, first)
    return cells


def stated(claims: list[Claim], metric: str) -> str:
    """The published values of one metric."""
    return ", ".join(f"{claim.published:g}" for claim in claims if claim.metric == metric) or DASH


def top1(record: WeightsRecord) -> str:
    """Top-1 accuracy in percent with Wilson's 95 % interval."""
    return share(sum(record.measurement.correct), record.total)


def share(hits: int | None, total: int) -> str:
    """A percentage with Wilson's 95 % interval."""
    from repro.rules.statistics import wilson

    if hits is None:
        return "?"
    low, high = wilson(hits, total).times(100)
    return f"{100 * hits / total:.1f} [{low:.1f}, {high:.1f}]"


def ahead(record: WeightsRecord, first: WeightsRecord) -> Estimate:
    """Points by which it is right more often than another on the same images, with the interval of paired shares."""
    import numpy as np

    from repro.rules.statistics import paired_loss

    lost, interval = paired_loss(np.array(first.right), np.array(record.right))
    return Estimate(-lost, -interval.high, -interval.low, record.total, signed=True)


def notes(experiment: Experiment, found: dict[str, WeightsRecord]) -> list[str]:
    """Notes that a reader needs beside the numbers."""
    lines = []
    if found:
        lines.append("Accuracies in percent with Wilson's 95 % intervals, which are of the draw of test images.")
    parts = {(r.data.name, r.total) for r in found.values() if find(r.data.name).tested_on and not r.whole}
    for name, total in sorted(parts):
        info, photographs = DATASETS[name], find(find(name).tested_on).info.title
        lines.append(
            f"{info.title}: only {total:,} {photographs}, squashed: not the published cuts of all {info.test:,}, and "
            "too few to tell networks apart that differ by a few points."
        )
    if len({record.checksum for record in found.values()}) < len(found):
        lines.append(
            "Ahead: of the first network that was measured on the same images, with Agresti and Min's interval of "
            "paired shares."
        )
    for variant in experiment.variants:
        if variant.name not in found and variant.weights is not None:
            lines.append(
                f"{variant.title}: `repro data prepare weights`, or put {variant.weights.file} into weights/ of the "
                f"data folder ({variant.weights.address}); to run: repro run {experiment.name}"
            )
    return lines
