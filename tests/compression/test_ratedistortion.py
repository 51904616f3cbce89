"""Rounding at a price: smaller files change the answers more, and no error is larger than it need be."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from repro.compression import rounding, stages
from repro.compression.calibration import Statistics, calibrate, unfolded
from repro.compression.ratedistortion import round_layer
from repro.compression.rounding import Rounded, Rounder
from repro.errors import BadInput
from repro.formats import files
from repro.formats.shared import CompressedNetwork, Grid
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


@pytest.fixture
def together() -> tuple[np.ndarray, np.ndarray]:
    """A layer's weights, and the covariance of its inputs, which vary together: 60 of them, by 4 causes and noise."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2_000, 4)) @ rng.normal(size=(4, 60)) + 0.1 * rng.normal(size=(2_000, 60))
    return rng.normal(size=(80, 60)).astype(np.float32), np.cov(inputs.T)


def bits(codes: np.ndarray) -> float:
    shares = np.unique(codes, return_counts=True)[1] / codes.size
    return float(-(shares * np.log2(shares)).sum()) * codes.size


def cost(change: np.ndarray, covariance: np.ndarray, curvature: np.ndarray) -> float:
    return Statistics(np.zeros(len(covariance)), covariance, curvature).cost(change)


def test_rounding_knows_how_inputs_vary_together(together) -> None:
    """Against the nearest multiples of the same steps: less is changed, with fewer bits."""
    weights, covariance = together
    found = round_layer(weights, covariance, np.ones(80), 0.03)
    steps = Grid(np.ones((80, 1), np.int32), found.exponents).weights()
    nearest = np.rint(weights / steps)
    assert cost(found.weights() - weights, covariance, np.ones(80)) < 0.1 * cost(
        nearest * steps - weights, covariance, np.ones(80)
    )
    assert bits(found.codes) < bits(nearest)


def test_rows_that_count_more_have_finer_steps(together) -> None:
    weights, covariance = together
    curvature = np.where(np.arange(80) < 40, 1.0, 256.0)
    found = round_layer(weights, covariance, curvature, 0.1)
    coarse, fine = found.exponents[:40], found.exponents[40:]
    assert (coarse[:1] == coarse).all()
    assert (fine == coarse[0] - 8 * 4).all()
    assert np.abs(found.codes[40:]).mean() > 5 * np.abs(found.codes[:40]).mean()


def test_pruned_weights_stay_zero_where_that_is_cheap() -> None:
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(50, 40)).astype(np.float32)
    weights[np.abs(weights) < 1] = 0
    found = round_layer(weights, np.eye(40), np.ones(50), 0.01)
    assert (found.codes[weights == 0] == 0).mean() > 0.99


def test_dense_rows_keep_small_weights_that_sparse_ones_lose() -> None:
    """A code that is not zero is cheaper where others are not zero either."""
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(200, 100)).astype(np.float32)
    weights[100:, rng.random(100) < 0.9] = 0
    small = np.arange(100) % 10 == 0
    weights[:, small] = rng.uniform(0, 0.5, (200, small.sum()))
    found = round_layer(weights, np.eye(100), np.ones(200), 0.01)
    assert (found.codes[:100, small] != 0).mean() > (found.codes[100:, small] != 0).mean() + 0.1


def test_codes_stay_in_the_coders_range_at_any_price(together) -> None:
    weights, covariance = together
    for price in (1e-30, 1e30):
        found = round_layer(weights, covariance, np.ones(80), price)
        assert np.abs(found.codes).max() <= 2**16
    assert not found.codes.any()


@pytest.fixture(scope="module")
def rounder(network: CompressedNetwork, images: torch.Tensor, seen: dict[str, Statistics]) -> Rounder:
    return Rounder(network, seen, images)


def test_a_higher_price_gives_a_smaller_file_and_other_answers(rounder: Rounder) -> None:
    found = [rounder.at(price) for price in (1e-9, 1e-6, 1e-4)]
    assert found[0].bytes > found[1].bytes > found[2].bytes
    assert found[0].loss < found[1].loss < found[2].loss
    assert all(isinstance(tensor, Grid) for tensor in found[0].network.tensors.values())
    assert found[0].loss < 1e-4


def test_what_is_rounded_is_what_the_file_has(rounder: Rounder, images: torch.Tensor) -> None:
    """Loss and size are those of the decoded file, on the images that took no part in fitting."""
    found = rounder.at(1e-6)
    data = files.encode(found.network)
    assert len(data) == found.bytes
    again = files.module(files.decode(data, "it"))
    before = classification.scores(files.module(rounder.network), images, lambda x: x)
    after = classification.scores(again, images, lambda x: x)
    checked = classification.divergence(before[-rounder.checked :], after[-rounder.checked :])
    assert found.loss == pytest.approx(checked, rel=1e-3)
    assert rounder.checked == int(0.2 * IMAGES)


def test_layers_make_up_for_those_before_them(
    network: CompressedNetwork, images: torch.Tensor, seen: dict[str, Statistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fitted to the original's outputs, the network loses less at the same price than with weights that do not move."""
    moved = Rounder(network, seen, images).at(1e-5)
    monkeypatch.setattr(rounding, "moved", lambda weights, covariance, crossed: weights)
    stayed = Rounder(network, seen, images).at(1e-5)
    assert moved.loss < 0.8 * stayed.loss


def test_curvatures_that_differ_a_hundredfold_differ_tenfold_evened() -> None:
    assert rounding.evened(np.array([1.0, 100.0, 49.0])) == pytest.approx([50**0.5, 10 * 50**0.5, 7 * 50**0.5])
    assert rounding.evened(np.full(3, 0.2)) == pytest.approx([0.2, 0.2, 0.2])


def test_as_many_bytes_as_allowed(rounder: Rounder) -> None:
    tries = []
    found = rounder.within_bytes(11_000, tries.append)
    assert 0.99 * 11_000 < found.bytes <= 11_000
    assert len(tries) <= rounding.TRIES
    with pytest.raises(BadInput, match="so small"):
        rounder.within_bytes(500)


def test_a_network_that_fits_stays_as_it_is(network: CompressedNetwork, images: torch.Tensor, seen: dict) -> None:
    shared = stages.share(network, 8)
    size = len(files.encode(shared))
    found = Rounder(shared, seen, images).within_bytes(size)
    assert (found.network.tensors, found.bytes, found.loss) == (shared.tensors, size, 0.0)


def test_as_much_loss_as_allowed(rounder: Rounder) -> None:
    found = rounder.within_loss(1e-3)
    assert 0.5e-3 < found.loss <= 1e-3
    assert found.bytes < rounder.within_loss(1e-5).bytes


def test_a_search_passes_where_the_loss_falls_by_chance(rounder: Rounder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries no price twice, and ends at the highest that loses little enough."""

    def at(price: float) -> Rounded:
        return Rounded(rounder.network, price, 1, price * (6e3 if price < 1.2e-7 else 3.5e3 if price < 2e-7 else 8e3))

    monkeypatch.setattr(rounder, "at", at)
    monkeypatch.setattr(rounder, "tried", [at(1e-7), at(1e-6)])
    tries: list[Rounded] = []
    found = rounder.within_loss(1e-3, tries.append)
    assert len({one.price for one in tries}) == len(tries)
    assert found.price == max(one.price for one in tries if one.loss <= 1e-3) > 1.8e-7


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
