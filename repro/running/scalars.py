"""Log scalars of runs as they train, to TensorBoard or Weights & Biases: one log a run, by the images it has seen.

They are written in the process that follows the plan, to which other processes report, so there is one writer for all.
On a Ray cluster, which reports at the end alone, a run's epochs are written when it has ended.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import msgspec

from repro.config.specification import Run
from repro.errors import BadInput, to_install
from repro.planning.plan import Step
from repro.records import Epoch, Record
from repro.records.store import run_key
from repro.running.worker import Listener
from repro.training.loop import Watch

FOLDER = "logs"  # beside results/


class Log(Interface):
    """A log of the scalars of one run."""

    def write(self, seen: int, values: dict[str, float]) -> None:
        """Scalars by name, after so many images."""

    def close(self) -> None: ...


class TensorBoard:
    """Event files in a folder; what an interrupted run wrote beyond its checkpoint is taken back."""

    def __init__(self, run: Run, place: Path):
        self.place = place
        self.writer: Any = None

    def write(self, seen: int, values: dict[str, float]) -> None:
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.place), purge_step=seen)
        for name, value in values.items():
            self.writer.add_scalar(name, value, seen)
        self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


class WeightsAndBiases:
    """A run of the project `repro`; where it goes is as wandb itself is set up."""

    def __init__(self, run: Run, place: Path):
        import wandb  # pyright: ignore[reportMissingImports]

        place.mkdir(parents=True, exist_ok=True)
        settings = {"config": msgspec.to_builtins(run), "dir": str(place), "reinit": "create_new"}
        self.run = wandb.init(project="repro", name=place.name, group=place.parent.name, **settings)

    def write(self, seen: int, values: dict[str, float]) -> None:
        self.run.log(values, step=seen)

    def close(self) -> None:
        self.run.finish()


def opener(name: str, results: Path) -> Callable[[Run], Log]:
    """The function that opens the log of a run.

    Raises:
        BadInput: the library is not installed.
    """
    try:
        if name == "tensorboard":
            import torch.utils.tensorboard  # noqa: F401
        else:
            import wandb  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise BadInput(f"--log {name}: {name} is not installed: {to_install(name)}") from None
    kind = TensorBoard if name == "tensorboard" else WeightsAndBiases
    return lambda run: kind(run, folder(results) / place_of(run))


def folder(results: Path) -> Path:
    """The folder of logs, beside the results."""
    return results.resolve().parent / FOLDER


def place_of(run: Run) -> str:
    """A run's folder among the logs: its network and data, its settings by a short hash, its seed."""
    return f"{run.model.known_as}-{run.data.known_as}/{run.identity('')[:8]}-seed{run.seed}"


class Logged:
    """A listener that logs scalars, and passes every event on to another listener."""

    def __init__(self, listener: Listener, open_log: Callable[[Run], Log]):
        self.listener, self.open_log = listener, open_log
        self.logs: dict[bytes, Log] = {}
        self.epochs: dict[bytes, int] = {}

    def log(self, run: Run) -> Log:
        """The log of a run, opened when it is first needed."""
        key = run_key(run)
        if key not in self.logs:
            self.logs[key] = self.open_log(run)
        return self.logs[key]

    def following(self, run: Run, watch: Watch) -> Watch:
        """A watcher that logs the values and passes them on."""
        key, log = run_key(run), self.log(run)

        def both(epoch: int, seen: int, of: int, loss: float, accuracy: float, ended: Epoch | None = None) -> None:
            watch(epoch, seen, of, loss, accuracy, ended)
            if ended is None:
                log.write(epoch * of + seen, {"train/loss": loss, "train/accuracy": accuracy})
            else:
                log.write((epoch + 1) * of, of_epoch(ended))
                self.epochs[key] = ended.epoch

        return both

    def begins(self, step: Step) -> None:
        self.listener.begins(step)

    def restores(self, step: Step, prior: Run) -> Watch:
        return self.following(prior, self.listener.restores(step, prior))

    def watch(self, step: Step) -> Watch:
        return self.following(step.run, self.listener.watch(step))

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        key = run_key(step.run)
        unwritten = [] if key in self.epochs else history
        images = record.images_per_second * record.seconds / max(1, len(history))
        for epoch in unwritten:
            self.log(step.run).write(round(epoch.epoch * images), of_epoch(epoch))
        self.close(step)
        self.listener.finished(step, record, history)

    def failed(self, step: Step, reason: str) -> None:
        self.close(step)
        self.listener.failed(step, reason)

    def waits(self, step: Step) -> None:
        self.listener.waits(step)

    def close(self, step: Step) -> None:
        """End the log of a run, if it has one."""
        log = self.logs.pop(run_key(step.run), None)
        if log is not None:
            log.close()

    def stop(self) -> None:
        """End all logs, those of runs that were interrupted too."""
        while self.logs:
            self.logs.popitem()[1].close()


def of_epoch(epoch: Epoch) -> dict[str, float]:
    """The scalars at the end of an epoch."""
    return {
        "train/loss": epoch.train_loss,
        "train/accuracy": epoch.train_accuracy,
        "test/loss": epoch.test_loss,
        "test/accuracy": epoch.test_accuracy,
        "learning_rate": epoch.learning_rate,
    }
