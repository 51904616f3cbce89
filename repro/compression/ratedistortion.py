"""Round a layer's weights to a grid so that the network's answers change least for the bits spent (rate-distortion).

Every weight takes the code that makes the sum of two costs least: how much the network's answers change, and `price`
times the bits of the code. One price for all layers and rows spends bits where they count, and small weights may become
zero.

Rows have steps of their own: an output whose errors cost more has a finer one. Answers change by the layer's covariance
of inputs: weights are rounded one input after the other, and what an input's rounding does to the outputs is made up
for, as far as it can be, by the inputs that follow (as in GPTQ, Frantar et al. 2022; here with entropy coding). What it
does to the mean of each output, the bias makes up for.
"""

import math

import numpy as np
import torch
from torch import Tensor

from repro.compression.calibration import damped
from repro.formats.shared import Grid

PASSES = 3  # the last one by the densities of rows and columns, which the passes before it have shown
# Of the step that suits fine rounding. .8 came first; fitted to 320 of the calibration photographs, 1 was better on 200
# others of them: 318,505 bytes at .0448 nats against 319,797 at .0487 (released SqueezeNet).
SHARE = 1.0
LARGEST = 2**16  # of a code
OCTAVE = 8  # steps are 2**(exponent / 8)
UNSEEN = 0.3  # of an occurrence of a magnitude that does not occur


def round_layer(weights: np.ndarray, covariance: np.ndarray, curvature: np.ndarray, price: float) -> Grid:
    """One layer at a price, in nats a bit.

    Args:
        weights: [outputs, ...]; d of them for each output.
        covariance: of the layer's inputs, [d, d].
        curvature: of each output, as `Statistics.curvature`.
    """
    # Of each input: what remains of its error once the inputs after it have made up for what they can.
    order = np.argsort(-np.diag(covariance), kind="stable")
    factor = np.linalg.cholesky(np.linalg.inv(damped(covariance[np.ix_(order, order)]))).T
    upper = torch.from_numpy(np.ascontiguousarray(factor, np.float32))
    rows = torch.from_numpy(weights.reshape(len(weights), -1).astype(np.float32))
    ordered = rows[:, torch.from_numpy(order)].contiguous()
    worth = curvature * float((1 / upper.diagonal().square()).mean())
    exponents = exponents_of(worth, price, ordered.abs().amax(1).numpy())
    steps = torch.from_numpy(np.exp2(exponents / OCTAVE).astype(np.float32))
    scaled = ordered / steps[:, None]
    costs = torch.from_numpy(curvature.astype(np.float32)) * steps.square() / price  # in bits, of an error of one step
    codes = scaled.round()
    for index in range(PASSES):
        codes = round_inputs(scaled, upper, costs, Rates.of(codes, by_place=index == PASSES - 1))
    back = np.argsort(order)
    return Grid(codes.numpy()[:, back].astype(np.int32).reshape(weights.shape), exponents)


def round_bias(bias: np.ndarray, curvature: np.ndarray, price: float) -> Grid:
    """A layer's biases, on one grid: half the step that suits them on average."""
    exponents = exponents_of(curvature.mean(keepdims=True) * 4, price, np.abs(bias).max(keepdims=True))
    step = np.exp2(exponents[0] / OCTAVE)
    return Grid(np.rint(bias / step).astype(np.int32), exponents)


def exponents_of(worth: np.ndarray, price: float, largest: np.ndarray) -> np.ndarray:
    """Exponents of the steps, int64.

    Where rounding is fine, a finer step costs as many bits as it saves error: with n bits an error of step**2 / 12 and
    4**-n. The step is a share of that, and not so fine that the largest number has too large a code.
    """
    step = SHARE * np.sqrt(6 * price / (math.log(2) * np.maximum(worth, 1e-30)))
    step = np.clip(np.maximum(step, largest / (LARGEST / 2)), 1e-12, 1e12)
    return np.rint(OCTAVE * np.log2(step)).astype(np.int64)


class Rates:
    """Bits of a code: of a zero and of another code at each place [outputs, d], and of each magnitude with its sign."""

    def __init__(self, zero: Tensor, other: Tensor, sizes: Tensor):
        self.zero, self.other, self.sizes = zero, other, sizes

    @classmethod
    def of(cls, codes: Tensor, by_place: bool) -> "Rates":
        """Rates by frequencies of codes; of zeros by the densities of rows and columns, as the coder sees them."""
        outputs, inputs = codes.shape
        kept = codes != 0
        rows = (kept.float().mean(1) * inputs + 0.5) / (inputs + 1)
        columns = (kept.float().mean(0) * outputs + 0.5) / (outputs + 1)
        whole = float(rows.mean())
        density = (rows[:, None] * columns / whole if by_place else rows.new_full(codes.shape, whole)).clamp(
            0.002, 0.998
        )
        counts = torch.bincount(codes[kept].abs().long(), minlength=2)[1:].float()
        # Beyond the largest one that occurs there is one more.
        counts = torch.cat([counts, counts.new_zeros(2)]) + UNSEEN
        sizes = torch.cat([counts.new_zeros(1), 1 - (counts / counts.sum()).log2()])
        return cls(-(1 - density).log2(), -density.log2(), sizes)


def round_inputs(scaled: Tensor, upper: Tensor, costs: Tensor, rates: Rates) -> Tensor:
    """Codes of all weights, float32 [outputs, d]; candidates are the nearest one, one and two less, and zero.

    Args:
        scaled: float32 [outputs, d], weights in steps.
        upper: of the inverse covariance, its upper Cholesky factor.
        costs: of a squared error of one step of each row, in bits.
    """
    left, codes = scaled.clone(), torch.empty_like(scaled)
    less = torch.tensor([0.0, 1.0, 2.0, math.inf])
    for index in range(scaled.shape[1]):
        wanted = left[:, index]
        size = wanted.abs()
        candidates = (size.round().clamp_(max=LARGEST)[:, None] - less).clamp_(min=0)
        bits = rates.sizes[candidates.long().clamp_(max=len(rates.sizes) - 1)]
        bits = torch.where(candidates == 0, rates.zero[:, index, None], bits + rates.other[:, index, None])
        spent = (size[:, None] - candidates).square_().mul_((costs / upper[index, index] ** 2)[:, None]).add_(bits)
        chosen = candidates.gather(1, spent.argmin(1)[:, None])[:, 0] * wanted.sign()
        codes[:, index] = chosen
        left[:, index + 1 :].addr_((wanted - chosen) / upper[index, index], upper[index, index + 1 :], alpha=-1)
    return codes
