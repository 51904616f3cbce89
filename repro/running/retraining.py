"""Retraining a compressed network: pruned weights stay zero, shared weights stay shared, the rest learns on.

Low-rank weights are not retrained.

The training loop does not change: gradient hooks enforce the constraints. A pruned weight's gradient is zero; weights
that share a value all get the sum of their gradients, which is the gradient of that value (Han et al. 2015a, section
3.3). Momentum, Adam's averages and weight decay then move them alike.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from repro import models
from repro.compression import cluster, prune, svd
from repro.config.specification import Hold, Model
from repro.formats import container
from repro.formats.shared import CompressedNetwork, Shared, dense

Settle = Callable[[], None]


def begin(network: nn.Module, first: nn.Module, model: Model, hold: Hold) -> Settle:
    """Give a network another one's weights, compressed as `hold` says, and hold what is to stay.

    Returns: what makes shared weights equal again to the last bit; to be called before the network is measured.
    """
    network.load_state_dict(first.state_dict())
    definition = models.architecture(model.name, model.options)
    density = prune.densities(hold.density, definition) if hold.density else {}
    low_rank = prune.densities(hold.svd, definition) if hold.svd else {}
    held: list[tuple[Tensor, Tensor, Tensor]] = []  # weights, the group of each, one weight of each group
    for prefix in definition.paths().values():
        layer = network.get_submodule(prefix)
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        parameter = layer.weight
        weights = parameter.detach().cpu().contiguous().numpy()
        if prefix in low_rank:
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(dense(svd.factor(weights, low_rank[prefix]))))
            continue
        if hold.bits:
            shared = cluster.share(weights, hold.bits, hold.init)
            groups, weights = shared.codes.astype(np.int64), shared.weights()
        elif prefix in density:
            mask = prune.mask(weights, density[prefix])
            groups, weights = np.where(mask, np.int64(-1), np.int64(0)), np.where(mask, weights, np.float32(0))
        elif not hold.free and (weights == 0).any():
            groups = np.where(weights != 0, np.int64(-1), np.int64(0))
        else:
            continue
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(weights))
        index = torch.from_numpy(groups).to(parameter.device)
        members = torch.from_numpy(one_of_each(groups)).to(parameter.device)
        held.append((parameter, index, members))
        parameter.register_hook(shared_gradient(index, len(members)) if hold.bits else masked_gradient(index))

    def settle() -> None:
        if hold.bits:
            for parameter, index, members in held:
                # One weight's value, not the mean: that of many equal float32 numbers is another number.
                values = parameter.detach().flatten()[members]
                values[0] = 0
                parameter.data.copy_(values[index])

    return settle


def one_of_each(groups: np.ndarray) -> np.ndarray:
    """The position of one weight of each group, int64 [groups]; 0 for a group that has none."""
    members = np.zeros(max(0, groups.max()) + 1, np.int64)
    kept = np.flatnonzero(groups >= 0)
    members[groups.flat[kept]] = kept
    return members


def shared_gradient(index: Tensor, groups: int) -> Callable[[Tensor], Tensor]:
    """Each weight gets the sum of its group's gradients; group 0, the pruned weights, none."""

    def hook(gradient: Tensor) -> Tensor:
        sums = summed(gradient, index, groups)
        sums[0] = 0
        return sums[index]

    return hook


def masked_gradient(index: Tensor) -> Callable[[Tensor], Tensor]:
    """Only weights that were kept (group -1) get a gradient."""
    kept = index < 0
    return lambda gradient: gradient * kept


def summed(values: Tensor, index: Tensor, groups: int) -> Tensor:
    """The sum of each group's values."""
    return torch.zeros(groups, dtype=values.dtype, device=values.device).index_add_(
        0, index.flatten(), values.contiguous().flatten()
    )


def file_bytes(network: nn.Module, model: Model, hold: Hold) -> int:
    """The size of the network's file: low-rank weights are kept as their factors, weights of at most 256 values share
    them, others are kept sparse or whole.
    """
    state = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in network.state_dict().items()}
    shares = prune.densities(hold.svd, models.architecture(model.name, model.options)) if hold.svd else {}
    low_rank = {f"{prefix}.weight": share for prefix, share in shares.items()}
    tensors = {
        name: svd.refactor(state[name], low_rank[name]) if name in low_rank else as_shared(state[name])
        for name in container.shapes_of(model.name, model.options)
    }
    return len(container.encode(CompressedNetwork(model.name, model.options, tensors)))


def as_shared(array: np.ndarray) -> Shared | np.ndarray:
    """Weights with at most 255 values beside zero, by a codebook; others as they are."""
    if array.ndim < 2:
        return array
    values = np.unique(array[array != 0])
    if len(values) > 255:
        return array
    codes = np.where(array != 0, np.searchsorted(values, array) + 1, 0).astype(np.uint8)
    return Shared(codes, np.concatenate([np.zeros(1, np.float32), values]))
