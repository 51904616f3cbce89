"""The stages of Deep Compression on a network at hand: prune, share, or round to a number of bytes."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from repro.compression import cluster
from repro.compression.cluster import Init
from repro.compression.prune import mask
from repro.errors import BadInput
from repro.formats import container
from repro.formats.coding import Coder
from repro.formats.shared import CompressedNetwork, Inputs, Shared, Tensor, dense

if TYPE_CHECKING:
    from repro.compression.calibration import Statistics

# A search ends when the file is so close below the bytes allowed, or after so many tries.
CLOSE = 0.002
TRIES = 8
SATURATED = 0.2  # a lower price that adds less than this share of what it was to add adds nothing


def prune(network: CompressedNetwork, densities: Mapping[str, float]) -> CompressedNetwork:
    """The network with the smallest weights of the named layers (state-dict prefixes) at zero."""
    tensors = dict(network.tensors)
    for prefix, density in densities.items():
        weights = dense(tensors[f"{prefix}.weight"])
        tensors[f"{prefix}.weight"] = np.where(mask(weights, density), weights, np.float32(0))
    return replaced(network, tensors)


def factor(network: CompressedNetwork, share: float) -> CompressedNetwork:
    """The network with low-rank weights of at most a share of the numbers, where that gains anything."""
    from repro.compression import svd

    return replaced(
        network,
        {
            name: svd.factor(dense(tensor), share) if is_weight(tensor) else tensor
            for name, tensor in network.tensors.items()
        },
    )


def share(
    network: CompressedNetwork, bits: int, init: Init = "linear", importance: Mapping[str, np.ndarray] | None = None
) -> CompressedNetwork:
    """The network with `2**bits` values for the weights of each layer, zero being one; biases stay.

    importance: of each weight, by state-dict prefix.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.tensors.items():
        prefix, _, kind = name.rpartition(".")
        if isinstance(tensor, Shared) and len(tensor.codebook) <= 2**bits:
            tensors[name] = tensor
        elif kind == "weight" and is_weight(tensor):
            costs = importance[prefix] if importance else None
            tensors[name] = cluster.share(dense(tensor), bits, init, costs)
        else:
            tensors[name] = tensor
    return replaced(network, tensors)


def rounded(network: CompressedNetwork, seen: "Mapping[str, Statistics]", price: float) -> CompressedNetwork:
    """The network with every layer rounded at one price, in nats of the answers for each bit; see `ratedistortion`.

    A layer whose weights are shared already stays as it is where the bits that rounding saves are not worth its change.
    """
    from repro.compression.ratedistortion import bits, round_layer

    tensors = dict(network.tensors)
    for prefix, statistics in seen.items():
        weights, bias = tensors[f"{prefix}.weight"], dense(tensors[f"{prefix}.bias"])
        found = round_layer(dense(weights), bias, statistics, price)
        changed = found.cost + price * bits(found.weights, found.bias)
        if not isinstance(weights, Shared) or changed < price * bits(weights, bias):
            tensors[f"{prefix}.weight"], tensors[f"{prefix}.bias"] = found.weights, found.bias
    return replaced(network, tensors)


def within(
    network: CompressedNetwork,
    seen: "Mapping[str, Statistics]",
    max_bytes: int,
    coder: Coder,
    progress: Callable[[float, int], None] = lambda price, size: None,
) -> tuple[CompressedNetwork, float]:
    """The network rounded at the price at which its file has at most `max_bytes`, and hardly fewer; the price.

    A weight loses half a bit where the price doubles, until it has none left; the search goes by that and corrects
    itself from the two sizes found on either side.

    Args:
        progress: told the price and the size of each try.

    Raises:
        BadInput: no price makes the file so small.
    """
    kept = network.nonzero
    # Where answers differ by a hundredth of a nat all told, an even share of it for each weight is about the price.
    price = 2 * math.log(2) * 0.01 / kept
    under: tuple[float, int, CompressedNetwork] | None = None
    over: tuple[float, int] | None = None
    aim = (1 - CLOSE / 2) * max_bytes
    for _ in range(TRIES):
        found = rounded(network, seen, price)
        size = len(container.encode(found, coder))
        progress(price, size)
        if size <= max_bytes:
            # At no price does a file grow beyond 256 values a layer: where a lower one adds nothing, that is all.
            spent = under is not None and over is None and size - under[1] < SATURATED * (aim - under[1])
            under = (price, size, found)
            if spent or size >= (1 - CLOSE) * max_bytes:
                break
        else:
            over = (price, size)
        if under and over:
            share = (over[1] - aim) / max(1, over[1] - under[1])
            price = over[0] * (under[0] / over[0]) ** min(max(share, 0.02), 0.98)
        else:
            price *= 2 ** min(max((size - aim) * 8 / (0.5 * kept), -6), 6)
    if under is None:
        raise BadInput(f"--max-bytes {max_bytes:,}: no file of this network is so small; the smallest has {size:,}")
    return under[2], under[0]


def is_weight(tensor: Tensor) -> bool:
    """Whether a tensor named `weight` is one of a convolution or dense layer, not of batch norm."""
    return not isinstance(tensor, np.ndarray) or tensor.ndim > 1


def importance(seen: "Statistics", weights: np.ndarray) -> np.ndarray:
    """What a squared error of each weight costs by itself, in the weights' shape."""
    return np.outer(seen.curvature, np.diag(seen.covariance) + seen.mean**2).reshape(weights.shape)


def replaced(
    network: CompressedNetwork, tensors: Mapping[str, Tensor], inputs: Inputs | None = None
) -> CompressedNetwork:
    """The same network with other numbers."""
    return CompressedNetwork(network.network, network.options, tensors, inputs or network.inputs)
