"""The table of an experiment that compresses the released network: sizes, and what the files answer."""

from typing import Any

from repro import models
from repro.judging.evidence import borrowed
from repro.planning.experiments import Experiment, Variant
from repro.records.compressed import Answers, CompressedRecord
from repro.reporting import compression
from repro.reporting.registry import Presentation, register
from repro.reporting.table import Column, Table
from repro.rules.claim import Claim

FLOAT = 4  # bytes of a number that is not compressed


@register
class Compression(Presentation):
    """A row for each variant: published size and accuracies, measured ones, what was lost on the same photographs."""

    name = "compression"

    def table(self, experiment, store, data_dir, budgets=()):
        found = compression.records(experiment, store)
        rows = [row(experiment, variant, found.get(variant.name)) for variant in experiment.variants]
        columns = [
            Column("variant", "network"),
            Column("published_size", "published size", "right"),
            Column("published_accuracy", "published top-1 / top-5", "right"),
            Column("bytes", "bytes on disk", "right", ",d", "not run"),
            Column("ratio", "of float32", "right", ".1f"),
            Column("bits", "bits a kept weight", "right", ".2f"),
            Column("nonzero", "parameters kept", "right", ",d"),
            Column("divergence", "divergence, nats", "right"),
            Column("lost", "top-1 lost, points", "right"),
            Column("lost5", "top-5 lost, points", "right"),
            Column("top1", "top-1", "right"),
            Column("top5", "top-5", "right"),
            Column("agreement", "same answer", "right", ".1%"),
        ]
        return Table(experiment.title, columns, rows, notes(experiment, found))

    def drawn_from(self, experiment, store):
        return compression.records(experiment, store)


def row(experiment: Experiment, variant: Variant, record: CompressedRecord | None) -> dict[str, Any]:
    """One variant."""
    size = claim_of(experiment, variant, "file_bytes")
    accuracies = [claim_of(experiment, variant, metric) for metric in ("accuracy", "top5")]
    cells: dict[str, Any] = {
        "variant": variant.title,
        "published_size": f"{size.published:g} {size.unit}" if size else None,
        "published_accuracy": " / ".join(f"{c.published:g}" for c in accuracies if c) or None,
    }
    if variant.uncompressed:
        size_before = FLOAT * models.parameter_count(variant.model, **variant.options)
        return cells | {"bytes": size_before, "ratio": 1.0, "nonzero": size_before // FLOAT}
    if record is None:
        return cells
    answers = record.answers
    kept = sum(layer.kept for layer in record.layers)
    coded = sum(layer.codes + layer.index + layer.tables for layer in record.layers)
    return cells | {
        "bytes": record.bytes,
        "ratio": FLOAT * record.parameters / record.bytes,
        "bits": 8 * coded / kept if coded else None,
        "nonzero": record.nonzero,
        "top1": share_text(answers.top1, answers.total),
        "top5": share_text(answers.top5, answers.total),
        "lost": lost_text(answers),
        "lost5": f"{answers.lost5:+.1f} [{answers.low5:+.1f}, {answers.high5:+.1f}]",
        "agreement": answers.agreement,
        "divergence": divergence_text(answers),
    }


def divergence_text(answers: Answers) -> str:
    """Nats, with their interval."""
    return f"{answers.divergence:.4f} [{answers.divergence_low:.4f}, {answers.divergence_high:.4f}]"


def lost_text(answers: Answers) -> str:
    """Points of top-1 lost, with their interval."""
    return f"{answers.lost:+.1f} [{answers.low:+.1f}, {answers.high:+.1f}]"


def share_text(hits: int, total: int) -> str:
    """A percentage with Wilson's interval."""
    from repro.rules.statistics import wilson

    low, high = wilson(hits, total)
    return f"{100 * hits / total:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def claim_of(experiment: Experiment, variant: Variant, metric: str) -> Claim | None:
    """The published value of a variant, two-sided."""
    for claim in (*experiment.claims, *borrowed(experiment)):
        whole = claim.variants == (variant.name,) and not claim.layer and claim.direction == "two-sided"
        if whole and claim.metric == metric and claim.published is not None:
            return claim
    return None


def notes(experiment: Experiment, found: dict[str, CompressedRecord]) -> list[str]:
    """Notes that a reader needs beside the numbers."""
    if not found:
        return [f"Nothing measured; to run: repro run {experiment.name}"]
    one = next(iter(found.values()))
    lines = [
        f"Accuracies in percent on {one.answers.total:,} {one.answers.images}, squashed to 227 pixels, with Wilson's "
        "95 % intervals: not the published centre crops of all 50,000.",
        "Divergence: Kullback-Leibler of the answers from the released network's, mean over these photographs, with "
        "the bootstrap's interval.",
        "Lost: against the released network on the same photographs, with Agresti and Min's interval of paired shares. "
        "None of them was calibrated on; those have a file name whose SHA-256 begins with a 0 bit, these with a 1.",
    ]
    seconds = max(record.encode_seconds for record in found.values())
    decoding = max(record.decode_seconds for record in found.values())
    lines.append(f"Encoding took at most {seconds:.1f} s of processor time, decoding {decoding:.2f} s.")
    lacking = [v for v in experiment.variants if v.compress is not None and v.name not in found]
    if lacking:
        lines.append(f"{len(lacking)} files missing; to run: repro run {experiment.name}")
    return lines
