"""`repro status`: runs that are done, interrupted and missing."""

import time
from datetime import datetime
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
  repro status --watch --interval 30
  repro status --format json
"""


@click.command("status", epilog=EXAMPLES)
@options.data_dir
@options.results_dir
@options.output_format
@click.option("--watch", is_flag=True, help="Show it again and again, in place, until Ctrl-C.")
@click.option(
    "--interval", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds between two of them."
)
def status_command(data_dir: Path, results_dir: Path, output_format: str, watch: bool, interval: float) -> None:
    """Show what is done, interrupted and missing, for every experiment and budget."""
    if not watch:
        table(data_dir, results_dir).print(output_format)
        return
    try:
        while True:
            shown = table(data_dir, results_dir)
            click.clear()  # does nothing where this is no terminal
            shown.notes.append(f"{datetime.now():%H:%M:%S}, again every {interval:g} s; Ctrl-C ends this")
            shown.print(output_format)
            time.sleep(interval)
    except KeyboardInterrupt:
        return


def table(data_dir: Path, results_dir: Path) -> Table:
    """The records there are now: a row for each experiment and budget."""
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
    return Table(f"Records in {store.folder}", columns, rows, notes)
