"""Round a whole network to a number of bytes, or to a loss: layer by layer, in the order in which they compute.

Each layer is fitted to what the original network computes there, from what the rounded layers before it hand on: its
weights move to the least-squares solution before they are rounded, and so make up for errors before them. That takes
one pass of the calibration images: when a layer is reached, those before it are rounded already.

Many images pay: fitted to 128 photographs the released SqueezeNet lost .0569 nats in 321,146 bytes, fitted to 300 .0504
in 316,259; where layers were not fitted to rounded inputs, .1298 in 316,407 (on the same 260 others).

A part of the images takes no part in fitting. What the pass ends with are the rounded network's answers to them, which
is how the loss is measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.compression.calibration import Statistics, damped
from repro.compression.ratedistortion import round_bias, round_layer
from repro.errors import BadInput
from repro.formats import files
from repro.formats.shared import CompressedNetwork
from repro.formats.shared import Tensor as Stored

# Of a layer's mean variance, so that weights do not move for what few images show. Of the released SqueezeNet fitted
# to 128 photographs .01 gave 321,146 bytes at .0569 nats, .03 gave 319,621 at .0542 (on the same 260 others).
DAMPING = 0.03
PLACES = 60  # of an image, where a layer's inputs are looked at
CHECKED = 0.2  # of the images take no part in fitting
# A search ends so close below what is allowed, or after so many passes.
CLOSE = {"bytes": 0.003, "loss": 0.08}
TRIES = 7
# Where the price doubles, a weight loses about so many bits, and the loss grows about by such a power.
BITS, POWER = 0.57, 1.25
STEPS = (0.25, 0.5, 1, 2, 4, 8)  # of a frontier, in the first price

Layer = nn.Conv2d | nn.Linear
Progress = Callable[["Rounded"], None]


@dataclass(frozen=True)
class Rounded:
    """A network rounded at a price in nats a bit; the bytes of its file.

    loss: Kullback-Leibler divergence from the original's answers, in nats, on images that took no part in fitting.
    """

    network: CompressedNetwork
    price: float
    bytes: int
    loss: float


class Rounder:
    """Rounds one network at any price.

    Args:
        seen: by state-dict prefix of every layer to be rounded.
        images: as the network takes them, [N, C, H, W]; the last fifth of them only measures the loss.
    """

    def __init__(self, network: CompressedNetwork, seen: Mapping[str, Statistics], images: Tensor):
        self.network, self.seen, self.images = network, seen, images
        self.checked = max(1, int(CHECKED * len(images)))
        self.fitted = max(1, len(images) - self.checked)
        self.tried: list[Rounded] = []
        self.inputs: dict[str, Tensor] = {}
        self.answers = self._pass(files.module(network), self._look)

    def at(self, price: float) -> Rounded:
        """The network rounded at a price."""
        tensors: dict[str, Stored] = dict(self.network.tensors)
        answers = self._pass(files.module(self.network), partial(self._round, tensors, price))
        network = CompressedNetwork(self.network.network, self.network.options, tensors, self.network.inputs)
        p, q = (part[-self.checked :].log_softmax(1) for part in (self.answers, answers))
        found = Rounded(network, price, len(files.encode(network)), float((p.exp() * (p - q)).sum(1).mean()))
        self.tried.append(found)
        return found

    def frontier(self, progress: Progress = lambda one: None) -> list[Rounded]:
        """Six files, from nearly lossless to half the size."""
        found = []
        for step in STEPS:
            found.append(self.at(step * self.first_price))
            progress(found[-1])
        return found

    def within_bytes(self, most: int, progress: Progress = lambda one: None) -> Rounded:
        """The network rounded until its file has at most so many bytes, and hardly fewer.

        Raises:
            BadInput: no price tried makes the file so small.
        """
        whole = len(files.encode(self.network))
        if whole <= most:
            return Rounded(self.network, 0.0, whole, 0.0)
        slope = -BITS * self.network.nonzero / 8 / math.log(2)  # bytes for each e-fold of the price
        found = self._search("bytes", float(most), lambda one: one.bytes, slope, progress)
        if found.bytes > most:
            raise BadInput(
                f"--max-bytes {most:,}: no file of this network is so small; the smallest has {found.bytes:,}"
            )
        return found

    def within_loss(self, most: float, progress: Progress = lambda one: None) -> Rounded:
        """The network rounded as far as it loses at most so many nats on images that took no part in fitting.

        Raises:
            BadInput: no price loses so little.
        """
        found = self._search("loss", math.log(most), lambda one: math.log(max(one.loss, 1e-12)), POWER, progress)
        if found.loss > most:
            raise BadInput(f"--max-loss {most:g}: rounding loses {found.loss:.2g} nats at least")
        return found

    @property
    def first_price(self) -> float:
        """About an even share for each weight where answers differ by a hundredth of a nat in all."""
        return 2 * math.log(2) * 0.01 / max(1, self.network.nonzero)

    def _search(
        self, kind: str, most: float, measured: Callable[[Rounded], float], slope: float, progress: Progress
    ) -> Rounded:
        """The best of a few prices, each chosen by the two around the aim; `slope`: what an e-fold of a price adds."""
        close = CLOSE[kind] * (most if kind == "bytes" else 1)
        aim = most - close / 2

        def near(one: Rounded) -> float:
            """Larger where more is measured, if not for noise: a loss on few images may fall where the price rises."""
            return one.price * slope

        # A higher price gives fewer bytes and more loss; what other searches have tried narrows this one.
        price, inside, outside = self.first_price, None, None
        fits = [one for one in self.tried if measured(one) <= most]
        others = [one for one in self.tried if measured(one) > most]
        for index in range(TRIES + 1):
            inside = max(fits, key=near, default=None)
            outside = min((one for one in others if not inside or near(one) > near(inside)), key=near, default=None)
            if index == TRIES or (inside and measured(inside) >= most - close):
                break
            nearest = inside or outside
            if inside and outside:
                share = (measured(outside) - aim) / (measured(outside) - measured(inside))
                price = outside.price * (inside.price / outside.price) ** min(max(share, 0.03), 0.97)
            elif nearest:
                price = nearest.price * math.exp(min(max((aim - measured(nearest)) / slope, -4), 4))
            one = self.at(price)
            progress(one)
            (fits if measured(one) <= most else others).append(one)
        found = inside or outside
        assert found
        return found

    def _pass(self, module: nn.Module, reached: Callable[[str, Layer, Tensor], None]) -> Tensor:
        """The answers to all images, with `reached` called for each layer and its input before it computes."""
        module.eval()
        hooks = [
            layer.register_forward_pre_hook(lambda layer, given, name=name: reached(name, layer, given[0]))
            for name, layer in module.named_modules()
            if name in self.seen
        ]
        try:
            with torch.no_grad():
                return module(self.images)
        finally:
            for hook in hooks:
                hook.remove()

    def _look(self, name: str, layer: Layer, x: Tensor) -> None:
        self.inputs[name] = sampled(layer, x[: self.fitted])

    def _round(self, tensors: dict[str, Stored], price: float, name: str, layer: Layer, x: Tensor) -> None:
        """Fit a layer to the original's outputs, round it, and let it compute with what came out."""
        before, now = self.inputs[name], sampled(layer, x[: self.fitted])
        mean_before, mean = (one.mean(0, dtype=torch.float64).numpy() for one in (before, now))
        before, now = before - before.mean(0), now - now.mean(0)
        covariance = (now.T @ now).double().numpy() / len(now)
        crossed = (before.T @ now).double().numpy() / len(now)
        weights = layer.weight.detach().flatten(1).double().numpy()
        curvature = evened(self.seen[name].curvature)
        wanted = moved(weights, covariance, crossed).reshape(layer.weight.shape)
        found = round_layer(wanted, covariance, curvature, price)
        assert layer.bias is not None
        rounded = found.weights()
        shift = weights @ mean_before - rounded.reshape(len(rounded), -1).astype(np.float64) @ mean
        bias = round_bias(layer.bias.detach().double().numpy() + shift, curvature, price)
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = found, bias
        layer.weight.copy_(torch.from_numpy(rounded))
        layer.bias.copy_(torch.from_numpy(bias.weights()))


