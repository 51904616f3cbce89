"""Small runs, and processes that do them: importable by name, as processes that are not forked from here need."""

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
import pytest
import torch

from repro.config.specification import Run
from repro.formats import weights
from repro.planning import plan
from repro.planning.experiments import Experiment, Variant
from repro.planning.plan import Step, weights_file
from repro.records import Epoch, Measurement, Record, Store
from repro.running import worker

CPU = torch.device("cpu")


class Quiet:
    """An audience that keeps what it hears."""

    def __init__(self, epochs: Path | None = None) -> None:
        """epochs: a file for the number of each epoch that is heard of, from 0, a line each time."""
        self.epochs = epochs
        self.begun: list[Step] = []
        self.done: list[str] = []
        self.errors: list[str] = []

    def begins(self, step: Step) -> None:
        self.begun.append(step)

    def restores(self, step: Step, prior: Run):
        return lambda *_: None

    def watch(self, step: Step):
        def note(epoch: int, *_: object) -> None:
            if self.epochs is not None:
                with self.epochs.open("a") as file:
                    file.write(f"{epoch}\n")

        return note

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        self.done.append(record.identity)

    def failed(self, step: Step, reason: str) -> None:
        self.errors.append(reason)

    def waits(self, step: Step) -> None:
        pass


def steps(store: Store, seeds: int, epochs: int = 2, model: str = "mini-squeezenet") -> list[Step]:
    """A plan of small runs on synthetic images of 16 pixels, measured under both protocols."""
    data = {"synthetic": True, "train_images": 64, "holdout": 64, "pixels": 16}
    options = {"pixels": 16} if model == "notebook-mlp" else {}
    recipe = {"epochs": epochs, "batch": 16, "flip": True, "crop_padding": 2}
    variant = Variant(name="v", model=model, options=options, data=data, recipe=recipe)
    protocols = ("described", "notebook")
    experiment = Experiment(title="", source="", question="", name="e", variants=(variant,), protocols=protocols)
    return plan.plan(plan.cells(experiment, "smoke", seeds), store, store.folder.parent)


def carry_out(
    results: Path, cache: Path, seeds: int, epochs: int, tell: Path | None = None, heard: Path | None = None
) -> None:
    """A process's work: the plan. Writes the identities of the runs it did to `tell`, their epochs to `heard`."""
    os.environ["REPRO_CACHE"] = str(cache)
    torch.set_num_threads(1)
    store, audience = Store(results), Quiet(heard)
    worker.PATIENCE = 0.2
    worker.carry_out(steps(store, seeds, epochs), store, results, CPU, audience)
    if tell is not None:
        tell.write_text("\n".join([*audience.done, *audience.errors]))


def started(*arguments: object) -> BaseProcess:
    """A process at work on `carry_out`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["repro.running.local"])
    process = context.Process(target=carry_out, args=arguments, daemon=True)
    process.start()
    return process


Outcome = tuple[dict[str, Measurement], list[Epoch], dict[str, bytes]]


def outcome(results: Path, cache: Path) -> dict[str, Outcome]:
    """By identity: measurements, history without its times, and every weight's bytes. Every record there is sound."""
    store = Store(results)
    found = {}
    for record in store.all:
        history = [msgspec.structs.replace(epoch, seconds=0.0) for epoch in store.history(record)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REPRO_CACHE", str(cache))
            state = weights.load(weights_file(record.identity)).state_dict()
        tensors = {name: tensor.numpy().tobytes() for name, tensor in state.items()}
        found[record.identity] = (record.measurements, history, tensors)
    assert not store.problems
    return found


def epochs_kept(cache: Path) -> int:
    """How many epochs the checkpoint holds of the one run in this cache."""
    return sum(len(torch.load(path)["history"]) for path in cache.glob("checkpoints/*.pt"))


def partial(*folders: Path) -> list[Path]:
    """Halves of files that were left lying about."""
    return [path for folder in folders for path in folder.rglob("*.partial")]
