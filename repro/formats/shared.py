"""A compressed network in memory: weights on a grid or of a codebook, and everything else as it is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from repro.formats.card import Card


@dataclass(frozen=True)
class Shared:
    """The weights of one layer after pruning and weight sharing.

    codes: uint8, in the weights' shape ([C_out, C_in, kH, kW] or [out, in]); the weight is `codebook[code]`.
    codebook: float32 [K], K <= 256; codebook[0] is 0.0, and code 0 is a pruned weight.
    """

    codes: np.ndarray
    codebook: np.ndarray

    @property
    def nonzero(self) -> int:
        """Weights that were kept."""
        return int(np.count_nonzero(self.codes))

    @property
    def density(self) -> float:
        """Share of the weights kept."""
        return self.nonzero / max(1, self.codes.size)

    def weights(self) -> np.ndarray:
        """float32, in the weights' shape."""
        return self.codebook[self.codes]


@dataclass(frozen=True)
class Factored:
    """The weights of one layer as a product of two matrices.

    left: float32 [outputs, rank]. right: float32 [rank, inputs x kernel area]. shape: of the weights.
    """

    left: np.ndarray
    right: np.ndarray
    shape: tuple[int, ...]

    def weights(self) -> np.ndarray:
        """float32, in the weights' shape."""
        return (self.left @ self.right).reshape(self.shape)


# 2**(j/8) as float32, in units of 2**-23.
MANTISSAS = np.array([8388608, 9147842, 9975792, 10878679, 11863283, 12937002, 14107901, 15384775], np.int64)


@dataclass(frozen=True)
class Grid:
    """Numbers that are whole multiples of a step: the weights of one layer, with a step for each output, or its biases.

    codes: int32, in the tensor's shape; magnitudes below 2**24.
    exponents: int64, [C_out] for weights, [1] for biases; the step is 2**(exponent / 8), rounded to float32.
    """

    codes: np.ndarray
    exponents: np.ndarray

    @property
    def nonzero(self) -> int:
        """Numbers that are not zero."""
        return int(np.count_nonzero(self.codes))

    def weights(self) -> np.ndarray:
        """float32, in the codes' shape: code times step, rounded once."""
        steps = np.ldexp(MANTISSAS[self.exponents % 8].astype(float), self.exponents // 8 - 23)
        # Both factors have at most 24 bits, so that their product in float64 is exact.
        return (self.codes * steps.reshape(-1, *[1] * (self.codes.ndim - 1))).astype(np.float32)


Tensor = Shared | Factored | Grid | np.ndarray

Normalisation = Literal["", "caffe", "imagenet", "data", "half", "none", "image"]


class Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The images that a network takes.

    data: a data set of the suite; empty where it is not known.
    pixels: height and width; 0 = the data set's own.
    normalisation: `caffe` = BGR from 0 to 255 less 104, 117 and 123; `imagenet` = torchvision's means and deviations;
        `data`, `half`, `none`, `image` = as `repro.config.specification.Data` has them; empty where it is not known.
    """

    data: str = ""
    pixels: int = 0
    normalisation: Normalisation = ""


UNKNOWN = Inputs()


@dataclass(frozen=True)
class CompressedNetwork:
    """A network whose weights are compressed, with all it takes to build it.

    network, options: as in `repro.models.build`.
    tensors: by state-dict name, in the state dict's order; arrays are float32 or float16 (biases, batch norm, weights
        that share nothing).
    card: what the file that it was read from says of its images; see `card`.
    """

    network: str
    options: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(repr=False)
    inputs: Inputs = UNKNOWN
    card: "Card | None" = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Every tensor of the state dict as float32: what the network computes with."""
        return {name: dense(tensor) for name, tensor in self.tensors.items()}

    @property
    def nonzero(self) -> int:
        """Parameters that are not pruned: kept weights, and all biases, zero or not (as the paper's Table 1 counts)."""
        return sum(kept(tensor) for tensor in self.tensors.values())

    @property
    def density(self) -> float:
        """Share of the weights kept, biases not counted."""
        weights = [array for array in self.arrays().values() if array.ndim > 1]
        return sum(map(np.count_nonzero, weights)) / max(1, sum(array.size for array in weights))

    @property
    def parameters(self) -> int:
        """Parameters, pruned ones included."""
        return sum(math.prod(shape_of(tensor)) for tensor in self.tensors.values())


def dense(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers as float32."""
    return tensor.astype(np.float32) if isinstance(tensor, np.ndarray) else tensor.weights()


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """The shape that the network knows it by."""
    return tensor.codes.shape if isinstance(tensor, Shared | Grid) else tensor.shape


def kept(tensor: Tensor) -> int:
    """Numbers that are not pruned: of weights those that are not zero, of factors and biases all."""
    if isinstance(tensor, Factored):
        return tensor.left.size + tensor.right.size
    shape = shape_of(tensor)
    if len(shape) < 2:
        return math.prod(shape)
    return int(np.count_nonzero(tensor)) if isinstance(tensor, np.ndarray) else tensor.nonzero
