"""`repro sweep`."""

import itertools
from pathlib import Path
from typing import Any

import click

from repro.cli import changes, options
from repro.cli.run import carry_out, show_plan
from repro.errors import BadInput
from repro.planning import plan
from repro.planning.experiments import Experiment, Figure
from repro.planning.specification import Budget
from repro.records import Store

EXAMPLES = """\b
Examples:
  repro sweep --squeeze-ratio .125,.25,.5 --pct3x3 .25,.5,.75
  repro sweep --remove fire2,fire2+fire5,fire9 --budget smoke
  repro sweep --vary recipe.learning_rate=1e-4,5e-4,1e-3 --bypass none,simple
  repro sweep --model squeezenext --vary options.width=.25,.5,1 --dry-run
"""


@click.command("sweep", epilog=EXAMPLES)
@changes.flags
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME=V1,V2,...",
    help="Any other setting: options.final_relu=true,false or recipe.zoom=0,.1 or data.train_images=5000,50000.",
)
@click.option("--model", default="squeezenet", show_default=True, shell_complete=options.complete_networks)
@click.option("--data", "dataset", default="cifar10", show_default=True, shell_complete=options.complete_datasets)
@options.running
@click.option("--dry-run", is_flag=True, help="Show what would be done and how long it would take.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first run that fails.")
@options.output_format
def sweep_command(
    vary: tuple[str, ...],
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
    **flags: str | None,
) -> int:
    """Train a network at every point of a grid, and show the grid as a table and a figure.

    The first dimension that is given is the figure's axis; each combination of the others is a line. Values are
    separated by commas, the items of one value by +. Flags come before --vary in order.
    """
    grid = {f"options.{name}": changes.several(name, text) for name, text in flags.items() if text is not None}
    for pair in vary:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadInput(f"--vary {pair}: give NAME=V1,V2, such as recipe.zoom=0,.1")
        grid[name] = changes.several(name, text)
    if not grid:
        raise BadInput(f"what to sweep? give {', '.join(f'--{name}' for name, _, _ in changes.FLAGS)} or --vary")
    experiment = grid_experiment(model, dataset, grid)
    cells = plan.cells(experiment, budget, seeds, overrides)
    store = Store(results_dir)
    steps = plan.plan(cells, store, data_dir)
    if dry_run:
        show_plan(steps, store, device, output_format)
        return 0
    failures = carry_out(steps, store, data_dir, device, fail_fast, launcher)

    from repro.judging.evidence import of_cell
    from repro.reporting import figures, tables

    tables.cells_table(cells, budget, store, data_dir, experiment.title).print(output_format)
    found = [item for cell in cells for item in of_cell(cell, budget, store, data_dir)]
    if any(item.n for item in found):
        for drawn in figures.draw(experiment, {budget: found}, store, results_dir / "figures"):
            click.echo(f"{results_dir}/figures/{drawn.name}.svg", err=True)
    return 1 if failures else 0


def grid_experiment(model: str, dataset: str, grid: dict[str, list[Any]]) -> Experiment:
    """Every combination of the settings' values as an experiment of its own."""
    short = {name: name.partition(".")[2] or name for name in grid}
    axis, *others = grid
    data = {"name": dataset, "balanced": dataset == "bike-ship"}
    variants = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        said = {name: f"{short[name]}={changes.spoken(value)}" for name, value in settings.items()}
        at = settings[axis]
        variants.append(
            changes.variant(
                ", ".join(said.values()),
                model,
                data,
                settings,
                series=", ".join(said[name] for name in others),
                at=changes.spoken(at) if isinstance(at, bool | list) else at,
            )
        )
    return Experiment(
        name="sweep-" + "-".join([model, *short.values()]),
        title=f"{model}: {' x '.join(short.values())}",
        source="",
        question="",
        variants=tuple(variants),
        figure=Figure(kind="sweep", x=short[axis].replace("_", " ")),
    )
