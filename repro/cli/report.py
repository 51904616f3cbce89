"""`repro report`: rebuild tables, figures and the page from records."""

from functools import partial
from pathlib import Path

import click

from repro.cli import options
from repro.cli.terminal import say
from repro.errors import BadInput

EXAMPLES = """\b
Examples:
  repro report
  repro report table1 --open
  repro report --renew README.md      and the parts of a document that are made from records
"""


@click.command("report", epilog=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT]...", shell_complete=options.complete_experiments)
@options.data_dir
@options.results_dir
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
@click.option(
    "--renew",
    "documents",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Renew what stands between <!-- made: table table1 --> and <!-- /made --> in a Markdown file.",
)
def report_command(
    names: tuple[str, ...], data_dir: Path, results_dir: Path, show: bool, documents: tuple[Path, ...]
) -> None:
    """Rebuild tables, figures and the page from records alone."""
    from repro.planning import ablations
    from repro.reporting import current

    for name in names:
        ablations.find(name, results_dir)
    if missing := options.where_records_are(results_dir):
        raise BadInput(missing[0])
    for document in documents:  # before the page, which shows docs/findings.md
        from repro.records import Store
        from repro.reporting import snippets
        from repro.storage import write_if_changed

        if write_if_changed(document, snippets.renew(document.read_text(), Store(results_dir), data_dir)):
            say(str(document), err=True)
    current.bring_up_to_date(results_dir, data_dir, only=list(names) or None, progress=partial(say, err=True))
    page = results_dir / "index.html"
    say(f"{page} is up to date", err=True)
    if show and page.is_file():
        click.launch(page.resolve().as_uri())
