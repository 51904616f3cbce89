"""Expand experiments into runs, and find which are done, interrupted or missing. Imports no torch."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from repro import data, models
from repro.config.specification import NUMERICS, Budget, Data, Run, Spec
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.records import Record, Store
from repro.records.store import run_key
from repro.storage import cache_folder

State = Literal["done", "to measure", "to resume", "to do", "stale"]

CHECKPOINTS = "checkpoints"  # below the cache folder

# Training costs about three forward passes: one forward, two in the backward pass.
TRAINING_PASSES = 3
# Multiply-accumulates a second where there is no record of such a machine: two CPU cores; one data-centre GPU.
TYPICAL_RATE = {"cpu": 4.5e10, "cuda": 1.5e13, "mps": 1e12}


class Cell(Spec, frozen=True):
    """One row of an experiment at a budget: the variant and its runs, one per seed."""

    experiment: str
    variant: Variant
    runs: tuple[Run, ...]
    protocols: tuple[str, ...]


class Step(Spec, frozen=True):
    """One run of a plan.

    state: `done`; `to measure` = trained, weights at hand, a protocol missing; `to resume` = a checkpoint is there;
    `stale` = a record exists but data or numerics changed; `to do`.
    why: the state in words, for `--explain`.
    """

    run: Run
    identity: str | None
    cells: tuple[str, ...]
    protocols: tuple[str, ...]
    state: State
    why: str
    record: Record | None


def cells(
    experiment: Experiment, budget: Budget, seeds: int | None = None, overrides: dict[str, Any] | None = None
) -> list[Cell]:
    """The experiment's cells at a budget, without variants left out there; none for experiments that train nothing."""
    if not experiment.work.trains:
        return []
    found = []
    for variant in experiment.variants:
        run = experiments.resolve(experiment, variant, budget, overrides)
        count = experiments.seeds(experiment, variant, budget)
        if not count:
            continue
        runs = tuple(run.with_seed(seed) for seed in range(seeds or count))
        found.append(Cell(experiment=experiment.name, variant=variant, runs=runs, protocols=experiment.protocols))
    return found


def plan(found: Iterable[Cell], store: Store, data_dir: Path) -> list[Step]:
    """The runs that cells need, each once, seed by seed (so that every cell has a first result early)."""
    checksum = checksums(data_dir)
    interrupted = {path.stem for path in (cache_folder() / CHECKPOINTS).glob("*.pt")}
    steps = [
        step(run, tuple(names), tuple(protocols), store, checksum(run.data.name, run.data.synthetic), interrupted)
        for run, names, protocols in needed(found)
    ]
    return sorted(steps, key=lambda s: s.run.seed)


class Progress(NamedTuple):
    """The number of runs, and of those that are done; the data sets that others need and that are not here."""

    runs: int
    done: int
    absent: tuple[str, ...]


def progress(found: Iterable[Cell], store: Store, data_dir: Path) -> Progress:
    """How many of the runs that cells need have records, which are not checked."""
    checksum = checksums(data_dir)
    runs = needed(found)
    missing = []
    for run, _, protocols in runs:
        known = checksum(run.data.name, run.data.synthetic)
        record = store.outline(run, run.identity(known)) if known else store.find(run, None)
        if record is None or record.lacks(protocols):
            missing.append(run.data.name if known is None else None)
    absent = tuple(dict.fromkeys(name for name in missing if name is not None))
    return Progress(len(runs), len(runs) - len(missing), absent)


def needed(found: Iterable[Cell]) -> list[tuple[Run, list[str], list[str]]]:
    """Every run that cells need, once: with the cells that it is for and the protocols by which it is measured."""
    wanted: dict[bytes, tuple[Run, list[str], list[str]]] = {}
    for cell in found:
        for run in (each for own in cell.runs for each in chain(own)):
            _, names, protocols = wanted.setdefault(run_key(run), (run, [], []))
            names += [name for name in [f"{cell.experiment}/{cell.variant.name}"] if name not in names]
            protocols += [p for p in cell.protocols if p not in protocols]
    return list(wanted.values())


def checksums(data_dir: Path) -> Callable[[str, bool], str | None]:
    """The identity of a data set by its name and whether stand-ins are meant, looked up once; see `data.checksum`."""
    return cache(lambda name, synthetic: data.checksum(Data(name=name, synthetic=synthetic), data_dir))


def chain(run: Run) -> list[Run]:
    """A run behind all those that it goes on from, the first one first."""
    return [*(chain(run.prior) if run.prior else []), run]


