"""`repro sweep`."""

import itertools
from typing import Any

import click

from repro.cli import changes, options
from repro.cli.run import carry_out
from repro.cli.terminal import say
from repro.errors import BadInput
from repro.planning import plan
from repro.planning.experiments import Experiment, Figure
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
@options.model
@options.dataset
@options.running
def sweep_command(
    vary: tuple[str, ...],
    model: str,
    dataset: str,
    running: options.Running,
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
        grid = options.joined(grid, {name: changes.several(name, text)})
    if not grid:
        raise BadInput(f"what to sweep? give {', '.join(f'--{name}' for name, _, _ in changes.FLAGS)} or --vary")
    experiment = grid_experiment(model, dataset, grid)
    cells = plan.cells(experiment, running.budget, running.seeds, running.overrides)
    store = Store(running.results_dir)
    failures = carry_out(cells, store, running)

    from repro.judging.evidence import of_cell
    from repro.reporting import figures, tables

    budget, data_dir, folder = running.budget, running.data_dir, running.results_dir / "figures"
    tables.cells_table(cells, budget, store, data_dir, experiment.title).print(running.output_format)
    found = [item for cell in cells for item in of_cell(cell, budget, store, data_dir)]
    if any(item.n for item in found):
        for drawn in figures.draw(experiment, {budget: found}, store, folder):
            say(f"{folder}/{drawn.name}.svg", err=True)
    return 1 if failures else 0


def grid_experiment(model: str, dataset: str, grid: dict[str, list[Any]]) -> Experiment:
    """Every combination of the settings' values as an experiment of its own."""
    short = {name: name.partition(".")[2] or name for name in grid}
    axis, *others = grid
    data = changes.images(dataset)
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
