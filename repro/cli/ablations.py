"""Experiments made on the command line by `repro ablate`, `sweep` and `train`: built, run, shown and kept."""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from repro.cli import changes, options
from repro.cli.run import carry_out
from repro.cli.terminal import say
from repro.errors import BadInput
from repro.planning import ablations, experiments, plan
from repro.planning.experiments import Experiment
from repro.records import Store

if TYPE_CHECKING:
    from repro.reporting.table import Table

LONGEST = 60  # characters of a name
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

name_option = click.option(
    "--name", metavar="NAME", help="What the experiment is called in results/ablations.  [default: of what is changed]"
)

Show = Callable[[Sequence[plan.Cell], Store], "Table"]


def perform(
    experiment: Experiment,
    running: options.Running,
    name: str | None,
    show: Show,
    check: Callable[[list[plan.Cell]], None] = lambda cells: None,
) -> int:
    """Run an experiment, show its table and keep it under `results/ablations/`; the exit code.

    Args:
        name: as the user wants it called.
        check: raises BadInput where there is nothing to run.
    """
    verb, results = experiment.name, running.results_dir
    check(plan.cells(experiment, running.budget, running.seeds, running.overrides))
    experiment = ablations.settled(experiment, running.overrides)
    experiment = msgspec.structs.replace(experiment, name=named(experiment, running.overrides, name))
    cells = plan.cells(experiment, running.budget, running.seeds)
    store, new = Store(results), experiment.name not in ablations.names(results)
    budget = "" if running.budget == "laptop" else f" --budget {running.budget}"
    command = f"repro run {experiment.name}{budget}"
    if not running.dry_run:
        ablations.keep(experiment, verb, running.budget, len(cells[0].runs), results)
    try:
        failures = carry_out(cells, store, running)
    except click.Abort:
        if new:
            ablations.forget(experiment.name, results)
        raise
    except KeyboardInterrupt:
        say(f"\nto go on: {command}", err=True)
        raise

    from repro.reporting import current

    show(cells, store).print(running.output_format)
    current.bring_up_to_date(results, running.data_dir, only=[experiment.name])
    say(f"kept in {results / ablations.FOLDER / experiment.name}; more seeds: {command} --seeds N", err=True)
    return 1 if failures else 0


def named(experiment: Experiment, overrides: dict[str, Any], wanted: str | None) -> str:
    """The name that an experiment is kept by: the verb and its title, as words of a file's name.

    Raises:
        BadInput: the name that is wanted cannot be a file's, or is that of an experiment of the study.
    """
    if wanted is None:
        settings = [f"{key} {changes.spoken(value)}" for key, value in overrides.items()]
        return slug(" ".join([experiment.name, experiment.title, *settings]))
    if not NAME.fullmatch(wanted):
        raise BadInput(f"--name {wanted}: a name has letters, digits, '.', '_' and '-', at most 100")
    if wanted in experiments.names():
        raise BadInput(f"--name {wanted}: an experiment of the study is called that; choose another name")
    return wanted


def slug(words: str) -> str:
    """Words as a name of letters, digits, points and hyphens; a long one is cut and told apart by a hash."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", words).strip("-.")
    tail = hashlib.sha256(name.encode()).hexdigest()[:6]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 7].rstrip('-')}-{tail}"
