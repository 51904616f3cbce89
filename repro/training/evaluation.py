"""Measure a trained network under a protocol."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.config.specification import Protocol, axis_seed
from repro.data import ImageSet
from repro.data.augment import Pipeline
from repro.data.batches import Draws
from repro.data.streaming import PhotographSet
from repro.models.network import Network
from repro.records import Measurement
from repro.training import parallel

# Input values per test batch where the batch does not change the result: enough to be fast, small enough to fit.
BATCH_VALUES = {"cpu": 2**20, "cuda": 2**25, "mps": 2**23}


def among_highest(logits: Tensor, labels: Tensor, among: int = 1) -> Tensor:
    """Whether each image's class is among the `among` highest scores, bool [N].

    Of equal scores the first class's counts as the highest, as for argmax: whoever scores all classes alike is right as
    often as chance is.

    Args:
        logits: [N, classes].
        labels: int64 [N].
    """
    return (logits.argsort(dim=1, descending=True, stable=True)[:, :among] == labels.unsqueeze(1)).any(1)


class Tally:
    """Sums over test images, on their device: right answers by class and among the first five, loss, active logits."""

    def __init__(self, classes: int, device: torch.device):
        self.correct = torch.zeros(classes, dtype=torch.int64, device=device)
        self.loss = torch.zeros((), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device)
        self.active = torch.zeros_like(self.loss)
        self.five = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, logits: Tensor, truth: Tensor) -> None:
        """One batch: logits [N, classes] and labels [N]."""
        self.five += among_highest(logits, truth, 5).sum()
        self.correct += torch.bincount(truth[logits.argmax(1) == truth], minlength=len(self.correct))
        self.loss += F.cross_entropy(logits, truth, reduction="sum")
        self.active += (logits > 0).float().mean(1).sum()


@torch.inference_mode()
def measure(
    network: nn.Module,
    test: ImageSet | PhotographSet,
    pipeline: Pipeline,
    protocol: Protocol,
    classes: int,
    seed: int,
    epoch: int,
    draws: Draws | None = None,
    seen: Callable[[Tensor, Tensor], None] = lambda logits, labels: None,
) -> Measurement:
    """Count the correct answers on a test set; in float32, whatever the network was trained in.

    Dropout of the `train` mode draws from the run's `evaluation` axis; the caller's random state is left as it was,
    and so are batch norm's running statistics.

    Args:
        test: the images, whose batches come on the network's device.
        pipeline: images to the network's normalised input.
        classes: of the data set; correct answers are counted for each.
        epoch: recorded with the numbers.
        draws: how each image is changed at random, on the same device; None = not at all.
        seen: called with the logits and labels of every batch, in the order of the images.
    """
    device = pipeline.scale.device
    train_mode = protocol.mode == "train"
    # An image alone in its batch is normalised by its own statistics, as instance norm does: many images go at once.
    per_image = train_mode and protocol.batch == 1
    # Where images do not see each other, the batch changes nothing but speed.
    together = train_mode and not per_image and has_batch_norm(network)
    batch = protocol.batch if together else batch_size(pipeline, device)
    tally = Tally(classes, device)
    # In train mode images of a batch go together, so every process measures all of them; else each its share.
    rows = torch.arange(len(test), device=test.labels.device)
    mine = rows if train_mode else parallel.share(rows)
    if draws and not train_mode:
        draws = Draws(*map(parallel.share, draws))
    was_training = network.training
    network.train(train_mode)
    with torch.random.fork_rng([device] if device.type == "cuda" else []), batch_statistics(network, per_image):
        torch.manual_seed(axis_seed(seed, "evaluation"))
        parts = mine.split(batch)
        changes = draws.split(batch) if draws else [None] * len(parts)
        for (some, truth), change in zip(test.batches(parts), changes, strict=True):
            logits = network(pipeline(some, change))
            seen(logits, truth)
            tally.add(logits, truth)
    network.train(was_training)
    if not train_mode:
        parallel.all_reduce(tally.correct, tally.loss, tally.active, tally.five)
    mean_loss = float(tally.loss) / len(test)
    return Measurement(
        protocol=protocol,
        correct=tally.correct.tolist(),
        total=torch.bincount(test.labels, minlength=classes).tolist(),
        loss=mean_loss if math.isfinite(mean_loss) else None,
        active_logits=float(tally.active) / len(test),
        epoch=epoch,
        top5=int(tally.five),
    )


@torch.inference_mode()
def counted_macs(network: nn.Module, pipeline: Pipeline) -> int:
    """Multiply-accumulates for one image by torch's counter of floating-point operations; two are one of them."""
    from torch.utils.flop_counter import FlopCounterMode

    image = torch.zeros(1, pipeline.channels, pipeline.pixels, pipeline.pixels, device=pipeline.scale.device)
    was_training = network.training
    network.eval()
    with FlopCounterMode(display=False) as counter:
        network(image)
    network.train(was_training)
    return counter.get_total_flops() // 2


