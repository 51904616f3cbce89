"""`repro status`."""

from pathlib import Path

import click

from repro.cli import options
from repro.config.specification import BUDGETS
from repro.planning import ablations, plan
from repro.records import Store
from repro.reporting.summary import duration
from repro.reporting.table import Column, Table
from repro.storage import cache_folder

EXAMPLES = """\b
Examples:
  repro status
  repro status --format json
"""


@click.command("status", epilog=EXAMPLES)
@options.data_dir
@options.results_dir
@options.output_format
def status_command(data_dir: Path, results_dir: Path, output_format: str) -> None:
    """What is done, interrupted and missing, for every experiment and budget."""
    store = Store(results_dir)
    rows = []
    for experiment in ablations.everything(results_dir):
        for budget in BUDGETS:
            steps = plan.plan(plan.cells(experiment, budget), store, data_dir)
            if not steps:
                continue
            records = [step.record for step in steps if step.record]
            rows.append(
                {
                    "experiment": experiment.name,
                    "budget": budget,
                    "done": sum(step.state == "done" for step in steps),
                    "runs": len(steps),
                    "to resume": sum(step.state == "to resume" for step in steps),
                    "stale": sum(step.state == "stale" for step in steps),
                    "diverged": sum(record.status == "diverged" for record in records),
                    "collapsed": sum(record.status == "collapsed" for record in records),
                    "spent": duration(sum(record.seconds for record in records)),
                    "devices": ", ".join(sorted({str(r.environment.get("device_name")) for r in records})) or None,
                }
            )
    names = ["done", "runs", "to resume", "stale", "diverged", "collapsed", "spent"]
    columns = [Column("experiment"), Column("budget"), *(Column(n, align="right") for n in names), Column("devices")]
    notes = [f"checkpoints and weights: {cache_folder()}", *dict.fromkeys(store.problems)]
    notes += options.where_records_are(results_dir)
    Table(f"Records in {store.folder}", columns, rows, notes).print(output_format)
