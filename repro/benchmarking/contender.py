"""Base class of the training loops that are compared: timed turns, and the phases of a training step."""

import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import msgspec
import torch
from torch import nn

from repro import data
from repro.benchmarking.clock import WARM_UP, Turn, clock
from repro.config.specification import Run
from repro.data import DATASETS, Dataset, ImageSet

# The phases of a training step, in their order. `loss` is counted to the backward pass, bookkeeping is `other`.
PHASES: tuple[str, ...] = ("data", "forward", "backward", "optimiser", "other")

Work = Generator[int, None, None]


class Side(ABC):
    """A training loop and its evaluation. Work comes as generators: each step does a batch and gives its size."""

    network: nn.Module
    optimizer: torch.optim.Optimizer

    def __init__(self, device: torch.device, threads: int):
        self.device = device
        torch.set_num_threads(threads)

    @abstractmethod
    def training(self) -> Work:
        """Optimiser steps, epoch after epoch."""

    @abstractmethod
    def testing(self) -> Work:
        """Batches of test images, again and again."""

    @abstractmethod
    def losses(self, steps: int) -> list[float]:
        """The losses of the first steps from the run's first weights, in the run's order, without what is random."""

    def train(self, seconds: float, warm_up: float = WARM_UP) -> Turn:
        """A turn of training."""
        return self._turn(self.training(), seconds, warm_up)

    def evaluate(self, seconds: float, warm_up: float = WARM_UP) -> Turn:
        """A turn of measuring the network on test images."""
        return self._turn(self.testing(), seconds, warm_up)

    def _turn(self, work: Work, seconds: float, warm_up: float) -> Turn:
        # Closing ends the loader's workers, which would otherwise go on reading in the other side's turn.
        with closing(work), self.settings():
            return clock(work, seconds, warm_up, self.wait)

    def phases(self, seconds: float, warm_up: float = WARM_UP) -> dict[str, float]:
        """Mean seconds of each of `PHASES` of a training step."""
        spent: dict[str, float] = defaultdict(float)
        steps, work = 0, self.eager()
        with closing(work), self.settings():
            clock(work, 0, warm_up, self.wait)
            with self._marks() as marks:
                began = time.perf_counter()
                while not steps or time.perf_counter() - began < seconds:
                    marks.clear()
                    last = time.perf_counter()
                    next(work)
                    self.wait()
                    marks.append(("other", time.perf_counter()))
                    for phase, moment in marks:
                        spent[phase] += moment - last
                        last = moment
                    steps += 1
        return {phase: spent[phase] / steps for phase in PHASES}

    def eager(self) -> Work:
        """Training whose phases can be told apart."""
        return self.training()

    @contextmanager
    def _marks(self) -> Iterator[list[tuple[str, float]]]:
        """A list that gets a phase and its end whenever one ends; the device is waited for at each."""
        marks: list[tuple[str, float]] = []

        def mark(phase: str) -> None:
            self.wait()
            marks.append((phase, time.perf_counter()))

        handles = [
            self.network.register_forward_pre_hook(lambda *_: mark("data")),
            self.network.register_forward_hook(lambda *_: mark("forward")),
            self.optimizer.register_step_pre_hook(lambda *_: mark("backward")),
            self.optimizer.register_step_post_hook(lambda *_: mark("optimiser")),
        ]
        try:
            yield marks
        finally:
            for handle in handles:
                handle.remove()

    def settings(self) -> AbstractContextManager[None]:
        """Settings of the whole process while this side works."""
        return nullcontext()

    def wait(self) -> None:
        """Wait until the device has done all it was given."""
        synchronise(self.device)

    def device_memory(self) -> int | None:
        """The most memory held on an accelerator so far, in bytes; None on a CPU."""
        return torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def images(run: Run, data_dir: Path) -> Dataset:
    """The run's images; stand-ins are repeated until there are as many as of the real ones."""
    found = data.load(run.data, data_dir)
    if not run.data.synthetic:
        return found
    info = DATASETS[run.data.name]
    train, test = in_memory(found)
    return replace(found, train=repeated(train, info.train), test=repeated(test, info.test))


def in_memory(found: Dataset) -> tuple[ImageSet, ImageSet]:
    """The training and the test images of a data set that is held in memory."""
    assert isinstance(found.train, ImageSet)
    assert isinstance(found.test, ImageSet)
    return found.train, found.test


def repeated(some: ImageSet, count: int) -> ImageSet:
    """Repeat images until there are as many as asked for."""
    return some[torch.arange(count) % len(some)]


def without_chance(run: Run) -> Run:
    """The run without dropout and augmentation: what is left depends on weights and order alone."""
    return msgspec.structs.replace(
        run,
        model=msgspec.structs.replace(run.model, options={**run.model.options, "dropout": 0.0}),
        recipe=msgspec.structs.replace(run.recipe, flip=False, crop_padding=0),
    )
