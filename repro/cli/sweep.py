"""`repro sweep`: train a network over a grid of settings."""

import itertools
from typing import Any

import click

from repro.cli import ablations, changes, options
from repro.errors import BadInput
from repro.planning.experiments import Experiment, Figure

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
@ablations.name_option
@options.running
def sweep_command(
    vary: tuple[str, ...],
    model: str,
    dataset: str,
    name: str | None,
    running: options.Running,
    **flags: str | None,
) -> int:
    """Train a network at every point of a grid, and show the grid as a table and a figure.

    The first dimension that is given is the figure's axis; each combination of the others is a line. Values are
    separated by commas, the items of one value by +. Flags come before --vary in order. Table and figure stay in
    results/ablations/NAME, and `repro run NAME` goes on.
    """
    grid = {f"options.{name}": changes.several(name, text) for name, text in flags.items() if text is not None}
    for pair in vary:
        setting, equals, text = pair.partition("=")
        if not equals:
            raise BadInput(f"--vary {pair}: give NAME=V1,V2, such as recipe.zoom=0,.1")
        grid = options.joined(grid, {setting: changes.several(setting, text)})
    if not grid:
        raise BadInput(f"what to sweep? give {', '.join(f'--{name}' for name, _, _ in changes.FLAGS)} or --vary")
    experiment = grid_experiment(model, dataset, grid)

    from repro.reporting import tables

    return ablations.perform(
        experiment,
        running,
        name,
        lambda cells, store: tables.cells_table(cells, running.budget, store, running.data_dir, experiment.title),
    )


def grid_experiment(model: str, dataset: str, grid: dict[str, list[Any]]) -> Experiment:
    """Every combination of the settings' values as an experiment of its own."""
    short = {name: name.partition(".")[2] or name for name in grid}
    axis, *others = grid
    data = changes.images(dataset)
    variants = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        said = {name: changes.words(name, value) for name, value in settings.items()}
        at = settings[axis]
        variants.append(
            changes.variant(
                ablations.slug(", ".join(said.values())),
                model,
                data,
                settings,
                label=", ".join(said.values()),
                series=", ".join(said[name] for name in others),
                at=changes.spoken(at) if isinstance(at, bool | list) else at,
            )
        )
    swept = [f"{short[name].replace('_', ' ')} {', '.join(map(changes.spoken, grid[name]))}" for name in grid]
    return Experiment(
        name="sweep",
        title=f"{model}: {'; '.join(swept)}{changes.where(dataset)}",
        source="repro sweep",
        question=f"How does {model} depend on {' and '.join(short.values()).replace('_', ' ')}?",
        variants=tuple(variants),
        figure=Figure(kind="sweep", x=short[axis].replace("_", " ")),
    )
