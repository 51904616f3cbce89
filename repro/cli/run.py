"""`repro run`, and what all commands that train have in common."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.cli import options
from repro.cli.costs import show_costs
from repro.cli.progress import ProgressDisplay, describe_run
from repro.cli.terminal import say
from repro.errors import BadInput, Failure
from repro.planning import ablations, experiments, plan
from repro.planning.experiments import Experiment
from repro.planning.plan import Step
from repro.planning.registry import Due
from repro.records import Store
from repro.reporting.summary import duration
from repro.reporting.table import Column, Table

if TYPE_CHECKING:
    from repro.running.scalars import Logged

EXAMPLES = """\b
Examples:
  repro run table1 --budget smoke
  repro run table1 fire-removal --seeds 5
  repro run --all --dry-run
  repro run fire-removal --set recipe.epochs=3 --set options.bypass=simple
  repro run my-experiment.toml
  repro run table1 --log tensorboard
"""


@click.command("run", epilog=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT]...", shell_complete=options.complete_experiments)
@click.option("--all", "everything", is_flag=True, help="All experiments of the suite.")
@click.option("--explain", is_flag=True, help="Show for each run why it is done, stale or missing.")
@options.running
def run_command(names: tuple[str, ...], everything: bool, explain: bool, running: options.Running) -> int:
    """Run experiments and show their tables. Runs that have a record are not repeated; interrupted ones resume.

    EXPERIMENT is a name of `repro list` or the path of an experiment file of your own.
    """
    from repro.reporting.figures import registry

    if bool(names) == everything:
        raise BadInput("which experiments? name some of `repro list`, or give --all")
    results = running.results_dir
    chosen = [ablations.find(name, results) for name in names] if names else list(experiments.everything())
    for experiment in chosen:
        registry.stated(experiment)  # a figure that does not exist is named before hours of training
    store = Store(results)
    settings = (running.budget, running.seeds, running.overrides)
    cells = [cell for experiment in chosen for cell in plan.cells(experiment, *settings)]
    due = [(experiment, experiment.work.due(experiment, store, running.data_dir)) for experiment in chosen]
    files = [f"{e.name}: {len(found.variants)} {e.work.measures}." for e, found in due if found.variants]
    files += [line for _, found in due for line in found.lines]
    failures = carry_out(cells, store, running._replace(dry_run=running.dry_run or explain), files)
    failures += sum(measure(experiment, found, store, running) for experiment, found in due)
    show_results(chosen, cells, store, running)
    return 1 if failures else 0


SHORT = 60  # seconds of work for which no processes are started
LONG = 3600  # seconds of work that is not begun unasked on a terminal
KINDS = {"cpu": "a CPU such as this", "cuda": "a CUDA GPU", "mps": "an Apple GPU"}


def kind_of(device: str) -> str:
    """The kind of device for estimates. `auto` counts as a CPU unless torch, once imported, says otherwise."""
    if device != "auto":
        return device
    if Path("/dev/nvidiactl").exists():
        return "cuda"
    return "cpu"


def few(names: Sequence[str]) -> str:
    """The first two names, and how many more there are."""
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def show_plan(steps: list[Step], store: Store, device: str, output_format: str, notes: Sequence[str]) -> None:
    """The plan as a table, with the time that is left in all, and what else is to be known of it."""
    seconds = plan.estimates(steps, store, kind_of(device))
    rows = [
        {
            "run": describe_run(step.run),
            "for": few(step.cells) if output_format == "text" else ", ".join(step.cells),
            "state": step.state,
            "why": step.why,
            "estimate": None if step.state == "done" else duration(estimate),
            "seconds": round(estimate, 1),
            "identity": (step.identity or "")[:16],
        }
        for step, estimate in zip(steps, seconds, strict=True)
    ]
    columns = [Column("run"), Column("for"), Column("state"), Column("why"), Column("estimate", align="right")]
    if output_format != "text":
        columns += [Column("seconds"), Column("identity")]
    counts = {
        state: sum(step.state == state for step in steps) for state in dict.fromkeys(step.state for step in steps)
    }
    words = ", ".join(f"{count} {state}" for state, count in counts.items()) or "nothing to train"
    title = f"Plan: {words}; about {duration(sum(seconds))} on {KINDS[kind_of(device)]}"
    absent = dict.fromkeys(step.run.data.name for step in steps if step.identity is None)
    where = "`repro data status` says where they come from"
    notes = [*notes, *(f"The images of {name} are not here; {where}." for name in absent)]
    Table(title, columns, rows, notes).print(output_format)
    if output_format == "text":
        show_costs(steps, store)


def carry_out(cells: list[plan.Cell], store: Store, running: options.Running, notes: Sequence[str] = ()) -> int:
    """Do what cells lack, telling how it goes; how many runs failed. With `--dry-run` the plan is all that is shown.

    notes: what stands below the plan.

    torch is imported only when there is something to do.
    """
    data_dir, device, launcher, fail_fast = running.data_dir, running.device, running.launcher, running.fail_fast
    steps = plan.plan(cells, store, data_dir)
    if running.dry_run:
        show_plan(steps, store, device, running.output_format, notes)
        click.get_current_context().exit()
    todo = [step for step in steps if step.state != "done"]
    if any(step.state == "done" and step.identity and plan.left_over(step.identity) for step in steps):
        from repro.running import worker

        worker.clear(steps)
    if not todo:
        return 0
    from repro.running import cluster, local, worker
    from repro.training import devices, parallel

    chosen, reason = devices.choose("auto" if launcher.name == "ray" else device)
    with parallel.group(chosen, launcher.name):
        seconds = sum(plan.estimates(todo, store, chosen.type))
        # Of several processes that share each run, the first one's plan is the plan; it alone talks and goes on.
        todo = parallel.broadcast(todo)
        launcher = placed(launcher, local.default_jobs(chosen) if parallel.world_size() == 1 else 1, len(todo), seconds)
        display = ProgressDisplay(len(todo), together=launcher.name != "here", quiet=not parallel.leader())
        listener = followed(display, running)
        runs = "1 run" if len(todo) == 1 else f"{len(todo)} runs"
        announce(todo, store, display)
        if seconds > LONG and not running.yes and sys.stdin.isatty():
            click.confirm(f"{runs}, about {duration(seconds)} of work in all: go on?", abort=True, err=True)
        try:
            match launcher.name:
                case "local":
                    jobs = min(launcher.jobs or local.default_jobs(chosen), len(todo))
                    display.say(f"{runs} on {chosen.type} ({reason}), {jobs} at a time, {about(seconds / jobs)}")
                    failures = local.carry_out(todo, store, data_dir, chosen, listener, fail_fast, jobs)
                case "ray":
                    display.say(f"{runs} on a Ray cluster, reported on completion")
                    failures = cluster.carry_out(todo, store, data_dir, device, listener, fail_fast, launcher.address)
                case _:
                    display.say(f"{runs} on {chosen.type} ({reason}), {about(seconds)}")
                    failures = worker.carry_out(todo, store, data_dir, chosen, listener, fail_fast)
        finally:
            display.stop()
            listener.stop()
            store.forget()
        if not parallel.leader():
            raise SystemExit(0)
    return failures


def announce(todo: list[Step], store: Store, display: ProgressDisplay) -> None:
    """Say what a user may not expect: that there are no records here, which runs are done again."""
    if not store.folder.is_dir():
        display.say(f"There are no records in {store.folder.parent} yet: all runs are to do.")
    for step in todo:
        if step.state == "stale":
            display.say(f"run again, {step.why}: {describe_run(step.run)}")


def followed(display: ProgressDisplay, running: options.Running) -> "ProgressDisplay | Logged":
    """The listener of a plan: the display, with `--log` behind one that logs scalars.

    Raises:
        BadInput: the library that writes them is not installed.
    """
    if not running.log or display.console.quiet:
        return display
    from repro.running import scalars

    open_log = scalars.opener(running.log, running.results_dir)
    if running.log == "tensorboard":
        display.say(f"to watch: tensorboard --logdir {scalars.folder(running.results_dir)}")
    return scalars.Logged(display, open_log)


def placed(launcher: options.Launcher, jobs: int, runs: int, seconds: float) -> options.Launcher:
    """The launcher as asked for; else several processes if there is work for them.

    Two one-thread processes train more images than one with two threads. Starting them takes a few seconds.

    jobs: how many at a time this machine has room for. seconds: of work in all.
    """
    if launcher.name:
        return launcher
    return options.Launcher("local") if min(jobs, runs) > 1 and seconds > SHORT else options.Launcher("here")


def about(seconds: float) -> str:
    """An estimate of the time in all."""
    return f"about {duration(seconds)} in all"


def measure(experiment: Experiment, due: Due, store: Store, running: options.Running) -> int:
    """Measure the variants that are due, and say what brings those that are not here; how many failed.

    torch is imported only when there are some.
    """
    for line in due.lines:
        say(f"{experiment.name}: {line}", err=True)
    if not due.variants:
        return 0
    from repro.running import kinds
    from repro.training import devices

    chosen, reason = devices.choose(running.device)
    progress = partial(say, err=True)
    progress(f"{len(due.variants)} {experiment.work.measures} on {chosen.type} ({reason})")
    try:
        return kinds.KINDS[experiment.kind](experiment, due.variants, store, running.data_dir, chosen, progress)
    except Failure as failure:
        progress(f"{experiment.name}: {failure}")
        return 1


def show_verdicts(experiment: Experiment, store: Store, data_dir: Path) -> None:
    """The experiment's claims with verdict and reason; `repro claims ID` shows all of one."""
    from repro.judging.rows import claim_rows

    rows = claim_rows(experiment, store, data_dir)
    Table("Claims", [Column("id"), Column("verdict"), Column("reason")], rows).print()


def show_results(chosen: list[Experiment], cells: list[plan.Cell], store: Store, running: options.Running) -> None:
    """Rebuild and print the experiments' tables.

    Runs with changed settings are shown, but leave the published tables and figures alone: those hold the experiments
    as their files state them. `--seeds` changes none: an experiment's table has all the seeds there are.
    """
    from repro.reporting import current, snippets, tables

    budget, results, data_dir = running.budget, running.results_dir, running.data_dir
    if running.overrides:
        tables.cells_table(cells, budget, store, data_dir).print(running.output_format)
    else:
        suite = [experiment.name for experiment in ablations.everything(results)]
        current.bring_up_to_date(results, data_dir, only=[e.name if e.name in suite else e.file for e in chosen])
        for experiment in chosen:
            snippets.concluded_table(experiment, store, data_dir, [budget]).print(running.output_format)
            judged = experiment.work.trains and experiment.claims and budget != "smoke"
            if running.output_format == "text" and judged:
                show_verdicts(experiment, store, data_dir)
    for problem in dict.fromkeys(store.problems):
        say(f"warning: {problem}", err=True)
    sys.stdout.flush()
