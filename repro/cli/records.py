"""`repro export-records`: all records as one table, CSV or Parquet."""

from pathlib import Path

import click

from repro.cli import options
from repro.errors import BadInput
from repro.storage import write_atomic

EXAMPLES = """\b
Examples:
  repro export-records -o runs.csv
  repro export-records -o runs.parquet
  repro export-records --epochs -o histories.csv
"""


@click.command("export-records", epilog=EXAMPLES)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="FILE.csv or .parquet."
)
@click.option("--epochs", is_flag=True, help="A row per epoch of each run, instead of one per measurement.")
@options.results_dir
def export_records_command(output: Path, epochs: bool, results_dir: Path) -> None:
    """Write all records as one table: a row per run, protocol and experiment; docs/python.md names the columns."""
    if output.suffix not in (".csv", ".parquet"):
        raise BadInput(f"{output}: choose a name that ends in .csv or .parquet")
    # Imported here because pandas takes longer to load than most verbs to run.
    from repro.reporting import frames
    from repro.reporting.table import csv_cell

    frame = frames.histories(results_dir) if epochs else frames.load(results_dir)
    if output.suffix == ".csv":
        # Records may come from others: a text that a spreadsheet would compute stays text.
        texts = frame.select_dtypes(exclude="number").columns
        write_atomic(
            output, frame.assign(**{name: frame[name].map(csv_cell) for name in texts}).to_csv(index=False).encode()
        )
    else:
        try:
            write_atomic(output, frame.to_parquet(None, index=False))
        except ImportError:
            raise BadInput(f"{output}: writing Parquet needs pyarrow: pip install pyarrow") from None
    click.echo(f"{len(frame):,} rows in {output}")
