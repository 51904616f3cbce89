"""Weights rounded so that a network changes least for the bytes it takes: mixed precision by one exchange rate.

Every weight takes the value of its layer's codebook that makes the sum of two costs least: how much the network's
answers change, and `price` times the bits that its code takes. One price for all layers spends bits where they
count; so layers get as many values as they need (their "bits" are mixed), and small weights may become zero.

Answers change by Statistics.cost, which knows how the inputs of a layer vary together. So weights are rounded one
input after the other, and what an input's rounding does to the outputs is made up for, as far as it can be, by the
inputs that follow (as in GPTQ, Frantar et al. 2022; here with a codebook and entropy coding). What it does to the mean
of each output, the bias makes up for.

Layers do not share codebooks. Of the released SqueezeNet at 1e-7 nats a bit, all codebooks are 3,196 of 340,501 bytes.
Letting each layer take the codebook of an earlier one where that pays, its loss counted, would save 1,027 bytes, 0.3 %:
less than the answers to photographs can tell.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from repro.compression.calibration import Statistics, damped
from repro.formats import container
from repro.formats.shared import Shared

ROUNDS = 2
# Of the step that suits fine rounding: layers of which most weights become zero want a finer one.
STEPS = (1.0, 0.75)
ENTRY = 16  # bits of a codebook's value
PER_SIDE = 127  # values on either side of zero, at most


@dataclass(frozen=True)
class Rounded:
    """A layer with shared weights and the bias that goes with them.

    cost: of the change, by the layer's statistics.
    """

    weights: Shared
    bias: np.ndarray
    cost: float


def round_layer(weights: np.ndarray, bias: np.ndarray, seen: Statistics, price: float) -> Rounded:
    """One layer at a price, in nats a bit."""
    rows = torch.from_numpy(weights.reshape(len(weights), -1).astype(np.float32))
    # Of each input: what remains of its error once the inputs after it have made up for what they can.
    order = np.argsort(-np.diag(seen.covariance), kind="stable")
    covariance = damped(seen.covariance[np.ix_(order, order)])
    factor = np.linalg.cholesky(np.linalg.inv(covariance)).T
    upper = torch.from_numpy(np.ascontiguousarray(factor, np.float32))
    curvature = torch.from_numpy(np.maximum(seen.curvature, 1e-30).astype(np.float32))
    ordered = rows[:, torch.from_numpy(order)].contiguous()
    costs = curvature[:, None] / upper.diagonal().square()[None, :]
    back = np.argsort(order)

    def spent(codes: Tensor, codebook: Tensor) -> float:
        change = (codebook[codes.long()] - ordered).numpy()[:, back]
        return seen.cost(change) + price * (information(codes.numpy()) + ENTRY * len(codebook))

    begun = []
    for share in STEPS:
        codebook, tolls = first_codebook(ordered, costs, price, share)
        begun.append((*round_inputs(ordered, upper, costs, codebook, tolls * price), codebook))
    codes, targets, codebook = min(begun, key=lambda one: spent(one[0], one[2]))
    for _ in range(ROUNDS):
        codebook, tolls = refit(targets, costs, codes, codebook)
        # Rounded anew: the inputs that follow made up for the errors of the values before.
        codes, targets = round_inputs(ordered, upper, costs, codebook, tolls * price)
    shared = Shared(codes.numpy()[:, back].reshape(weights.shape), codebook.numpy())
    change = shared.weights() - weights
    shift = change.reshape(len(change), -1).astype(np.float64) @ seen.mean
    corrected = (bias - shift).astype(np.float16).astype(np.float32)
    return Rounded(shared, corrected, seen.cost(change))


def first_codebook(values: Tensor, costs: Tensor, price: float, share: float) -> tuple[Tensor, Tensor]:
    """Multiples of one step, and the bits that each would take.

    Where rounding is fine, a finer step costs as many bits as it saves error: with n bits an error of step**2 / 12 and
    4**-n. The step is a share of that.
    """
    worth = float(costs.mean())
    step = share * math.sqrt(6 * price / (math.log(2) * worth))
    largest = float(values.abs().max())
    step = max(step, largest / PER_SIDE, 1e-12)
    reach = math.ceil(largest / step - 0.5)
    grid = step * torch.arange(-reach, reach + 1, dtype=torch.float32)
    codebook = torch.cat([torch.zeros(1), grid[grid != 0]])
    edges = (grid[1:] + grid[:-1]) / 2
    counts = torch.bincount(torch.bucketize(values, edges).flatten(), minlength=len(grid)).float()
    counts = torch.cat([counts[reach : reach + 1], counts[:reach], counts[reach + 1 :]])
    return codebook, bits_of(counts)


def bits_of(counts: Tensor) -> Tensor:
    """What each symbol takes: its information, and its share of its codebook's entry, which rare ones do not earn.

    One that does not occur counts as half an occurrence.
    """
    counts = counts.clamp(min=0.5)
    return -(counts / counts.sum()).log2() + ENTRY / counts


def round_inputs(
    values: Tensor, upper: Tensor, costs: Tensor, codebook: Tensor, tolls: Tensor
) -> tuple[Tensor, Tensor]:
    """Codes of all weights [outputs, d], and the values that they stand for.

    Args:
        values: float32 [outputs, d].
        upper: of the inverse covariance, its upper Cholesky factor.
        costs: of a squared error at each weight.
        tolls: of each value of the codebook.
    """
    left = values.clone()
    codes = torch.empty(values.shape, dtype=torch.uint8)
    targets = torch.empty_like(values)
    for index in range(values.shape[1]):
        wanted = left[:, index].clone()
        best = ((wanted[:, None] - codebook).square_().mul_(costs[:, index, None]).add_(tolls)).argmin(1)
        codes[:, index], targets[:, index] = best.to(torch.uint8), wanted
        error = (wanted - codebook[best]) / upper[index, index]
        left[:, index + 1 :].addr_(error, upper[index, index + 1 :], alpha=-1)
    return codes, targets


def refit(targets: Tensor, costs: Tensor, codes: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
    """The codebook moved to the middle of what it stands for, float16, without the values that none has; what each
    takes.
    """
    index = codes.flatten().long()
    weight = torch.bincount(index, weights=costs.flatten().double(), minlength=len(codebook))
    moment = torch.bincount(index, weights=(costs * targets).flatten().double(), minlength=len(codebook))
    moved = torch.where(weight > 0, moment / weight.clamp(min=1e-300), codebook.double()).half().float()
    counts = torch.bincount(index, minlength=len(codebook))
    keep = (counts > 0) & (moved != 0)
    moved[0], keep[0] = 0.0, True
    # A value that rounds to zero in float16 is zero.
    counts[0] += counts[~keep].sum()
    return moved[keep], bits_of(counts[keep].float())


def bits(weights: Shared, bias: np.ndarray) -> float:
    """What a layer takes: its codes by their entropy, its values as the file has them."""
    values = (container.numbers(numbers)[0] for numbers in (weights.codebook, bias))
    return information(weights.codes) + 8 * sum(map(len, values))


def information(codes: np.ndarray) -> float:
    """Bits by the codes' entropy, zero being a code as the others."""
    counts = np.bincount(codes.ravel())
    counts = counts[counts > 0]
    return float(-(counts * np.log2(counts / counts.sum())).sum())
