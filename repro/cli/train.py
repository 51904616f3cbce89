"""`repro train`: train one network."""

import click

from repro.cli import ablations, changes, options
from repro.planning.experiments import Experiment, Variant

EXAMPLES = """\b
Examples:
  repro train squeezenet
  repro train mini-squeezenet --data mnist --seeds 1 --set recipe.epochs=1
  repro train squeezenet --option bypass=simple --set recipe.learning_rate=5e-4
"""


@click.command("train", epilog=EXAMPLES)
@click.argument("model", metavar="NETWORK", shell_complete=options.complete_networks)
@click.option(
    "--option",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the network; `repro summary --help` lists them.",
)
@options.dataset
@ablations.name_option
@options.running
def train_command(
    model: str,
    pairs: tuple[str, ...],
    dataset: str,
    name: str | None,
    running: options.Running,
) -> int:
    """Train one network, as often as there are seeds, and show how well it does.

    Table and figures stay in results/ablations/NAME, and `repro run NAME` goes on.
    """
    from repro.cli.summary import read_options
    from repro.reporting import tables

    chosen = read_options(pairs)
    words = changes.label(model, {f"options.{key}": value for key, value in chosen.items()})
    title = " ".join(filter(None, [model, words]))
    variant = Variant(name="network", label=title, model=model, options=chosen, data=changes.images(dataset))
    experiment = Experiment(
        name="train",
        title=f"{title}{changes.where(dataset)}",
        source="repro train",
        question=f"How well does {title} do?",
        variants=(variant,),
    )
    return ablations.perform(
        experiment,
        running,
        name,
        lambda cells, store: tables.cells_table(cells, running.budget, store, running.data_dir),
    )
