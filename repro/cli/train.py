"""`repro train`."""

import click

from repro.cli import changes, options
from repro.cli.run import carry_out
from repro.planning import plan
from repro.planning.experiments import Experiment, Variant
from repro.records import Store

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
@options.running
def train_command(
    model: str,
    pairs: tuple[str, ...],
    dataset: str,
    running: options.Running,
) -> int:
    """Train one network, as often as there are seeds, and show how well it does."""
    from repro.cli.summary import read_options

    variant = Variant(name=model, model=model, options=read_options(pairs), data=changes.images(dataset))
    experiment = Experiment(name="train", title=model, source="", question="", variants=(variant,))
    cells = plan.cells(experiment, running.budget, running.seeds, running.overrides)
    store = Store(running.results_dir)
    failures = carry_out(cells, store, running)

    from repro.reporting import tables

    tables.cells_table(cells, running.budget, store, running.data_dir).print(running.output_format)
    return 1 if failures else 0
