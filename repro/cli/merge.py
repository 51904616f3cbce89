"""`repro merge`."""

from pathlib import Path

import click

from repro.cli import options
from repro.cli.terminal import say
from repro.errors import BadInput
from repro.records import Store, compressed
from repro.records.merge import merge

EXAMPLES = """\b
Examples:
  repro merge /mnt/other-machine/results
  repro merge from-a from-b --results-dir results
"""


@click.command("merge", epilog=EXAMPLES)
@click.argument("others", nargs=-1, required=True, metavar="RESULTS...", type=click.Path(path_type=Path))
@options.results_dir
def merge_command(others: tuple[Path, ...], results_dir: Path) -> int:
    """Join the records of other results folders to those here, of trainings and of compressed files.

    Where both have a run or a file with different outcomes, what is here is kept and the conflict told; damaged or
    edited records are refused by name. Either makes the exit status 1. Run `repro report` afterwards.
    """
    trouble = False
    for other in others:
        theirs = Store(other)
        if not theirs.folder.is_dir() and not (other / compressed.FOLDER).is_dir():
            raise BadInput(f"{other} is no results folder: it has neither runs/ nor {compressed.FOLDER}/")
        found = merge(Store(results_dir), theirs)
        counts = f"{found.added} added, {found.extended} extended, {found.same} already here"
        say(f"{other}: {counts}, {len(found.conflicts)} in conflict, {len(found.refused)} refused")
        for line in found.conflicts:
            say(f"  conflict: {line}", err=True)
        for line in found.refused:
            say(f"  refused: {line}", err=True)
        trouble = trouble or bool(found.conflicts or found.refused)
    return 1 if trouble else 0