def moved(weights: np.ndarray, covariance: np.ndarray, crossed: np.ndarray) -> np.ndarray:
    """Weights [outputs, d] that give from the inputs there are now, as nearly as they can, what came out before.

    Args:
        covariance: of the inputs now. crossed: of the inputs before with those now.
    """
    return weights + np.linalg.solve(damped(covariance, DAMPING), (weights @ (crossed - covariance)).T).T


def evened(curvature: np.ndarray) -> np.ndarray:
    """Each output's curvature halfway, in its logarithm, to the layer's mean.

    It is an estimate from few images; taken as it is, it spreads bits too unevenly. Fitted to 320 of the calibration
    photographs, the released SqueezeNet lost .0487 nats in 319,797 bytes on 200 others of them, so evened .0420 in
    320,795, and with `ratedistortion.SHARE` raised too .0364 in 318,963.
    """
    return np.sqrt(curvature * curvature.mean())


def sampled(layer: Layer, x: Tensor) -> Tensor:
    """The layer's inputs as rows, [n, d], at places of each image drawn by a fixed seed."""
    if isinstance(layer, nn.Linear):
        return x
    assert isinstance(layer.padding, tuple)
    (height, width), (down, right), (top, left) = layer.kernel_size, layer.stride, layer.padding
    x = F.pad(x, (left, left, top, top))  # pyright: ignore[reportArgumentType]
    rows, columns = (x.shape[2] - height) // down + 1, (x.shape[3] - width) // right + 1
    drawn = torch.randint(rows * columns, (len(x), PLACES), generator=torch.Generator().manual_seed(len(layer.weight)))
    image, y, across = torch.arange(len(x))[:, None], drawn // columns * down, drawn % columns * right
    taps = [x[image, :, y + row, across + column] for row in range(height) for column in range(width)]
    return torch.stack(taps, 3).flatten(0, 1).flatten(1)
