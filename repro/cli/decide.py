"""`repro decide`: spend hours on the runs that decide most claims."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.cli import options
from repro.cli.run import carry_out, kind_of
from repro.config.specification import Budget
from repro.planning import experiments
from repro.processes import runs_at_once
from repro.records import Store
from repro.reporting.summary import duration
from repro.reporting.table import Column, Table

if TYPE_CHECKING:
    from repro.judging.decide import Decision

EXAMPLES = """\b
Examples:
  repro decide --dry-run
  repro decide --hours 8 --jobs 2
  repro decide --hours 2 batch-norm fire-removal
"""


@click.command("decide", epilog=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT]...", shell_complete=options.complete_experiments)
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), help="The time to spend; needed but for --dry-run."
)
@options.budget
@options.data_dir
@options.results_dir
@options.device
@options.launcher
@click.option("--dry-run", is_flag=True, help="Show the claims that could be decided, in order, with their hours.")
@options.output_format
def decide_command(
    names: tuple[str, ...],
    hours: float | None,
    budget: Budget,
    data_dir: Path,
    results_dir: Path,
    device: str,
    launcher: options.Launcher,
    dry_run: bool,
    output_format: str,
) -> int:
    """Spend time where it decides most claims: run what undecided claims lack, the cheapest decision first.

    A claim is looked at when its planned seeds are there, and once more at twice as many (docs/verdicts.md); runs are
    made up to the next look, and no further. Run the same command again to resume.
    """
    if hours is None and not dry_run:
        raise click.UsageError("how many hours? give --hours H, or --dry-run")
    # Imported here because scipy, behind it, takes longer to load than most verbs to run.
    from repro.judging.decide import queue

    store = Store(results_dir)
    suite = [experiments.find(name) for name in names] if names else list(experiments.everything())
    found = queue(suite, budget, store, data_dir, kind_of(device))
    jobs = launcher.jobs or (runs_at_once() if launcher.name != "here" and kind_of(device) == "cpu" else 1)
    if dry_run:
        show(found, jobs, hours, output_format)
        return 0
    assert hours is not None
    running = options.Running(
        budget,
        None,
        data_dir,
        results_dir,
        device,
        {},
        launcher,
        dry_run=False,
        fail_fast=False,
        output_format="text",
        yes=True,
    )
    rows, failures = decide(found, store, running, hours, jobs)
    columns = [Column("claim"), Column("verdict"), Column("sentence")]
    Table(f"{len(rows)} claims looked at", columns, rows).print(output_format)
    return 1 if failures else 0


def decide(
    found: "list[Decision]", store: Store, running: options.Running, hours: float, jobs: int
) -> tuple[list[dict[str, Any]], int]:
    """Carry out decisions while there is time; what came of each, and how many runs failed."""
    from repro.judging.evidence import verdicts_of

    began, failures, rows = time.monotonic(), 0, []
    for index, decision in enumerate(found):
        left = 3600 * hours - (time.monotonic() - began)
        if decision.seconds / jobs > left:
            click.echo(
                f"{duration(left)} are left; {decision.claim.id}, the next of {len(found) - index} claims, needs "
                f"{duration(decision.seconds / jobs)}",
                err=True,
            )
            break
        click.echo(f"{decision.claim.id}: {len(decision.steps)} runs to look {decision.look}", err=True)
        failures += carry_out(list(decision.cells), store, running)
        store.forget()
        verdicts = verdicts_of(decision.experiment, store, running.data_dir)
        verdict = next(verdict for verdict in verdicts if verdict.id == decision.claim.id)
        rows.append({"claim": verdict.id, "verdict": verdict.verdict, "sentence": verdict.sentence})
        click.echo(f"{verdict.id}: {verdict.verdict}", err=True)
    return rows, failures


def show(found: list[Any], jobs: int, hours: float | None, output_format: str) -> None:
    """The queue as a table, with the time that each decision adds and the sum up to it."""
    rows, spent = [], 0.0
    for decision in found:
        spent += decision.seconds / jobs
        rows.append(
            {
                "claim": decision.claim.id,
                "experiment": decision.experiment.name,
                "look": decision.look,
                "runs": len(decision.steps),
                "hours": decision.seconds / jobs / 3600,
                "in all": spent / 3600,
                "decides": "likely" if decision.likely else "unlikely: more seeds would be needed",
                "fits": None if hours is None else "yes" if spent <= 3600 * hours else "no",
            }
        )
    columns = [Column("claim"), Column("experiment"), Column("look", align="right"), Column("runs", align="right")]
    columns += [Column("hours", align="right", format=".1f"), Column("in all", align="right", format=".1f")]
    columns += [Column("decides")] + ([Column("fits")] if hours is not None else [])
    notes = ["A run that several claims need is counted for the first of them."]
    Table(f"{len(rows)} claims that runs could decide", columns, rows, notes).print(output_format)
