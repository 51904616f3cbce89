"""Rounding at a price: cheaper files change the answers more, and no error is larger than it need be."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from repro.compression import ratedistortion, stages
from repro.compression.calibration import Statistics, calibrate, unfolded
from repro.compression.ratedistortion import bits, information, round_layer
from repro.errors import BadInput
from repro.formats import container, files
from repro.formats.shared import CompressedNetwork, Shared, dense
from repro.running import classification

from . import examples

IMAGES = 24


@pytest.fixture(scope="module")
def network() -> CompressedNetwork:
    """A small SqueezeNet with weights as a trained one's are: no two alike, biases not zero."""
    from repro.models import build

    torch.manual_seed(0)
    module = build(examples.NETWORK, **examples.OPTIONS, final_relu=False)
    cast(nn.Conv2d, module.head).weight.data *= 50
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    options = {**examples.OPTIONS, "final_relu": False}
    return CompressedNetwork(examples.NETWORK, options, {k: v.numpy() for k, v in module.state_dict().items()})


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    smooth = F.interpolate(torch.randn(IMAGES, 3, 8, 8, generator=torch.Generator().manual_seed(0)), (32, 32))
    return 2 * smooth


@pytest.fixture(scope="module")
def seen(network: CompressedNetwork, images: torch.Tensor) -> dict[str, Statistics]:
    return calibrate(files.module(network), lambda index: images[index : index + 1], IMAGES)


def test_statistics_are_the_inputs_own(network: CompressedNetwork, images: torch.Tensor, seen: dict) -> None:
    module = files.module(network)
    columns = torch.cat([unfolded(module.features[0], images[i : i + 1]) for i in range(IMAGES)], 1)  # pyright: ignore
    assert seen["features.0"].mean == pytest.approx(columns.mean(1).numpy(), abs=1e-4)
    assert seen["features.0"].covariance == pytest.approx(np.cov(columns.numpy(), bias=True), abs=1e-3)
    assert set(seen) == {name.rpartition(".")[0] for name in network.tensors}
    assert all((one.curvature > 0).all() for one in seen.values())
    again = calibrate(module, lambda index: images[index : index + 1], IMAGES)
    assert all((again[name].curvature == one.curvature).all() for name, one in seen.items())


def test_cost_is_the_variance_of_what_an_error_does() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3
    one = Statistics(inputs.mean(0), np.cov(inputs.T, bias=True), np.array([1.0, 10.0]))
    change = rng.normal(size=(2, 6))
    effects = (inputs @ change.T).var(0)
    assert one.cost(change) == pytest.approx(effects @ [1, 10])


def test_rounding_knows_how_inputs_vary_together() -> None:
    """Against the nearest value of the same codebook: less is changed, with no more bits."""
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(4_000, 30)) @ rng.normal(size=(30, 30)) + rng.normal(size=30)
    one = Statistics(inputs.mean(0), np.cov(inputs.T, bias=True), np.ones(40))
    weights, bias = rng.normal(size=(40, 30)).astype(np.float32), rng.normal(size=40).astype(np.float32)
    found = round_layer(weights, bias, one, 0.3)
    order = np.argsort(found.weights.codebook)
    values = found.weights.codebook[order]
    nearest = values[np.abs(weights[..., None] - values).argmin(-1)]
    assert found.cost < 0.7 * one.cost(nearest - weights)
    before, after = inputs @ weights.T + bias, inputs @ found.weights.weights().T + found.bias
    # The bias takes up what rounding does to the mean, as well as float16 can say it.
    assert after.mean(0) == pytest.approx(before.mean(0), abs=0.02)
    assert abs((inputs @ (found.weights.weights() - weights).T).mean(0)).max() > 0.1


def test_pruned_weights_stay_zero_where_that_is_cheap() -> None:
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(50, 40)).astype(np.float32)
    weights[np.abs(weights) < 1] = 0
    one = Statistics(np.zeros(40), np.eye(40), np.ones(50))
    found = round_layer(weights, np.zeros(50, np.float32), one, 0.01)
    assert (found.weights.codes[weights == 0] == 0).mean() > 0.99
    assert found.weights.codebook[0] == 0


