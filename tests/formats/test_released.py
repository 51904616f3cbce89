"""The released file: read, checked against the paper, written back byte for byte, refused where it is not whole."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import BadInput, Failure
from repro.formats import inspecting, released
from repro.formats.shared import CompressedNetwork, Shared
from repro.models import architecture

from ..compression import examples

# Kept shares of squeeze, expand 1x1 and expand 3x3 in percent, as the paper's Table 1 prints them.
PAPER = {
    "fire2": (100, 100, 33), "fire3": (100, 100, 33), "fire4": (100, 100, 33), "fire5": (100, 100, 33),
    "fire6": (100, 50, 33), "fire7": (50, 100, 33), "fire8": (100, 50, 30), "fire9": (50, 100, 30),
}  # fmt: skip


@pytest.fixture(scope="module")
def original() -> Path:
    from ..conftest import real_data_folder

    path = (real_data_folder() or Path("absent")) / "weights" / "compressed_SqueezeNet.net"
    if not path.is_file():
        pytest.skip("compressed_SqueezeNet.net is not here: put it into .data/weights")
    return path


@pytest.fixture(scope="module")
def network(original: Path) -> CompressedNetwork:
    return released.read(original)


def test_written_back_byte_for_byte(original: Path, network: CompressedNetwork) -> None:
    assert released.encode(network) == original.read_bytes()


def test_every_byte_is_accounted_for(original: Path):
    *rows, total = inspecting.account(original)
    assert total["bytes"] == sum(row["bytes"] for row in rows) == 675_763
    assert (total["parameters"], rows[-1]["header"]) == (1_248_424, 4 * 26)
    # 8-bit codes, 4-bit gaps: the paper's 1.5 bytes a weight, and fillers on top.
    assert all(row["bits_per_weight"] >= 12 for row in rows[:-1])


def test_densities_are_the_papers(network: CompressedNetwork) -> None:
    """Table 1 prints rounded targets; the file keeps up to 1.5 points less, never more."""
    paper = {"conv1": 100, "conv10": 20}
    for fire, shares in PAPER.items():
        paper |= dict(zip((f"{fire}/squeeze1x1", f"{fire}/expand1x1", f"{fire}/expand3x3"), shares, strict=True))
    paths = architecture(network.network, network.options).paths()
    assert set(paths) == set(paper)
    for layer, prefix in paths.items():
        weight = network.tensors[f"{prefix}.weight"]
        assert isinstance(weight, Shared)
        assert 0 <= paper[layer] - 100 * weight.density < 1.5, layer


def test_check_values(network: CompressedNetwork) -> None:
    arrays = network.arrays()
    assert arrays["features.0.weight"].ravel()[:3].tolist() == pytest.approx([0.14152136, 0.09867926, 0.05103114])
    assert arrays["features.0.bias"][:3].tolist() == pytest.approx([0.4963481, -0.17648058, -0.4330942])
    assert arrays["features.3.expand3x3.weight"].sum(dtype=float) == pytest.approx(-17.626808, abs=1e-4)
    assert arrays["classifier.1.weight"].sum(dtype=float) == pytest.approx(-1765.988846, abs=1e-3)
    assert (network.parameters, network.nonzero) == (1_248_424, 419_897)


def test_another_file_is_refused(original: Path, tmp_path: Path) -> None:
    data = original.read_bytes()
    damaged = tmp_path / "damaged.net"
    with pytest.raises(Failure, match="cannot read"):
        released.read(damaged)
    later = data[:600_000] + b"\xff" * 75_763  # gaps of 15 everywhere lead beyond the last layer
    for content, words in (
        (data[:50], "header"),
        (data[:-1], "not the 675763 due"),
        (data + b"x", "not the"),
        (later, "damaged or of another"),
    ):
        damaged.write_bytes(content)
        with pytest.raises(Failure, match=words):
            released.read(damaged)


SMALL = architecture(examples.NETWORK, examples.OPTIONS)


def test_more_entries_than_weights_are_refused_before_they_are_read() -> None:
    shapes, entries = released.convolutions(SMALL), 2**20
    counts = np.array([entries] + [0] * (len(shapes) - 1), "<u4").tobytes()
    sizes = 4 * released.CODEBOOK * len(shapes) + 4 * sum(shape[0] for shape in shapes.values())
    with pytest.raises(Failure, match=r"features\.0 has more entries than weights"):
        released.decode(counts + bytes(sizes + entries + entries // 2), SMALL, "it")


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=4_000))
    with pytest.raises(Failure):
        released.decode(content, SMALL, "it")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 255))
def test_any_network_comes_back(seed: int, density: float, values: int) -> None:
    rng = np.random.default_rng(seed)
    tensors = {}
    for prefix, shape in released.convolutions(SMALL).items():
        tensors[f"{prefix}.weight"] = examples.shared(rng, shape, values, density)
        tensors[f"{prefix}.bias"] = rng.normal(size=shape[0]).astype(np.float32)
    network = CompressedNetwork(examples.NETWORK, examples.OPTIONS, tensors)
    data = released.encode(network)
    again = CompressedNetwork(examples.NETWORK, examples.OPTIONS, released.decode(data, SMALL, "it"))
    assert examples.same(network, again)
    assert released.encode(again) == data


def test_filters_of_one_channel_each_come_back() -> None:
    options = {**examples.OPTIONS, "separable": True}
    definition, rng = architecture(examples.NETWORK, options), np.random.default_rng(0)
    tensors = {}
    for prefix, shape in released.convolutions(definition).items():
        tensors[f"{prefix}.weight"] = examples.shared(rng, shape, 15, 0.5)
        tensors[f"{prefix}.bias"] = rng.normal(size=shape[0]).astype(np.float32)
    network = CompressedNetwork(examples.NETWORK, options, tensors)
    again = released.decode(released.encode(network), definition, "it")
    assert examples.same(network, CompressedNetwork(examples.NETWORK, options, again))


def test_networks_without_place_in_the_format_are_refused() -> None:
    with pytest.raises(BadInput, match="dense layers"):
        released.convolutions(architecture("alexnet", {}))
    with pytest.raises(BadInput, match="batch norm"):
        released.convolutions(architecture("squeezenet", {"batch_norm": "fire"}))
    with pytest.raises(BadInput, match="share"):
        released.encode(examples.network())
