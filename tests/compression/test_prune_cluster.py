"""Pruning keeps the largest weights; sharing moves each to a near value, and loses nothing where it need not."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import prune as torch_prune

from repro.compression import cluster, prune, stages, svd
from repro.compression.cluster import Init
from repro.errors import BadInput
from repro.formats import container
from repro.formats.shared import Factored
from repro.models import architecture
from repro.models.layers import Conv

from . import examples

INITS = get_args(Init)
SQUEEZENET = architecture("squeezenet", {})


@given(st.integers(0, 2**32), st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_mask_is_torchs(seed: int, density: float) -> None:
    weights = np.random.default_rng(seed).normal(size=(7, 5, 3, 3)).astype(np.float32)
    module = torch.nn.Conv2d(5, 7, 3)
    module.weight.data = torch.from_numpy(weights)
    torch_prune.l1_unstructured(module, "weight", amount=weights.size - round(density * weights.size))
    assert (prune.mask(weights, density) == module.weight_mask.numpy().astype(bool)).all()  # pyright: ignore


def test_densities_by_name() -> None:
    paths = SQUEEZENET.paths()
    assert prune.densities("0.5", SQUEEZENET) == dict.fromkeys(paths.values(), 0.5)
    found = prune.densities("expand3x3=0.33,conv10=0.2,fire9/expand3x3=0.3", SQUEEZENET)
    assert len(found) == 9
    assert found[paths["fire9/expand3x3"]] == 0.3
    assert prune.densities("table1", SQUEEZENET)[paths["fire6/expand1x1"]] == 0.5
    assert len(prune.densities("alexnet", architecture("alexnet", {}))) == 8
    for wrong in ("1.5", "half", "expand3x3=2"):
        with pytest.raises(BadInput, match="between 0 and 1"):
            prune.densities(wrong, SQUEEZENET)
    with pytest.raises(BadInput, match=r"unknown layer .conv11."):
        prune.densities("conv11=0.5", SQUEEZENET)


def test_table1_keeps_what_the_paper_prints() -> None:
    """421,098 parameters remain, each module rounded up (paper, Table 1)."""
    parts = SQUEEZENET.named_parts()
    density = prune.densities("table1", SQUEEZENET)
    kept: dict[str, float] = {}
    for prefix, (name, part) in parts.items():
        assert isinstance(part, Conv)
        weights = part.weights
        module = name.split("/")[0]
        kept[module] = kept.get(module, 0) + density.get(prefix, 1) * weights + part.parameters - weights
    assert sum(int(np.ceil(round(number, 6))) for number in kept.values()) == 421_098


@pytest.mark.parametrize("init", INITS)
def test_kmeans_is_a_fixed_point_and_no_worse_than_its_start(init: Init) -> None:
    rng = np.random.default_rng(0)
    values, costs = rng.normal(size=2_000), rng.exponential(size=2_000)
    first = cluster.start(values, 15, init)
    found = cluster.kmeans(values, first, costs)

    def error(centroids: np.ndarray) -> float:
        return float((costs * (values[:, None] - centroids[None]).__abs__().min(1) ** 2).sum())

    assert error(found) < error(np.sort(first))
    groups = cluster.nearest(values, found)
    for number in range(15):
        mine = groups == number
        assert found[number] == pytest.approx(np.average(values[mine], weights=costs[mine]))


def test_kmeans_finds_the_best_partition_of_a_few_values() -> None:
    """Against every partition of the sorted values into three intervals."""
    values = np.sort(np.random.default_rng(3).normal(size=12))
    best = min(
        sum(((part - part.mean()) ** 2).sum() for part in np.split(values, [a, b]))
        for a in range(1, 11) for b in range(a + 1, 12)
    )  # fmt: skip
    found = min(
        ((values - c[cluster.nearest(values, c)]) ** 2).sum()
        for seed in range(20)
        for c in [cluster.kmeans(values, cluster.start(values, 3, "random", seed), np.ones(12))]
    )
    assert found == pytest.approx(best)


def test_importance_draws_values_near() -> None:
    values = np.array([0.0, 1.0, 10.0, 11.0, 30.0])
    costs = np.array([1.0, 1.0, 1.0, 1e6, 1.0])
    found = cluster.kmeans(values, np.array([0.5, 10.5, 30]), costs)
    assert found[1] == pytest.approx(11.0, abs=1e-5)


@given(st.integers(1, 8), st.sampled_from(INITS), st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_sharing(bits: int, init: Init, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(20, 20)).astype(np.float32)
    weights[np.abs(weights) < 0.5] = 0
    shared = cluster.share(weights, bits, init)
    assert len(shared.codebook) <= 2**bits
    assert ((shared.weights() != 0) == (weights != 0)).all()
    again = cluster.share(shared.weights(), bits, init)
    assert (again.weights() == shared.weights()).all()  # so few values are kept as they are


def test_stages_leave_biases_and_names() -> None:
    network = examples.network()
    prefix = "features.3.expand3x3"
    pruned = stages.prune(network, {prefix: 0.1})
    shared = stages.share(pruned, 4)
    assert list(shared.tensors) == list(network.tensors)
    assert (shared.arrays()[f"{prefix}.bias"] == network.arrays()[f"{prefix}.bias"]).all()
    size = pruned.arrays()[f"{prefix}.weight"].size
    assert np.count_nonzero(shared.arrays()[f"{prefix}.weight"]) == round(0.1 * size)
    assert shared.nonzero < network.nonzero


def test_factors_are_the_best_of_their_rank() -> None:
    """Eckart and Young: the error is what the singular values left out say."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(40, 10, 3, 3)).astype(np.float32)
    found = svd.factor(weights, 0.5)
    assert isinstance(found, Factored)
    rank = found.left.shape[1]
    assert rank == int(0.5 * weights.size / (40 + 90))
    values = np.linalg.svd(weights.reshape(40, -1), compute_uv=False)
    assert ((found.weights() - weights) ** 2).sum() == pytest.approx((values[rank:] ** 2).sum(), rel=1e-4)
    assert svd.factor(weights, 0.01) is weights
    again = svd.refactor(found.weights(), 0.5)
    assert isinstance(again, Factored)
    assert (again.left.shape, again.right.shape) == (found.left.shape, found.right.shape)
    assert again.weights() == pytest.approx(found.weights(), abs=1e-5)
    network = stages.factor(examples.network(), 0.4)
    again = container.decode(container.encode(network), "it")
    assert examples.same(network, again)
    assert container.encode(again) == container.encode(network)
    assert len(container.encode(network)) < 0.5 * 4 * network.parameters
