"""`repro data`."""

from pathlib import Path

import click

from repro import data
from repro.cli import options
from repro.reporting.table import Column, Table

EXAMPLES = """\b
Examples:
  repro data status
  repro data prepare cifar10 modified-mnist
"""


@click.group("data", epilog=EXAMPLES)
def data_command() -> None:
    """Which images are here; fetch and check them."""


@data_command.command("status")
@options.data_dir
@options.output_format
def status_command(data_dir: Path, output_format: str) -> None:
    """Which data sets are here, and whether they were found whole."""
    names = ["name", "present", "verified", "images", "path", "note"]
    columns = [Column(name, align="right" if name == "images" else "left") for name in names]
    Table(f"Images in {data_dir}", columns, data.status(data_dir)).print(output_format)


@data_command.command("prepare")
@click.argument("names", nargs=-1, metavar="[DATASET]...", shell_complete=options.complete_datasets)
@options.data_dir
def prepare_command(names: tuple[str, ...], data_dir: Path) -> None:
    """Download, check and build data sets; all that can be had when none is named."""
    chosen = names or [name for name in data.DATASETS if name != "bike-ship"]
    data.prepare(chosen, data_dir, progress=lambda line: click.echo(line, err=True))
    for row in data.status(data_dir):
        if row["name"] in chosen:
            click.echo(
                f"{row['name']}: {'ready' if row['present'] else 'missing'}, {row['images']} images in {row['path']}"
            )
