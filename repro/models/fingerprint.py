"""Measure a built network for the golden file: parameters, multiply-accumulates and a short forward fingerprint.

Nothing here uses the closed form of `layers.py`: the counts are torch's own, so that the two can be compared.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from . import build
from .layers import Shape

# The period of the numbers that fill weights and images; a prime, so that the rows of a layer do not repeat.
PERIOD = 1_000_003


class Measured(NamedTuple):
    """parameters: numbers in all learnable tensors. macs: half the operations that torch counts in one forward pass."""

    parameters: int
    macs: int
    fingerprint: list[float]


def measure(name: str, options: Mapping[str, Any], input: Shape) -> Measured:
    """Counts on tensors without memory, then one forward pass with known weights."""
    with torch.device("meta"):
        network = build(name, **options).eval()
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            network(torch.empty(1, *input))
    operations = counter.get_total_flops()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    network.to_empty(device="cpu")
    return Measured(parameters, operations // 2, fingerprint(network, input))


@torch.no_grad()
def fingerprint(network: nn.Module, input: Shape) -> list[float]:
    """The first four outputs and the mean magnitude of all, in evaluation mode, for one image; 5 significant digits.

    Weights and image are filled from one integer sequence, so nothing depends on torch's random numbers: weights
    uniform with variance 2 / fan in, biases and running means within +-0.1, batch norm's scales and variances 0.9 to
    1.1, image -1 to 1. The network's own weights are overwritten.
    """
    numbers = sequence()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            _fill(module.weight, numbers, scale=(6 / fan_in) ** 0.5)
            _fill(module.bias, numbers, scale=0.1)
        elif isinstance(module, nn.BatchNorm2d):
            _fill(module.weight, numbers, scale=0.1, centre=1)
            _fill(module.bias, numbers, scale=0.1)
            _fill(module.running_mean, numbers, scale=0.1)
            _fill(module.running_var, numbers, scale=0.1, centre=1)
    image = torch.empty(1, *input)
    _fill(image, numbers)
    logits = network.eval()(image)[0].double()
    return [float(f"{value:.5g}") for value in (*logits[:4].tolist(), logits.abs().mean().item())]


def sequence() -> Tensor:
    """`PERIOD` float32 numbers spread evenly over -1 to 1 in a scrambled order, by integer arithmetic alone."""
    mask = 0xFFFFFFFF
    x = torch.arange(1, PERIOD + 1, dtype=torch.int64, device="cpu")
    # Two rounds of multiply and xor-shift in 32 bits; the products stay below 2^63.
    for factor in (0x7FEB352D, 0x2C1B3C6D):
        x = (x ^ (x >> 16)) * factor & mask
    x = x ^ (x >> 15)
    return (x.double() / 2**31 - 1).float()


def _fill(target: Tensor | None, numbers: Tensor, scale: float = 1.0, centre: float = 0.0) -> None:
    if target is not None:
        values = numbers * scale + centre
        for piece in target.view(-1).split(PERIOD):
            piece.copy_(values[: len(piece)])
