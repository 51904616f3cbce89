"""Carry out whole runs in fresh processes, to measure seconds an epoch and memory, checkpoints included."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from repro.config.specification import Run
from repro.errors import Failure
from repro.planning import plan
from repro.planning.experiments import Variant
from repro.planning.plan import Cell, Step
from repro.processes import Alone
from repro.records import Epoch, Record, Store
from repro.running import worker
from repro.training import devices
from repro.training.loop import Watch


class Outcome(NamedTuple):
    """The outcome of runs that one process carried out, one after the other.

    seconds: of the last epochs, one for each run; the first epoch of a run is its warm-up where there are more.
    memory: the most that was held, in bytes: of the process, or of the GPU.
    parameters: of the network.
    """

    seconds: list[float]
    memory: int
    parameters: int


def carried_out(runs: Sequence[Run], data_dir: Path, device: str, threads: int) -> Outcome:
    """Carry out runs, which differ in their seed alone, in a fresh process, as `repro run` would."""
    with Alone(Runs, device, threads) as process:
        seconds, parameters, held = process.call("carry_out", tuple(runs), data_dir)
        return Outcome(seconds, held or process.peak_memory(), parameters)


class Runs:
    """Carries out runs; records, checkpoints and weights are thrown away."""

    def __init__(self, device: str, threads: int):
        self.device, _ = devices.choose(device)
        torch.set_num_threads(threads)

    def carry_out(self, runs: tuple[Run, ...], data_dir: Path) -> tuple[list[float], int, int | None]:
        """Seconds of each run's last epoch, the network's parameters, and bytes held on a GPU."""
        first = runs[0].model.name
        cell = Cell(experiment="bench", variant=Variant(name=first, model=first), runs=runs, protocols=("described",))
        with tempfile.TemporaryDirectory() as folder:
            os.environ["REPRO_CACHE"] = folder
            store = Store(Path(folder))
            measured = Measured()
            worker.carry_out(plan.plan([cell], store, data_dir), store, data_dir, self.device, measured, fail_fast=True)
        held = torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None
        return measured.seconds, measured.parameters, held


class Measured:
    """A listener that keeps what is measured and shows nothing."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.parameters = 0

    def begins(self, step: Step) -> None:
        """Show nothing."""

    def restores(self, step: Step, prior: Run) -> Watch:
        """No run that is measured goes on from another."""
        return lambda *_: None

    def watch(self, step: Step) -> Watch:
        """Show nothing."""
        return lambda *_: None

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        """Keep the time of the last epoch."""
        self.seconds.append(history[-1].seconds)
        self.parameters = record.parameters

    def failed(self, step: Step, reason: str) -> None:
        """Raise Failure: nothing that fails is measured."""
        raise Failure(reason)

    def waits(self, step: Step) -> None:
        """Do nothing: nobody else works on runs of this folder."""