@pytest.fixture
def together() -> tuple[np.ndarray, Statistics]:
    """A layer whose inputs vary together: 60 of them, by 4 causes and some noise."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2_000, 4)) @ rng.normal(size=(4, 60)) + 0.1 * rng.normal(size=(2_000, 60))
    weights = rng.normal(size=(80, 60)).astype(np.float32)
    return weights, Statistics(np.zeros(60), np.cov(inputs.T), np.ones(80))


def spent(together: tuple[np.ndarray, Statistics], price: float) -> tuple[float, int]:
    """What a layer at a price comes to, its codebook included, and how many values that has."""
    weights, one = together
    found = round_layer(weights, np.zeros(len(weights), np.float32), one, price)
    values = len(np.unique(found.weights.codes))
    return found.cost + price * (information(found.weights.codes) + 16 * values), values


def test_coarse_rounding_takes_a_finer_step(together, monkeypatch: pytest.MonkeyPatch) -> None:
    both, _ = spent(together, 0.1)
    monkeypatch.setattr(ratedistortion, "STEPS", (1.0,))
    one, _ = spent(together, 0.1)
    assert both < 0.97 * one


def test_a_codebook_is_paid_for(together, monkeypatch: pytest.MonkeyPatch) -> None:
    few = together[0][:8], Statistics(np.zeros(60), together[1].covariance, np.ones(8))
    paid, values = spent(few, 1e-3)
    monkeypatch.setattr(ratedistortion, "ENTRY", 0)
    free, more = spent(few, 1e-3)
    assert values < more
    assert paid < free


def test_a_higher_price_gives_a_smaller_file_and_other_answers(
    network: CompressedNetwork, images: torch.Tensor, seen: dict
) -> None:
    reference = classification.scores(files.module(network), images, lambda x: x)
    sizes, divergences = [], []
    for price in (1e-9, 1e-6, 1e-4):
        found = stages.rounded(network, seen, price)
        sizes.append(len(container.encode(found)))
        divergences.append(
            classification.divergence(reference, classification.scores(files.module(found), images, lambda x: x))
        )
    assert sizes[0] > sizes[1] > sizes[2]
    assert divergences[0] < divergences[1] < divergences[2]
    assert all(isinstance(found.tensors[f"{name}.weight"], Shared) for name in seen)


def test_what_is_shared_stays_where_rounding_saves_too_little(network: CompressedNetwork, seen: dict) -> None:
    shared = stages.share(network, 8)
    assert stages.rounded(shared, seen, 1e-12).tensors == shared.tensors
    price, stayed = 1e-5, 0
    found = stages.rounded(shared, seen, price)
    for prefix, statistics in seen.items():
        before, after = shared.tensors[f"{prefix}.weight"], found.tensors[f"{prefix}.weight"]
        assert isinstance(before, Shared)
        assert isinstance(after, Shared)
        bias, new_bias = (dense(one.tensors[f"{prefix}.bias"]) for one in (shared, found))
        cost = statistics.cost(after.weights() - before.weights())
        assert cost + price * bits(after, new_bias) <= price * bits(before, bias)
        stayed += after is before
    assert stayed < len(seen)


def test_a_budget_between_what_rounding_takes_and_all_there_is(network: CompressedNetwork, seen: dict) -> None:
    """Rounding alone ends at 256 evenly spread values a layer; beyond that, layers stay as they are."""
    shared = stages.share(network, 8)
    most = len(container.encode(shared))
    for allowed in (int(0.9 * most), most):
        found, _ = stages.within(shared, seen, allowed, "huffman")
        assert 0.97 * allowed < len(container.encode(found)) <= allowed
    assert found.tensors == shared.tensors


def test_as_many_bytes_as_allowed(network: CompressedNetwork, seen: dict) -> None:
    allowed = 11_000
    found, price = stages.within(network, seen, allowed, "huffman")
    size = len(container.encode(found))
    assert len(container.encode(stages.rounded(network, seen, price))) == size
    assert 0.97 * allowed < size <= allowed
    with pytest.raises(BadInput, match="so small"):
        stages.within(network, seen, 500, "huffman")


def test_more_bytes_than_it_can_use(network: CompressedNetwork, seen: dict) -> None:
    tries = []
    found, _ = stages.within(network, seen, 10**6, "huffman", lambda price, size: tries.append(size))
    assert len(container.encode(found)) < 4 * network.parameters
    assert len(tries) < 6


def test_strips_are_calibrated_and_filters_of_one_channel_each_refused() -> None:
    from repro.models import build

    torch.manual_seed(0)
    strips = build("squeezenext", width=0.25, stem="cifar", classes=4)
    seen = calibrate(strips, lambda index: torch.randn(1, 3, 32, 32), 2)
    strip = next(name for name in seen if name.endswith("strip3x1"))
    layer = strips.get_submodule(strip)
    assert isinstance(layer, torch.nn.Conv2d)
    assert seen[strip].covariance.shape == (3 * layer.in_channels,) * 2
    separable = build("squeezenet", separable=True, compression=0.125, stem="cifar", classes=4)
    with pytest.raises(BadInput, match=r"features\.3\.depthwise3x3 filters channels by themselves"):
        calibrate(separable, lambda index: torch.randn(1, 3, 32, 32), 1)


def test_layers_too_wide_for_a_covariance_are_refused() -> None:
    with pytest.raises(BadInput, match="too many to calibrate"):
        calibrate(nn.Sequential(nn.Linear(5_000, 2)), lambda index: torch.zeros(1, 5_000), 1)
