"""`repro ablate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from repro import models
from repro.cli import options
from repro.cli.run import carry_out, show_plan
from repro.errors import BadInput
from repro.planning import plan
from repro.planning.experiments import Experiment, Variant
from repro.planning.specification import Budget, Run
from repro.records import Store

EXAMPLES = """\b
Examples:
  repro ablate --remove fire2,fire5
  repro ablate --batch-norm conv1,squeeze --seeds 5
  repro ablate --squeeze-factor 4 --bypass simple --budget smoke
  repro ablate --model alexnet --option dropout=0 --data cifar10
"""

# Options of SqueezeNet that have a flag of their own: name, placeholder, help.
CHANGES = [
    ("remove", "FIRES", "Fire modules to leave out: fire2,fire5."),
    ("batch-norm", "PLACES", "Batch norm after conv1, squeeze, expand, conv10, or all."),
    ("squeeze-factor", "FACTOR", "Squeeze and expand fire modules, the squeeze ones divided by 1, 2, 4 or 8."),
    ("bypass", "KIND", "simple or complex."),
    ("squeeze-ratio", "RATIO", "Squeeze filters over expand filters; published .125."),
    ("pct3x3", "SHARE", "Share of 3x3 filters in the expand layers; published .5."),
    ("version", "VERSION", "1.0 or 1.1."),
]


def change_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The flags of `CHANGES`."""
    for name, placeholder, text in reversed(CHANGES):
        function = click.option(f"--{name}", metavar=placeholder, help=text)(function)
    return function


@click.command("ablate", epilog=EXAMPLES)
@change_options
@click.option("--no-final-relu", is_flag=True, help="No ReLU after conv10.")
@click.option("--option", "pairs", multiple=True, metavar="NAME=VALUE", help="Any other option of the network.")
@click.option("--model", default="squeezenet", show_default=True, shell_complete=options.complete_networks)
@click.option("--data", "dataset", default="cifar10", show_default=True, shell_complete=options.complete_datasets)
@options.running
@click.option("--dry-run", is_flag=True, help="Show what would be done and how long it would take.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first run that fails.")
@options.output_format
def ablate_command(
    no_final_relu: bool,
    pairs: tuple[str, ...],
    model: str,
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
    **changes: str | None,
) -> int:
    """Change a network, train it and the unchanged one under the same recipe and seeds, and compare them.

    Changes can be combined; all of them make one changed network.
    """
    from repro.cli.summary import read_options

    changed: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    changed |= read_options(pairs)
    if no_final_relu:
        changed["final_relu"] = False
    if not changed:
        raise BadInput(
            "what to change? give one of " + ", ".join(f"--{name}" for name, _, _ in CHANGES) + " or --option"
        )
    experiment = comparison(model, dataset, changed)
    cells = plan.cells(experiment, budget, seeds, overrides)
    unchanged, after = (cell.runs[0] for cell in cells)
    if same_network(unchanged, after):
        raise BadInput(f"{experiment.variants[1].title}: this is the unchanged network; nothing to compare")
    store = Store(results_dir)
    steps = plan.plan(cells, store, data_dir)
    if dry_run:
        show_plan(steps, store, device, output_format)
        return 0
    failures = carry_out(steps, store, data_dir, device, fail_fast, launcher)

    from repro.reporting import tables

    tables.comparison_table(cells, budget, store, data_dir).print(output_format)
    return 1 if failures else 0


def comparison(model: str, dataset: str, changed: dict[str, Any]) -> Experiment:
    """The unchanged and the changed network as an experiment of two variants."""
    label = ", ".join(f"{name}={value}" for name, value in models.canonical(model, changed).items())
    data = {"name": dataset, "balanced": dataset == "bike-ship"}
    return Experiment(
        name="ablate",
        title=f"{model} with {label or 'nothing changed'}",
        source="",
        question="",
        variants=(
            Variant(name="unchanged", label=model, model=model, data=data),
            Variant(name="changed", label=label or model, model=model, options=changed, data=data),
        ),
    )


def same_network(a: Run, b: Run) -> bool:
    """Whether two runs train the same layers, however their options are spelt."""
    return models.same_network((a.model.name, a.model.options), (b.model.name, b.model.options))
