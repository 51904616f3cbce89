"""`repro merge`: join the records of other results folders."""

from pathlib import Path

import click

from repro.cli import options
from repro.cli.terminal import say
from repro.errors import BadInput
from repro.planning import ablations
from repro.records import Store
from repro.records.merge import VARIANT_KINDS, Merged, merge

EXAMPLES = """\b
Examples:
  repro merge /mnt/other-machine/results
  repro merge from-a from-b --results-dir results
"""


@click.command("merge", epilog=EXAMPLES)
@click.argument("others", nargs=-1, required=True, metavar="RESULTS...", type=click.Path(path_type=Path))
@options.results_dir
def merge_command(others: tuple[Path, ...], results_dir: Path) -> int:
    """Join the records of other results folders to those here: of trainings, compressed files, published weights.
    The ablations that they keep come too.

    Where both have a run or a file with different outcomes, what is here is kept and the conflict reported; damaged or
    edited records are refused by name. Either makes the exit status 1. Run `repro report` afterwards.
    """
    trouble = False
    for other in others:
        folders = ["runs", *(kind.FOLDER for kind in VARIANT_KINDS), ablations.FOLDER]
        if not any((other / folder).is_dir() for folder in folders):
            raise BadInput(f"{other} is no results folder: it has none of {', '.join(f'{name}/' for name in folders)}")
        trouble |= told(f"{other}", merge(Store(results_dir), Store(other)))
        if ablations.names(other):
            trouble |= told(f"{other / ablations.FOLDER}", ablations.merge(results_dir, other))
    return 1 if trouble else 0


def told(other: str, found: Merged) -> bool:
    """Say what came from a folder; whether something did not."""
    counts = f"{found.added} added, {found.extended} extended, {found.same} already here"
    say(f"{other}: {counts}, {len(found.conflicts)} in conflict, {len(found.refused)} refused")
    for line in found.conflicts:
        say(f"  conflict: {line}", err=True)
    for line in found.refused:
        say(f"  refused: {line}", err=True)
    return bool(found.conflicts or found.refused)
