"""`repro list`: the experiments, and how many of their runs are done."""

from pathlib import Path

import click

from repro.cli import options
from repro.config.specification import Budget
from repro.planning import ablations, plan
from repro.records import Store
from repro.reporting.table import Column, Table

EXAMPLES = """\b
Examples:
  repro list
  repro list --budget paper --format json
"""


@click.command("list", epilog=EXAMPLES)
@options.budget
@options.data_dir
@options.results_dir
@options.output_format
def list_command(budget: Budget, data_dir: Path, results_dir: Path, output_format: str) -> None:
    """List experiments, also those that ablate, sweep and train kept, and how many of their runs are done."""
    store = Store(results_dir)
    rows, notes = [], options.where_records_are(results_dir)
    for experiment in ablations.everything(results_dir):
        runs, done, absent = plan.progress(plan.cells(experiment, budget), store, data_dir)
        if absent:
            where = "`repro data status` says where they come from"
            images = f"the images of {' and '.join(absent)}, which are not here"
            notes = [*notes, f"{experiment.name}: missing runs need {images}; {where}."]
        rows.append(
            {
                "name": experiment.name,
                "title": experiment.title,
                "source": experiment.source,
                "runs": runs,
                "done": done,
            }
        )
    columns = [
        Column("name"),
        Column("title"),
        Column("source"),
        Column("runs", align="right"),
        Column("done", align="right"),
    ]
    Table(f"Experiments at the {budget} budget", columns, rows, notes).print(output_format)
