"""The training loop: one run, from seed to record."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro import models
from repro.config.specification import NUMERICS, PROTOCOLS, Run, axis_seed
from repro.data import Dataset
from repro.data.augment import Pipeline
from repro.data.batches import Draws, epoch_draws, epoch_order
from repro.data.catalogue import moments
from repro.data.streaming import PhotographSet
from repro.records import Epoch, Measurement, Record, Status
from repro.records.environment import describe
from repro.training import parallel
from repro.training.checkpoint import Checkpoint
from repro.training.devices import keep_freed_memory, set_up_cudnn
from repro.training.evaluation import counted_macs, first_dead_layer, measure
from repro.training.graph import captured
from repro.training.precision import arithmetic
from repro.training.recipe import learning_rate, optimizer, set_learning_rate


class Watch(Protocol):
    """Called while a run trains: epoch (from 0), images seen of it, images of an epoch, running loss and accuracy.

    ended: the epoch as the history has it, where it has ended.
    """

    def __call__(
        self, epoch: int, seen: int, of: int, loss: float, accuracy: float, ended: Epoch | None = None, /
    ) -> None: ...


# On a GPU reading the running loss waits for the device, so the loop calls its watcher only this often, in seconds.
WATCH_EVERY = 0.5


class Trainee:
    """A network in training: its optimiser, its data on its device, and the step that brings them together."""

    def __init__(self, run: Run, dataset: Dataset, device: torch.device):
        self.run, self.device = run, device
        set_up_cudnn()
        keep_freed_memory()
        torch.manual_seed(axis_seed(run.seed, "initialisation"))
        network = models.build(run.model.name, **run.model.options)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.forward = parallel.synchronised(self.network, run.recipe.batch)
        self.optimizer = optimizer(run.recipe, self.network.parameters(), device)
        self.data = dataset.to(device)
        info = dataset.info
        mean, std = moments(run.data.normalisation, info.mean, info.std)
        channels = run.model.options.get("channels", 3)
        blue_first = run.data.normalisation == "caffe"
        self.pipeline = Pipeline(run.data.pixels, channels, mean, std, run.recipe, reverse=blue_first).to(device)
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), device=device)

    def batches(self, epoch: int) -> tuple[int, int, Iterator[tuple[Tensor, ...]]]:
        """An epoch's number of steps, its images of all processes, and what each step here gets, on the device."""
        run, recipe, train = self.run, self.run.recipe, self.data.train
        order = epoch_order(
            train.labels, recipe.batch, run.seed, epoch, run.data.balanced, recipe.steps, recipe.order == "independent"
        )
        drawn = epoch_draws(order.numel(), run.seed, epoch, recipe)
        draws = [parallel.share(part.view(order.shape), 1).to(self.device) for part in drawn]
        places = parallel.share(torch.arange(order.numel()).view(order.shape), 1)
        images = train.batches(parallel.share(order, 1).to(train.labels.device), places, run.seed, epoch)
        found = ((*some, *own) for some, own in zip(images, zip(*draws, strict=True), strict=True))
        return len(order), order.numel(), found

    def step(self, images: Tensor, labels: Tensor, *draws: Tensor) -> None:
        """One optimiser step on training images (uint8 [batch, C, H, W]) with their `Draws`, all on the device.

        Adds the batch's mean loss to `self.loss` and its correct answers to `self.correct`; waits for nothing.
        """
        with arithmetic(self.run.recipe.precision, self.device):
            logits = self.forward(self.pipeline(images, Draws(*draws)))
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.run.recipe.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.loss += loss.detach()
        self.correct += (logits.detach().argmax(1) == labels).sum()

    def measure(self, protocol: str, epoch: int) -> Measurement:
        """The network as it is now, on the test set, under a named protocol."""
        classes, draws = len(self.data.info.classes), None
        if PROTOCOLS[protocol].augmented:
            drawn = epoch_draws(len(self.data.test), self.run.seed, epoch, self.run.recipe, "evaluation")
            draws = drawn.to(self.device)
        return measure(
            self.network,
            self.data.test,
            self.pipeline,
            PROTOCOLS[protocol],
            classes,
            self.run.seed,
            epoch,
            draws,
        )