@torch.inference_mode()
def first_dead_layer(network: nn.Module, test: ImageSet | PhotographSet, pipeline: Pipeline) -> str:
    """The name of the first layer whose output is the same, bit for bit, for every image; empty if there is none.

    Args:
        test: two images or more, whose batches come on the network's device.
    """
    alive: set[int] = set()
    seen: dict[int, Tensor] = {}

    def look(index: int, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        first = seen.setdefault(index, output[:1])  # of what is not a tensor nothing is said
        if index not in alive and (not isinstance(output, Tensor) or bool((output != first).any())):
            alive.add(index)

    names, modules = layers_of(network)
    hooks = [module.register_forward_hook(partial(look, index)) for index, module in enumerate(modules)]
    was_training = network.training
    network.eval()
    try:
        rows = torch.arange(len(test), device=test.labels.device)
        for some, _ in test.batches(rows.split(batch_size(pipeline, pipeline.scale.device))):
            network(pipeline(some))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return next((name for index, name in enumerate(names) if index not in alive), "")


def layers_of(network: nn.Module) -> tuple[list[str], list[nn.Module]]:
    """The layers of a network with their names: the published ones, or of a study's own what its module is made of."""
    if isinstance(network, Network):
        modules = [*network.features, *network.avgpool, *network.classifier]
        return [layer.name for layer in network.architecture.layers], modules
    leaves = {name: module for name, module in network.named_modules() if not list(module.children())}
    return list(leaves), list(leaves.values())


def batch_size(pipeline: Pipeline, device: torch.device) -> int:
    """The number of images measured at once where the batch changes nothing but speed."""
    return max(1, BATCH_VALUES[device.type] // (pipeline.channels * pipeline.pixels**2))


def has_batch_norm(network: nn.Module) -> bool:
    """Whether images of one batch influence each other in train mode."""
    return any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@contextmanager
def batch_statistics(network: nn.Module, per_image: bool) -> Iterator[None]:
    """While open, batch norm in train mode leaves its running statistics alone.

    Args:
        per_image: every image is normalised by its own statistics, as a test batch of one does.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [module.momentum for module in norms]
    counts = [None if module.num_batches_tracked is None else module.num_batches_tracked.clone() for module in norms]
    for module in norms:
        module.momentum = 0.0
        if per_image and module.training:
            # An attribute of the instance hides the method until it is deleted below.
            module.__dict__["forward"] = per_image_norm(module)
    try:
        yield
    finally:
        for module, momentum, count in zip(norms, momenta, counts, strict=True):
            module.momentum = momentum
            module.__dict__.pop("forward", None)
            if count is not None and module.num_batches_tracked is not None:
                module.num_batches_tracked.copy_(count)


def per_image_norm(module: nn.BatchNorm2d) -> Callable[[Tensor], Tensor]:
    """Batch norm as a batch of one image sees it."""
    return lambda x: F.instance_norm(x, weight=module.weight, bias=module.bias, eps=module.eps)
