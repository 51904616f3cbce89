"""Options that several commands share, and how their values are read."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click
from click.shell_completion import CompletionItem

from repro import models
from repro.config import place
from repro.config.specification import BUDGETS, Budget
from repro.data import DATASETS
from repro.data.catalogue import look_in
from repro.errors import BadInput
from repro.planning import ablations, experiments, study

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

results_dir = click.option(
    "--results-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: study.folder("results"),
    show_default="results/ of the study",
    help="Where records, tables and figures are.",
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="REPRO_DATA",
    show_envvar=True,
    default=lambda: study.folder(".data"),
    show_default=".data/ of the study",
    callback=lambda ctx, param, value: look_in(value),
    help="Where the images are.",
)
budget = click.option(
    "--budget",
    type=click.Choice(BUDGETS),
    default="laptop",
    show_default=True,
    help="smoke: synthetic images, seconds a run. laptop: real images, 32 pixels, minutes. paper: as published, a GPU.",
)
seeds = click.option(
    "--seeds", type=click.IntRange(min=1), metavar="N", help="Runs per cell.  [default: the experiment's own]"
)
device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="What computes. auto: a GPU where there is one.",
)
output_format = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "csv", "md", "tex"]),
    default="text",
    show_default=True,
    help="How the table is printed.",
)
overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda ctx, param, value: read_settings(value),
    help="Change a setting of every run: recipe.epochs=3, data.pixels=64, options.bypass=simple.",
)


def where_records_are(results_dir: Path) -> list[str]:
    """A note that there is no results folder, for verbs that show what its records say."""
    if results_dir.is_dir():
        return []
    names = experiments.names()
    if place.found() and results_dir.resolve() == study.folder("results").resolve() and names:
        return [f"There are no records yet; to begin: repro run {names[0]} --budget smoke"]
    return [f"There are no records: {results_dir} is not here. Run this in a checkout, or give --results-dir."]


def stack(*options: Decorator) -> Decorator:
    """Several options as one decorator, in the order in which help shows them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


LauncherName = Literal["here", "local", "ray"]


class Launcher(NamedTuple):
    """The place where runs are done: this process, `jobs` processes of this machine, or the Ray cluster at `address`.

    name: None leaves it to the amount of work, see `repro.cli.run.placed`.
    """

    name: LauncherName | None = None
    jobs: int | None = None
    address: str | None = None


def launcher(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--launcher`, `--jobs` and `--address` as one argument, `launcher`."""

    @click.option(
        "--launcher",
        type=click.Choice(["here", "local", "ray"]),
        help="here: run after run. local: several processes of this machine. ray: a Ray cluster.  "
        "[default: local for several runs of a minute in all and more]",
    )
    @click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Runs at a time; implies --launcher local.  [default: one a core, or one a GPU, as memory allows]",
    )
    @click.option(
        "--address",
        metavar="HOST:PORT",
        help="The Ray cluster; implies --launcher ray.  [default: $RAY_ADDRESS, or one here]",
    )
    @functools.wraps(function)
    def gathered(*, launcher: LauncherName | None, jobs: int | None, address: str | None, **rest: Any) -> Any:
        name: LauncherName | None = launcher or ("local" if jobs else "ray" if address else None)
        for option, value, owner in (("--jobs", jobs, "local"), ("--address", address, "ray")):
            if value is not None and name != owner:
                raise BadInput(f"{option} belongs to --launcher {owner}, not to {name}")
        return function(launcher=Launcher(name, jobs, address), **rest)

    return gathered


class Running(NamedTuple):
    """Settings of how runs are done and shown: the options of every command that trains."""

    budget: Budget
    seeds: int | None
    data_dir: Path
    results_dir: Path
    device: str
    overrides: dict[str, Any]
    launcher: Launcher
    dry_run: bool
    fail_fast: bool
    output_format: str
    yes: bool = False
    log: str | None = None


def running(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `Running` as one argument, `running`."""

    @stack(
        *(budget, seeds, data_dir, results_dir, device, overrides, launcher),
        click.option("--dry-run", is_flag=True, help="Show what would be done and how long it would take."),
        click.option("--fail-fast", is_flag=True, help="Stop at the first run that fails."),
        click.option("--yes", is_flag=True, help="Do not ask before work of more than an hour."),
        click.option(
            "--log",
            type=click.Choice(["tensorboard", "wandb"]),
            help="Write loss and accuracy as runs train: for TensorBoard into logs/ beside the results, or to W&B.",
        ),
        output_format,
    )
    @functools.wraps(function)
    def gathered(**given: Any) -> Any:
        own = {name: given.pop(name) for name in Running._fields}
        return function(running=Running(**own), **given)

    return gathered


def read_settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`("recipe.epochs=3", ...)` as names and values; values are read as TOML where they are, else as words."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise BadInput(f"--set {pair}: give NAME=VALUE, such as recipe.epochs=3")
        settings = joined(settings, {name.strip(): read_value(value.strip())})
    return settings


def joined(*parts: dict[str, Any]) -> dict[str, Any]:
    """Settings of several options of the command line as one.

    Raises:
        BadInput: one is there twice; neither of them would be right for sure.
    """
    together: dict[str, Any] = {}
    for name, value in (item for part in parts for item in part.items()):
        if name in together:
            raise BadInput(f"{name} is given twice, as {together[name]} and {value}; give it once")
        together[name] = value
    return together


def read_value(text: str) -> Any:
    """A number, true/false or list as TOML writes it, or a number that begins with its point; else a word."""
    import tomli

    if text.startswith("."):
        text = f"0{text}"
    try:
        return tomli.loads(f"value = {text}")["value"]
    except tomli.TOMLDecodeError:
        return text


def complete(choices: Callable[[], list[str]]) -> Callable[..., list[CompletionItem]]:
    """Shell completion from a list of names."""
    return lambda ctx, param, incomplete: [CompletionItem(c) for c in choices() if c.startswith(incomplete)]


DATASET = "cifar10"  # where none is named
NORMALISATIONS = ["caffe", "imagenet", "data", "half", "none", "image"]

complete_experiments = complete(lambda: [*experiments.names(), *ablations.names(study.folder("results"))])
complete_networks = complete(lambda: list(models.NETWORKS))
complete_datasets = complete(lambda: list(DATASETS))

model = click.option(
    "--model",
    default="squeezenet",
    show_default=True,
    metavar="NETWORK",
    shell_complete=complete_networks,
    help=f"{', '.join(models.NETWORKS)}.",
)
dataset = click.option(
    "--data",
    "dataset",
    default=DATASET,
    show_default=True,
    metavar="DATASET",
    shell_complete=complete_datasets,
    help=f"{', '.join(DATASETS)}, folder:PATH, torchvision:NAME or FILE.py:FUNCTION.",
)
