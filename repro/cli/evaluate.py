"""`repro evaluate`: measure a network on real images."""

from pathlib import Path
from typing import Any

import click

from repro.cli import options
from repro.cli.networks import find_network, images_options, inputs_of
from repro.reporting.table import Column, Estimate, Table

EVALUATE_EXAMPLES = """\b
Examples:
  repro evaluate compressed_SqueezeNet.net
  repro evaluate small.sqz --against compressed_SqueezeNet.net --half measuring
  repro evaluate net.safetensors --data cifar10 --normalisation data
"""


@click.command("evaluate", epilog=EVALUATE_EXAMPLES)
@click.argument("source", metavar="WEIGHTS|RUN")
@click.option("--against", metavar="WEIGHTS|RUN", help="Compare with another network on the same images.")
@click.option(
    "--half",
    type=click.Choice(["all", "calibration", "measuring"]),
    default="all",
    show_default=True,
    help="Which photographs: those that compress calibrates on, or those that it never uses.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Use the first N images only.")
@images_options
@options.device
@options.output_format
def evaluate_command(
    source: str,
    against: str | None,
    half: Any,
    limit: int | None,
    data: str | None,
    normalisation: Any,
    data_dir: Path,
    results_dir: Path,
    device: str,
    output_format: str,
) -> None:
    """Measure a network on real images: top-1 and top-5 with their 95 % intervals (Wilson)."""
    from repro.formats import files
    from repro.rules.statistics import paired_loss
    from repro.running import classification
    from repro.running.images import images_for
    from repro.training import devices

    chosen, _ = devices.choose(device)
    rows, first = [], None
    for name in [source, *([against] if against else [])]:
        network = find_network(name, results_dir)
        images = images_for(network, inputs_of(network, data, normalisation), data_dir, half, limit)
        logits = classification.scores(files.module(network), images.images, images.prepare, chosen)
        top1, top5 = (classification.right(logits, images.labels, among) for among in (1, 5))
        row = {"network": name, "images": len(images.labels), "top1": estimate(top1), "top5": estimate(top5)}
        if first is not None:
            lost, interval = paired_loss(top1, first[0])
            row |= {
                "lost": Estimate(lost, interval.low, interval.high, len(images.labels), signed=True),
                "agreement": float((first[1].argmax(1) == logits.argmax(1)).float().mean()),
                "divergence": classification.divergence(logits, first[1]),
            }
        first = first or (top1, logits)
        rows.append(row)
    columns = [
        Column("network"),
        Column("images", align="right", format=",d"),
        Column("top1", "top-1, %", "right"),
        Column("top5", "top-5, %", "right"),
    ]
    notes = ["95 % intervals: Wilson's."]
    if against:
        columns += [
            Column("lost", f"{source} loses, points", "right"),
            Column("agreement", "same answer", "right", ".1%"),
            Column("divergence", "divergence, nats", "right", ".4f"),
        ]
        notes.append("Lost: of top-1 on the same images, with Agresti and Min's interval of paired shares.")
    Table(f"{images.title}", columns, rows, notes).print(output_format)


def estimate(right: Any) -> Estimate:
    """A percentage of images with Wilson's interval."""
    from repro.running.classification import share

    found = share(right)
    return Estimate(found.percent, *found.interval, found.total)