def step(
    run: Run,
    names: tuple[str, ...],
    protocols: tuple[str, ...],
    store: Store,
    checksum: str | None,
    interrupted: set[str],
) -> Step:
    """The state of one run, on data of this checksum (None: the data is not here).

    interrupted: identities of which there is a checkpoint.
    """
    identity = run.identity(checksum) if checksum else None
    record = store.named(run, identity) if identity else store.find(run, None)
    identity = record.identity if record else identity
    state: State = "to do"
    why = "no record"
    if record is not None:
        missing = record.lacks(protocols)
        if not missing:
            state, why = "done", "its record is there" + ("" if checksum else "; the data is not here to compare")
        else:
            kept = weights_file(record.identity).is_file()
            state = "to measure" if kept else "to do"
            why = f"its record lacks {', '.join(missing)}" + ("" if kept else ", and its weights are gone")
    elif identity in interrupted:
        state, why = "to resume", "it was interrupted; a checkpoint is there"
    elif old := store.same_specification(run):
        reasons = {"code of older numerics" if r.numerics != NUMERICS else "other data" for r in old}
        state, why = "stale", f"the record is of {' and '.join(sorted(reasons))}"
    return Step(run=run, identity=identity, cells=names, protocols=protocols, state=state, why=why, record=record)


def estimates(steps: Iterable[Step], store: Store, device: str) -> list[float]:
    """Seconds that each run still needs on a kind of device; a checkpoint's share is not subtracted.

    A run that is done is trained again for the first that goes on from it where its weights are not here.
    """
    steps, rate = list(steps), measured_rate(store, device)
    done = {run_key(step.run): step.identity for step in steps if step.state == "done"}
    lost = {key for key, identity in done.items() if identity and not weights_file(identity).is_file()}

    def seconds(step: Step) -> float:
        if step.state == "done":
            return 0.0
        again = [run for run in chain(step.run)[:-1] if run_key(run) in lost]
        lost.difference_update(map(run_key, again))
        return sum(cost(run) / rate(run) for run in [step.run, *again])

    return [seconds(step) for step in steps]


def images(run: Run) -> tuple[int, int]:
    """Training images seen in the whole run, and test images measured, going by the data set's published size."""
    test = data.SYNTHETIC_SIZE[1] if run.data.synthetic else data.DATASETS[run.data.name].test
    train = run.recipe.steps * run.recipe.batch or experiments.pass_images(run)
    return train * run.recipe.epochs, (run.data.holdout or test) * max(1, run.recipe.epochs)


# Of a network of a study's own, which is not built to plan: SqueezeNet's at 32 pixels.
TYPICAL_MACS = 10_000_000


def cost(run: Run) -> float:
    """Multiply-accumulates of a run: training and one evaluation each epoch."""
    channels = run.model.options.get("channels", 3)
    trained, tested = images(run)

    def passes(pixels: int, count: int) -> int:
        if not models.defined(run.model.name):
            return count * TYPICAL_MACS
        return count * models.macs(run.model.name, (channels, pixels, pixels), **run.model.options)

    return passes(run.recipe.crop or run.data.pixels, TRAINING_PASSES * trained) + passes(run.data.pixels, tested)


def measured_rate(store: Store, device: str) -> Callable[[Run], float]:
    """Multiply-accumulates a second of this kind of device: from the network's newest record, or a typical rate."""
    newest: dict[tuple[str, int, str], Record] = {}
    for record in store.all:
        if record.environment.get("device") == device and record.seconds > 1:
            key = rate_key(record.run)
            if key not in newest or record.finished > newest[key].finished:
                newest[key] = record

    def rate(run: Run) -> float:
        record = newest.get(rate_key(run))
        return cost(record.run) / record.seconds if record else TYPICAL_RATE.get(device, TYPICAL_RATE["cpu"])

    return rate


def rate_key(run: Run) -> tuple[str, int, str]:
    """Runs that agree in this are about as fast as one another."""
    return run.model.name, run.data.pixels, run.recipe.precision


def checkpoint_file(identity: str) -> Path:
    """The state of an unfinished run."""
    return cache_folder() / CHECKPOINTS / f"{identity}.pt"


def left_over(identity: str) -> bool:
    """Whether there is a checkpoint beside final weights: left by a kill, or of a process that trains them again."""
    return checkpoint_file(identity).is_file() and weights_file(identity).is_file()


def weights_file(identity: str) -> Path:
    """The final weights of a finished run."""
    return cache_folder() / "weights" / f"{identity}.safetensors"
