"""Calibrate on unlabelled images: covariance of each layer's inputs, and Fisher information of its outputs."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.errors import BadInput

WIDEST = 4608  # inputs of one output; a covariance of more does not fit a small machine


@dataclass(frozen=True)
class Statistics:
    """Statistics of one layer's inputs, over images and places; d is C_in x kH x kW.

    mean: float64 [d]. covariance: float64 [d, d].
    curvature: float64 [outputs]: what a squared error of one unit of input variance at each output costs, in nats of
        the network's answer (half the diagonal of the Fisher information, over the input's variance).
    """

    mean: np.ndarray
    covariance: np.ndarray
    curvature: np.ndarray

    def cost(self, change: np.ndarray) -> float:
        """The cost of a change of the weights [outputs, ...]; biases take up its mean effect."""
        rows = change.reshape(len(change), -1).astype(np.float64)
        return float(self.curvature @ np.einsum("oi,ij,oj->o", rows, self.covariance, rows, optimize=True))


def calibrate(network: nn.Module, inputs: Callable[[int], Tensor], count: int) -> dict[str, Statistics]:
    """Statistics of every convolution and dense layer, by state-dict prefix.

    The Fisher information is the true one, its expectation taken over the network's own answers: for each image a class
    is drawn from them, and the gradient of its log probability squared. No labels are used.

    Args:
        inputs: the n-th image as the network takes it, [1, C, H, W].
        count: of images.

    Raises:
        BadInput: a layer's outputs have more inputs than a covariance can be kept of, or inputs of their own.
    """
    layers = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    for name, layer in layers.items():
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            raise BadInput(f"{name} filters channels by themselves: it cannot be calibrated; give --bits a number")
    sizes = {name: layer.weight[0].numel() for name, layer in layers.items()}
    for name, size in sizes.items():
        if size > WIDEST:
            raise BadInput(f"{name} has {size:,} inputs for each output: too many to calibrate; give --bits a number")
    sums = {name: torch.zeros(size + 1, size + 1, dtype=torch.float64) for name, size in sizes.items()}
    fisher = {name: torch.zeros(layer.weight.shape, dtype=torch.float64) for name, layer in layers.items()}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def see(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            columns = unfolded(layer, arguments[0].detach())
            with_one = torch.cat([columns, columns.new_ones(1, columns.shape[1])])
            sums[name] += (with_one @ with_one.T).double() / columns.shape[1]

        return see

    hooks = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    generator = torch.Generator().manual_seed(0)
    network.eval()
    try:
        for index in range(count):
            network.zero_grad()
            answers = network(inputs(index)).log_softmax(1)
            drawn = torch.multinomial(answers.detach().exp(), 1, generator=generator)
            answers[0, drawn[0, 0]].backward()
            for name, layer in layers.items():
                assert layer.weight.grad is not None
                fisher[name] += layer.weight.grad.double() ** 2
    finally:
        for hook in hooks:
            hook.remove()
        network.zero_grad()
    return {name: statistics(sums[name].numpy() / count, fisher[name].numpy() / count) for name in layers}


def unfolded(layer: nn.Module, x: Tensor) -> Tensor:
    """The layer's inputs as columns, which its weights are multiplied with: [d, places]."""
    if isinstance(layer, nn.Conv2d):
        assert isinstance(layer.padding, tuple)
        # No network here has dilations; `calibrate` refuses groups.
        return F.unfold(x, layer.kernel_size, padding=layer.padding, stride=layer.stride)[0]  # pyright: ignore
    return x.reshape(1, -1).T


def statistics(moments: np.ndarray, fisher: np.ndarray) -> Statistics:
    """Statistics from second moments [d + 1, d + 1] of inputs with a constant one behind them, and Fisher diagonal."""
    mean = moments[-1, :-1]
    second = moments[:-1, :-1]
    # Classes and channels that a few images do not excite would look free of cost: half of each row's curvature is the
    # layer's mean.
    rows = fisher.reshape(len(fisher), -1).sum(1) / max(np.trace(second), 1e-30)
    curvature = 0.25 * (rows + rows.mean())
    return Statistics(mean, second - np.outer(mean, mean), curvature)


def damped(covariance: np.ndarray, share: float = 0.01) -> np.ndarray:
    """The covariance with a share of its mean variance on the diagonal: what few images never show may still vary."""
    level = max(float(np.trace(covariance)) / len(covariance), math.ulp(1.0))
    return covariance + share * level * np.eye(len(covariance))
