"""The project's training loop, step by step, as benchmarks measure it; and the machine's rate of matrix products."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import torch
from torch import Tensor

from repro.benchmarking.clock import Turn, clock
from repro.benchmarking.contender import Side, Work, images, synchronise, without_chance
from repro.config.specification import PROTOCOLS, Run
from repro.training import devices
from repro.training.devices import without_denormals
from repro.training.evaluation import batch_size, measure
from repro.training.graph import captured
from repro.training.loop import Trainee

Step = Callable[[Tensor, Tensor, Tensor, Tensor], None]


class Project(Side):
    """A run as `repro run` trains and measures it."""

    def __init__(self, run: Run, data_dir: Path, device: str, threads: int):
        chosen, _ = devices.choose(device)
        super().__init__(chosen, threads)
        self.images = images(run, data_dir)
        self.trainee = Trainee(run, self.images, chosen)
        self.network, self.optimizer = self.trainee.network, self.trainee.optimizer
        self.step: Step = captured(self.trainee) if chosen.type == "cuda" else self.trainee.step

    def settings(self) -> AbstractContextManager[None]:
        return without_denormals(self.device)

    def training(self) -> Work:
        return self.epochs(self.step)

    def eager(self) -> Work:
        return self.epochs(self.trainee.step)

    def epochs(self, step: Step) -> Work:
        """Optimiser steps, epoch after epoch."""
        self.network.train()
        for epoch in count():
            for batch in batches(self.trainee, epoch):
                step(*batch)
                yield self.trainee.run.recipe.batch

    def testing(self) -> Work:
        trainee, classes = self.trainee, len(self.images.info.classes)
        test, pipeline = trainee.data.test, trainee.pipeline
        # On a CPU as many images at a time as evaluation takes in one batch, so that a turn is not all of them.
        part = test[slice(batch_size(pipeline, self.device))] if self.device.type == "cpu" else test
        protocol = PROTOCOLS["described"]
        while True:
            measure(self.network, part, pipeline, protocol, classes, 0, 1)
            yield len(part)

    def losses(self, steps: int) -> list[float]:
        trainee = Trainee(without_chance(self.trainee.run), self.images, self.device)
        trainee.network.train()
        found = []
        for _, batch in zip(range(steps), batches(trainee, 0), strict=False):
            trainee.loss.zero_()
            trainee.step(*batch)
            found.append(float(trainee.loss))
        return found


def batches(trainee: Trainee, epoch: int) -> Iterator[tuple[Tensor, ...]]:
    """The arguments of the steps of an epoch, as the loop gives them."""
    _, _, found = trainee.batches(epoch)
    return found


class MatrixProduct:
    """A product of two square matrices: as many floating-point operations a second as a network can hope for."""

    def __init__(self, device: str, threads: int, precision: str = "float32", size: int = 0):
        self.device, _ = devices.choose(device)
        torch.set_num_threads(threads)
        self.size = size or (8192 if self.device.type == "cuda" else 2048)
        factors = torch.randn(2, self.size, self.size, device=self.device)
        self.left, self.right = factors.to(getattr(torch, precision))
        self.product = torch.empty_like(self.left)

    def multiply(self, seconds: float, warm_up: float = 0.1) -> Turn:
        """Products for some seconds; the amount is floating-point operations."""
        return clock(self.products(), seconds, warm_up, lambda: synchronise(self.device))

    def products(self) -> Iterator[float]:
        """One product after the other."""
        while True:
            torch.mm(self.left, self.right, out=self.product)
            yield 2.0 * self.size**3
