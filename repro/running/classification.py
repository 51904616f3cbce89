"""Classify images: logits of a network, its accuracy, and the divergence between two networks."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from repro.data.catalogue import CAFFE_MEANS
from repro.rules.interval import Interval
from repro.rules.statistics import wilson
from repro.training.evaluation import BATCH_VALUES, among_highest

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def caffe(images: Tensor) -> Tensor:
    """uint8 RGB [N, 3, H, W] as Caffe's networks take it: float32 BGR from 0 to 255 less the channels' means."""
    inputs = images.flip(1).float() - torch.tensor(CAFFE_MEANS, device=images.device).view(1, 3, 1, 1)
    return inputs.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Share:
    """So many of so many images; `interval` is Wilson's of 95 %, in percent."""

    hits: int
    total: int

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.total

    @property
    def interval(self) -> Interval:
        low, high = wilson(self.hits, self.total)
        return Interval(100 * low, 100 * high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.percent:.1f} % [{low:.1f}, {high:.1f}] ({self.hits} of {self.total})"


def scores(
    network: nn.Module, images: Tensor, prepare: Callable[[Tensor], Tensor], device: torch.device | None = None
) -> Tensor:
    """The logits, float32 [N, classes], of uint8 images [N, C, H, W]; dropout off.

    Args:
        prepare: images to the network's input; moved to the device where it is a module.
    """
    device = device or torch.device("cpu")
    network = network.to(device).to(memory_format=torch.channels_last).eval()  # pyright: ignore[reportCallIssue]
    if isinstance(prepare, nn.Module):
        prepare = prepare.to(device)
    found = []
    with torch.no_grad():
        for batch in batches(images, device):
            found.append(network(prepare(batch.to(device))).float().cpu())
    return torch.cat(found)


def batches(images: Tensor, device: torch.device) -> Iterator[Tensor]:
    """The images in as large a batch as is fast."""
    yield from images.split(max(1, BATCH_VALUES[device.type] // math.prod(images.shape[1:])))


def right(logits: Tensor, labels: Tensor, among: int = 1) -> np.ndarray:
    """Whether each image's class is among the `among` highest scores, bool [N]; see `evaluation.among_highest`."""
    return among_highest(logits, labels, among).numpy()


def share(hits: np.ndarray) -> Share:
    """The number that are true."""
    return Share(int(hits.sum()), len(hits))


def divergences(reference: Tensor, logits: Tensor) -> np.ndarray:
    """Kullback-Leibler divergence of the answers from the reference's, in nats, for each image."""
    p, q = reference.double().log_softmax(1), logits.double().log_softmax(1)
    return (p.exp() * (p - q)).sum(1).numpy()


def divergence(reference: Tensor, logits: Tensor) -> float:
    """The mean of `divergences`."""
    return float(divergences(reference, logits).mean())
