"""`repro train`."""

from pathlib import Path
from typing import Any

import click

from repro.cli import options
from repro.cli.run import carry_out, show_plan
from repro.planning import plan
from repro.planning.experiments import Experiment, Variant
from repro.planning.specification import Budget
from repro.records import Store

EXAMPLES = """\b
Examples:
  repro train squeezenet
  repro train mini-squeezenet --data mnist --seeds 1 --set recipe.epochs=1
  repro train squeezenet --option bypass=simple --set recipe.learning_rate=5e-4
"""


@click.command("train", epilog=EXAMPLES)
@click.argument("model", shell_complete=options.complete_networks)
@click.option("--option", "pairs", multiple=True, metavar="NAME=VALUE", help="An option of the network.")
@click.option("--data", "dataset", default="cifar10", show_default=True, shell_complete=options.complete_datasets)
@options.running
@click.option("--dry-run", is_flag=True, help="Show what would be done and how long it would take.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first run that fails.")
@options.output_format
def train_command(
    model: str,
    pairs: tuple[str, ...],
    dataset: str,
    budget: Budget,
    seeds: int | None,
    data_dir: Path,
    results_dir: Path,
    device: str,
    overrides: dict[str, Any],
    launcher: options.Launcher,
    dry_run: bool,
    fail_fast: bool,
    output_format: str,
) -> int:
    """Train one network, as often as there are seeds, and show how well it does."""
    from repro.cli.summary import read_options

    data = {"name": dataset, "balanced": dataset == "bike-ship"}
    variant = Variant(name=model, model=model, options=read_options(pairs), data=data)
    experiment = Experiment(name="train", title=model, source="", question="", variants=(variant,))
    cells = plan.cells(experiment, budget, seeds, overrides)
    store = Store(results_dir)
    steps = plan.plan(cells, store, data_dir)
    if dry_run:
        show_plan(steps, store, device, output_format)
        return 0
    failures = carry_out(steps, store, data_dir, device, fail_fast, launcher)

    from repro.reporting import tables

    tables.cells_table(cells, budget, store, data_dir).print(output_format)
    return 1 if failures else 0
