"""`repro report`."""

from pathlib import Path

import click

from repro.cli import options

EXAMPLES = """\b
Examples:
  repro report
  repro report table1 --open
"""


@click.command("report", epilog=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT]...", shell_complete=options.complete_experiments)
@options.data_dir
@options.results_dir
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
def report_command(names: tuple[str, ...], data_dir: Path, results_dir: Path, show: bool) -> None:
    """Rebuild tables, figures and the page from records alone."""
    from repro.planning import experiments
    from repro.reporting import report

    for name in names:
        experiments.find(name)
    report.render(results_dir, data_dir, only=list(names) or None, progress=lambda line: click.echo(line, err=True))
    page = results_dir / "index.html"
    if show and page.is_file():
        click.launch(page.resolve().as_uri())
