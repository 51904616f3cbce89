"""`repro data`: show, download and check data sets."""

from functools import partial
from pathlib import Path

import click

from repro import data
from repro.cli import options
from repro.cli.terminal import say
from repro.data import weights
from repro.errors import Failure
from repro.planning import experiments
from repro.reporting.table import Column, Table

EXAMPLES = """\b
Examples:
  repro data status
  repro data prepare cifar10 modified-mnist
  repro data prepare torchvision:CIFAR100
  repro data prepare weights
"""


@click.group("data", epilog=EXAMPLES)
def data_command() -> None:
    """Show which images are here; fetch and check them."""


@data_command.command("status", short_help="Which images are here, and where they belong.")
@options.data_dir
@options.output_format
def status_command(data_dir: Path, output_format: str) -> None:
    """Show which images are here, how many to train and to test on, and whether they were found whole."""
    names = ["name", "present", "verified", "images", "path", "note"]
    columns = [Column(name, align="right" if name == "images" else "left") for name in names]
    Table(f"Images in {data_dir}", columns, data.status(data_dir)).print(output_format)


@data_command.command("prepare", short_help="Download, check and build data sets.")
@click.argument("names", nargs=-1, metavar="[DATASET]...", shell_complete=options.complete_datasets)
@options.data_dir
def prepare_command(names: tuple[str, ...], data_dir: Path) -> None:
    """Download, check and build data sets; all that can be fetched when none is named.

    DATASET may be folder:PATH or torchvision:NAME, or `weights`: the published weights that an experiment measures.
    """
    chosen = [name for name in names if name != weights.FOLDER]
    if not names:
        chosen = [name for name in data.DATASETS if data.find(name).fetched]
    data.prepare(chosen, data_dir, progress=partial(say, err=True))
    if weights.FOLDER in names:
        fetch_weights(data_dir)
    for name in dict.fromkeys(chosen):
        found = data.find(name).status(data_dir)
        say(f"{name}: {'ready' if found.present else 'missing'}, {found.images} images in {found.path}")


def fetch_weights(data_dir: Path) -> None:
    """Download and check all published weights; those that cannot be fetched do not keep the others away.

    Raises:
        Failure: some could not.
    """
    problems = []
    for experiment in experiments.everything():
        for variant in experiment.variants:
            if variant.weights is None:
                continue
            try:
                weights.fetch(variant.weights, data_dir)
                say(f"{variant.weights.file}: ready in {data_dir / weights.FOLDER}")
            except Failure as failure:
                problems.append(failure)
                say(str(failure), err=True)
    if problems:
        raise Failure(f"{len(problems)} of the published weights are missing")