def train(
    run: Run,
    dataset: Dataset,
    protocols: tuple[str, ...],
    device: torch.device,
    checkpoint: Checkpoint,
    watch: Watch = lambda *_: None,
    begin: Callable[[nn.Module], Callable[[], None]] = lambda network: lambda: None,
) -> tuple[Record, list[Epoch], nn.Module]:
    """Train one run to its end, from its checkpoint if there is one, and measure it.

    On a CPU the outcome is bit for bit that of an uninterrupted run, however often it was interrupted.

    Args:
        begin: changes the network before it is trained; returns a callback to run before evaluation.

    Returns: the record, the history, and the network with its final weights.
    """
    trainee = Trainee(run, dataset, device)
    network = trainee.network
    settle = begin(network)
    history = checkpoint.load(network, trainee.optimizer, device)
    graph = device.type == "cuda" and parallel.world_size() == 1
    step = captured(trainee) if graph else trainee.step
    measured = None
    for epoch in range(len(history), run.recipe.epochs):
        done, measured = train_epoch(trainee, step, epoch, watch, settle)
        history.append(done)
        if not (math.isfinite(done.train_loss) and measured.loss is not None):
            break
        checkpoint.save(network, trainee.optimizer, history)
    described = measured or trainee.measure("described", len(history))
    record = recorded(trainee, dataset.checksum, history, described, graph)
    further = {protocol: trainee.measure(protocol, len(history)) for protocol in record.lacks(protocols)}
    return msgspec.structs.replace(record, measurements=record.measurements | further), history, network


def train_epoch(
    trainee: Trainee, step: Callable[..., None], epoch: int, watch: Watch, settle: Callable[[], None]
) -> tuple[Epoch, Measurement]:
    """Train for one epoch (from 0) and measure it.

    settle: called between the last step and the measurement.
    """
    began = heard = time.monotonic()
    recipe, processes = trainee.run.recipe, parallel.world_size()
    steps, count, batches = trainee.batches(epoch)
    torch.manual_seed(axis_seed(trainee.run.seed, "dropout", epoch))
    trainee.network.train()
    trainee.loss.zero_()
    trainee.correct.zero_()
    for index, batch in enumerate(batches):
        position = epoch * steps + index
        set_learning_rate(trainee.optimizer, learning_rate(recipe, position, recipe.epochs * steps, steps))
        step(*batch)
        if time.monotonic() - heard > WATCH_EVERY and index + 1 < steps:
            heard, seen = time.monotonic(), (index + 1) * recipe.batch
            accuracy = float(trainee.correct) * processes / seen
            watch(epoch, seen, count, float(trainee.loss) / (index + 1), accuracy)
    settle()
    parallel.all_reduce(trainee.loss.div_(processes), trainee.correct)
    measured = trainee.measure("described", epoch + 1)
    done = Epoch(
        epoch=epoch + 1,
        learning_rate=learning_rate(recipe, (epoch + 1) * steps - 1, recipe.epochs * steps, steps),
        train_loss=float(trainee.loss) / steps,
        train_accuracy=float(trainee.correct) / count,
        test_loss=math.nan if measured.loss is None else measured.loss,
        test_accuracy=sum(measured.correct) / sum(measured.total),
        active_logits=measured.active_logits,
        seconds=time.monotonic() - began,
    )
    watch(epoch, count, count, done.train_loss, done.train_accuracy, done)
    return done, measured


def recorded(trainee: Trainee, checksum: str, history: list[Epoch], described: Measurement, graph: bool) -> Record:
    """The record of a run that has ended. graph: its steps were captured."""
    run, network, processes = trainee.run, trainee.network, parallel.world_size()
    path = ", ".join([run.recipe.precision, "channels-last", "captured graph" if graph else "eager"])
    path += f", {processes} processes" if processes > 1 else ""
    seconds = sum(epoch.seconds for epoch in history)
    trained = len(history) * trainee.batches(0)[1] if history else 0
    record = Record(
        identity=run.identity(checksum),
        run=run,
        checksum=checksum,
        numerics=NUMERICS,
        status=judge_status(history, described),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        measurements={"described": described},
        seconds=seconds,
        images_per_second=trained / seconds if trained else 0.0,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=describe(trainee.device.type, path),
        dead_layer=first_dead_layer(network, trainee.data.test, trainee.pipeline) if described.constant else "",
        macs=None if models.defined(run.model.name) else counted_macs(network, trainee.pipeline),
    )
    train_set = trainee.data.train
    if isinstance(train_set, PhotographSet):
        # What these are depends on the user's folders: they may hold a part of the data set.
        record.environment["photographs"] = [len(train_set), len(trainee.data.test)]
        record.environment["replaced"] = sorted(train_set.replaced)
    return record


def judge_status(history: list[Epoch], described: Measurement) -> Status:
    """Whether a finished run is `done`, `diverged` (loss not finite) or `collapsed` (it never left chance).

    Near chance is an accuracy below 2 x chance for ten classes or more (`statistics.md`, D2); for fewer, one as far on
    the way from chance to certainty as that is for ten: a ninth. Both the last epoch's training accuracy and the
    measured one must be there: a run of one epoch averages over its own beginning, and one that only fits its training
    set learns.
    """
    last = history[-1] if history else None
    if described.loss is None or (last and not math.isfinite(last.train_loss)):
        return "diverged"
    chance = 1 / len(described.total)
    reached = max(last.train_accuracy if last else 0.0, described.balanced_accuracy / 100)
    return "collapsed" if reached < min(2 * chance, chance + (1 - chance) / 9) else "done"
