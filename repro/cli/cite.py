"""`repro cite`: BibTeX of the sources, networks and data sets."""

import click

from repro.cli import options
from repro.planning import experiments

EXAMPLES = """\b
Examples:
  repro cite > repro.bib
  repro cite table1
"""


@click.command("cite", epilog=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT]...", shell_complete=options.complete_experiments)
def cite_command(names: tuple[str, ...]) -> None:
    """Print BibTeX for what results rest on: the suite; sources, networks and data of the experiments, or of all."""
    from repro.reporting.citations import bibliography

    chosen = [experiments.find(name) for name in names] if names else experiments.everything()
    click.echo("\n\n".join(bibliography(chosen)))
