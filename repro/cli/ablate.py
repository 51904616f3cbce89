"""`repro ablate`: change a network, train it and the unchanged one, compare them."""

from typing import Any

import click

from repro import models
from repro.cli import ablations, changes, options
from repro.config.specification import Run
from repro.errors import BadInput
from repro.planning.experiments import Experiment, Figure, Variant
from repro.planning.plan import Cell

EXAMPLES = """\b
Examples:
  repro ablate --remove fire2,fire5
  repro ablate --batch-norm conv1,squeeze --seeds 5
  repro ablate --squeeze-factor 2 --bypass simple --budget smoke
  repro ablate --model alexnet --option dropout=0 --data cifar10
  repro ablate --change recipe.zoom=.1 --change data.normalisation=image
"""


@click.command("ablate", epilog=EXAMPLES)
@changes.flags
@click.option("--no-final-relu", is_flag=True, help="No ReLU after conv10.")
@click.option("--separable", is_flag=True, help="Depthwise separable 3x3 filters.")
@click.option(
    "--option",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other option of the network; `repro summary --help` lists them.",
)
@click.option(
    "--change",
    "further",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda ctx, param, value: options.read_settings(value),
    help="A change of recipe or data: recipe.flip=true, recipe.resize=[31,33], data.normalisation=image. "
    "(--set changes both networks' runs, this only the changed one's.)",
)
@options.model
@options.dataset
@ablations.name_option
@options.running
def ablate_command(
    no_final_relu: bool,
    separable: bool,
    pairs: tuple[str, ...],
    further: dict[str, Any],
    model: str,
    dataset: str,
    name: str | None,
    running: options.Running,
    **flags: str | None,
) -> int:
    """Change a network, train it and the unchanged one under the same recipe and seeds, and compare them.

    Changes can be combined; all of them make one changed network. Recipe and data can be changed too. Table and figures
    stay in results/ablations/NAME, and `repro run NAME` goes on.
    """
    from repro.cli.summary import read_options

    switches = {"final_relu": False} if no_final_relu else {}
    switches |= {"separable": True} if separable else {}
    given = {name: value for name, value in flags.items() if value is not None}
    changed = options.joined(given, switches, read_options(pairs))
    settings = options.joined({f"options.{name}": value for name, value in changed.items()}, further)
    if not settings:
        names = [f"--{name}" for name, _, _ in changes.FLAGS]
        raise BadInput(f"what to change? give one of {', '.join(names)}, --option or --change")
    experiment = comparison(model, dataset, settings)

    def check(cells: list[Cell]) -> None:
        unchanged, after = (cell.runs[0] for cell in cells)
        if same_training(unchanged, after):
            raise BadInput(f"{experiment.variants[1].title}: this is the unchanged network; nothing to compare")

    from repro.reporting import tables

    return ablations.perform(
        experiment,
        running,
        name,
        lambda cells, store: tables.comparison_table(cells, running.budget, store, running.data_dir),
        check,
    )


def comparison(model: str, dataset: str, settings: dict[str, Any]) -> Experiment:
    """The unchanged and the changed network as an experiment of two variants."""
    label = changes.label(model, settings)
    data = changes.images(dataset)
    return Experiment(
        name="ablate",
        title=f"{model} {label or 'with nothing changed'}{changes.where(dataset)}",
        source="repro ablate",
        question=f"How does {model} {label} compare with the unchanged network?",
        variants=(
            Variant(name="unchanged", label=model, model=model, data=data),
            changes.variant("changed", model, data, settings, label=label or model),
        ),
        figure=Figure(baseline="unchanged"),
    )


def same_training(a: Run, b: Run) -> bool:
    """Whether two runs train the same layers on the same data by the same recipe, however options are spelt."""
    alike = models.same_network((a.model.name, a.model.options), (b.model.name, b.model.options))
    return alike and (a.data, a.recipe) == (b.data, b.recipe)
