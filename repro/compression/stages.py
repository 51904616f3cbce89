"""The stages of Deep Compression on a whole network: prune, share weights; and low rank. Rounding is in `rounding`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from repro.compression import cluster
from repro.compression.cluster import Init
from repro.compression.prune import mask
from repro.formats.shared import CompressedNetwork, Shared, Tensor, dense, shape_of

if TYPE_CHECKING:
    from repro.compression.calibration import Statistics


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


def is_weight(tensor: Tensor) -> bool:
    """Whether a tensor is the weights of a convolution or dense layer, not a bias or one of batch norm."""
    return len(shape_of(tensor)) > 1


def importance(seen: "Statistics", weights: np.ndarray) -> np.ndarray:
    """The cost of a squared error of each weight by itself, in the weights' shape."""
    return np.outer(seen.curvature, np.diag(seen.covariance) + seen.mean**2).reshape(weights.shape)


def replaced(network: CompressedNetwork, tensors: Mapping[str, Tensor]) -> CompressedNetwork:
    """The same network with other numbers."""
    return CompressedNetwork(network.network, network.options, tensors, network.inputs)
