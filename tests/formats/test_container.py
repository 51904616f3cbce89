"""The `.sqz` file: exact, accounted for, and refused where it is cut, altered or made up."""

import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import BadInput, Failure
from repro.formats import coding, container, huffman
from repro.formats.coding import CODERS, Coder
from repro.formats.container import SECTIONS, Header
from repro.formats.shared import CompressedNetwork, Shared
from repro.models import build
from repro.models.golden import golden

from ..compression import examples


@pytest.fixture(scope="module", params=CODERS)
def coder(request: pytest.FixtureRequest) -> Coder:
    if request.param == "ans":
        pytest.importorskip("constriction", reason="the ans extra is not installed")
    return request.param


@pytest.fixture(scope="module")
def data(coder: Coder) -> bytes:
    return container.encode(examples.network(), coder)


def rebuilt(data: bytes, header: Header, body: bytes | None = None) -> bytes:
    """The file with another header or body, and checksums that agree with it."""
    begin = 8 + int.from_bytes(data[4:8], "little")
    packed = zlib.compress(msgspec.msgpack.encode(header))
    front = data[:4] + container.number(len(packed)) + packed
    body = data[begin + 4 : -4] if body is None else body
    return front + container.number(zlib.crc32(front)) + body + container.number(zlib.crc32(body))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), density=st.sampled_from([0.0, 0.02, 0.3, 0.97, 1.0]), values=st.integers(1, 255))
def test_decodes_what_was_encoded(coder: Coder, seed: int, density: float, values: int) -> None:
    network = examples.network(seed, density, values)
    data = container.encode(network, coder)
    again = container.decode(data, "it")
    assert examples.same(network, again)
    assert (again.network, again.options) == (network.network, network.options)
    assert container.encode(again, coder) == data


def test_every_byte_is_accounted_for(data: bytes) -> None:
    opened = container.unwrap(data, "it")
    sections = sum(sum(one.lengths) for one in opened.header.tensors)
    assert sections + sum(opened.overhead.values()) == len(data)
    assert len(SECTIONS) == len(opened.header.tensors[0].lengths)


def test_size_is_close_to_the_information(coder: Coder) -> None:
    """Codes and masks cost hardly more than their entropy; with no coder, their fixed width."""
    rng = np.random.default_rng(0)
    codes = np.minimum(rng.geometric(0.2, 100_000), 255).astype(np.uint8)
    _, order = np.unique(-np.bincount(codes)[codes], return_inverse=True)
    counts = np.sort(np.bincount(order))[::-1]
    ranks = np.repeat(np.arange(len(counts)), counts).astype(np.uint8)
    rng.shuffle(ranks)
    shares = counts / len(ranks)
    entropy = -(shares * np.log2(shares)).sum() * len(ranks) / 8
    size = sum(map(len, coding.encode_symbols(ranks, len(counts), coder)))
    fixed = coding.width(len(counts)) * len(ranks) / 8 / entropy
    bound = {"none": fixed, "gaps": fixed, "huffman": 1.02, "ans": 1.005}[coder]
    assert entropy <= size <= bound * entropy + 1


def test_biases_and_codebooks_take_half_where_that_is_exact() -> None:
    entries = {one.name: one for one in container.unwrap(container.encode(examples.network()), "it").header.tensors}
    assert entries["features.0.bias"].half
    assert not entries["features.0.weight"].half
    assert not entries["features.3.squeeze.weight"].half


@pytest.mark.parametrize("name", golden())
def test_shapes_are_the_state_dicts(name: str) -> None:
    """Of every network there is: also of filters that are no squares, or see one channel each."""
    entry = golden()[name]
    with torch.device("meta"):
        state = build(entry.network, **entry.options).state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
    assert container.shapes_of(entry.network, entry.options) == shapes
    assert list(container.shapes_of(entry.network, entry.options)) == list(shapes)


@pytest.mark.parametrize(
    ("network", "options"),
    [("squeezenet", {"separable": True, "compression": 0.125, "classes": 4}), ("squeezenext", {"width": 0.25})],
)
def test_separable_filters_come_back(network: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        name: examples.shared(rng, shape, 15, 0.5) if len(shape) > 1 else rng.normal(size=shape).astype(np.float32)
        for name, shape in container.shapes_of(network, options).items()
    }
    compressed = CompressedNetwork(network, options, tensors)
    assert examples.same(compressed, container.decode(container.encode(compressed), "it"))


def test_negative_zero_and_nan_survive() -> None:
    network = examples.network()
    odd = np.array([-0.0, np.nan, np.inf, 1e-30, 1.0], np.float32)
    bias = np.resize(odd, network.arrays()["features.0.bias"].shape)
    tensors = {**network.tensors, "features.0.bias": bias}
    changed = CompressedNetwork(network.network, network.options, tensors)
    assert examples.same(changed, container.decode(container.encode(changed), "it"))


def test_a_network_that_is_not_whole_is_refused() -> None:
    network = examples.network()
    tensors = dict(network.tensors)
    del tensors["features.0.bias"]
    with pytest.raises(BadInput, match=r"features\.0\.bias"):
        container.encode(CompressedNetwork(network.network, network.options, tensors))


def test_every_flipped_bit_is_noticed(data: bytes) -> None:
    """Thousands of them: at every place of the header, and all over the sections."""
    rng = np.random.default_rng(0)
    begin = 12 + int.from_bytes(data[4:8], "little")
    for place in [*range(begin), *rng.integers(begin, len(data), 600).tolist()]:
        altered = bytearray(data)
        altered[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(Failure, match=r"^it "):
            container.unwrap(bytes(altered), "it")


def test_every_cut_is_noticed(data: bytes) -> None:
    for length in [*range(0, 1_200), *range(1_200, len(data), 1_009)]:
        with pytest.raises(Failure, match=r"^it "):
            container.decode(data[:length], "it")
    with pytest.raises(Failure):
        container.decode(data + b"\0", "it")


@settings(deadline=None, max_examples=40)
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_sections_altered_behind_a_right_checksum_are_noticed(data: bytes, changes: list[tuple[float, int]]) -> None:
    """A forger can make the checksums agree; then what is decoded does not have the digest."""
    begin = 12 + int.from_bytes(data[4:8], "little")
    body = bytearray(data[begin:-4])
    for share, value in changes:
        body[int(share * (len(body) - 1))] = value
    forged = rebuilt(data, container.unwrap(data, "it").header, bytes(body))
    try:
        found = container.decode(forged, "it")
    except Failure:
        return
    assert examples.same(found, container.decode(data, "it"))


@settings(deadline=None, max_examples=40)
@given(
    which=st.integers(0, 51),
    field=st.sampled_from(["shape", "kind", "half", "values", "kept", "entries", "lengths", "name"]),
    number=st.one_of(st.integers(-3, 300), st.integers(2**31 - 2, 2**63 - 1)),
)
def test_headers_that_lie_are_refused_before_anything_large_is_allocated(
    data: bytes, which: int, field: str, number: int
) -> None:
    header = container.unwrap(data, "it").header
    entry = header.tensors[which]
    values = {
        "shape": (number, *entry.shape[1:]),
        "kind": ["plain", "sparse", "shared", "full"][number % 4],
        "half": bool(number % 2),
        "lengths": (*entry.lengths[:3], number, entry.lengths[4]),
        "name": header.tensors[number % 52].name,
    }
    value = values.get(field, number)
    lying = msgspec.structs.replace(entry, **{field: value})
    tensors = (*header.tensors[:which], lying, *header.tensors[which + 1 :])
    forged = rebuilt(data, msgspec.structs.replace(header, tensors=tensors))
    tracemalloc.start()
    try:
        found = container.decode(forged, "it")
        assert examples.same(found, container.decode(data, "it"))
    except Failure:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 60 * len(data) + 200 * huffman.BLOCK * 8


def test_hostile_headers(data: bytes) -> None:
    header = container.unwrap(data, "it").header
    for changed, words in (
        (msgspec.structs.replace(header, network="squeezenot"), "did you mean 'squeezenet'"),
        (msgspec.structs.replace(header, options={"classes": 10**6}), "more than"),
        (msgspec.structs.replace(header, options={"classes": 10**12}), "not known"),
        (msgspec.structs.replace(header, options={"classes": -1}), "not known"),
        (msgspec.structs.replace(header, options={"clas": 1}), "not known"),
        (msgspec.structs.replace(header, tensors=()), "not those of"),
    ):
        with pytest.raises(Failure, match=words):
            container.unwrap(rebuilt(data, changed), "it")
    bomb = zlib.compress(bytes(2**26))
    front = data[:4] + container.number(len(bomb)) + bomb
    whole = front + container.number(zlib.crc32(front)) + container.number(0)
    tracemalloc.start()
    with pytest.raises(Failure, match="makes no sense"):
        container.unwrap(whole, "it")
    assert tracemalloc.get_traced_memory()[1] < 4 * container.HEADER_LIMIT
    tracemalloc.stop()


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content: bytes) -> None:
    for whole in (content, container.MAGIC + content):
        with pytest.raises(Failure):
            container.decode(whole, "it")


def test_another_version_says_so(data: bytes) -> None:
    with pytest.raises(Failure, match="version 2"):
        container.decode(data[:3] + b"\x02" + data[4:], "it")


def test_file_on_disk(tmp_path: Path, data: bytes, coder: Coder) -> None:
    path = tmp_path / "net.sqz"
    assert container.encode(examples.network(), coder) == data
    path.write_bytes(data)
    assert examples.same(container.read(path), examples.network())
    with pytest.raises(Failure, match="cannot read"):
        container.read(tmp_path / "absent.sqz")


def test_weights_that_share_nothing_are_kept_sparse() -> None:
    network = examples.network()
    name = "features.3.expand3x3.weight"
    weights = network.arrays()[name] + np.float32(1e-9) * (network.arrays()[name] != 0)
    changed = CompressedNetwork(network.network, network.options, {**network.tensors, name: weights})
    again = container.decode(container.encode(changed), "it")
    assert examples.same(changed, again)
    assert not isinstance(again.tensors[name], Shared)


def forged(options: dict[str, Any], coder: Coder, content: bytes = b"", **fields: Any) -> bytes:
    """A file, its checksums right, of a SqueezeNet whose last convolution is of these fields and has this content."""
    shapes = container.shapes_of("squeezenet", options)
    entries, body = [], b""
    for name, shape in shapes.items():
        plain = len(shape) == 1
        entry = container.Entry(name, shape, "plain" if plain else "factored", True, 0, 0, 0, (0, 0, 0, 0, 0))
        stored = bytes(2 * shape[0]) if plain else b""
        if name == "classifier.1.weight":
            entry = msgspec.structs.replace(entry, **fields)
            stored = content or b"\x3c" * sum(entry.lengths)
        elif plain:
            entry = msgspec.structs.replace(entry, values=shape[0], kept=shape[0], lengths=(len(stored), 0, 0, 0, 0))
        entries.append(entry)
        body += stored
    header = Header("squeezenet", options, container.Inputs(), coder, tuple(entries), b"12345678")
    packed = zlib.compress(msgspec.msgpack.encode(header))
    front = container.MAGIC + container.number(len(packed)) + packed
    return front + container.number(zlib.crc32(front)) + body + container.number(zlib.crc32(body))


WIDE = 55_000  # classes: 28 million weights
ALONE = {"kind": "full", "values": 1, "kept": 512 * WIDE, "lengths": (2, 0, 0, 0, 0)}


@pytest.mark.parametrize(
    ("coder", "fields"),
    [
        ("none", ALONE),
        ("ans", ALONE | {"lengths": (2, 1, 0, 0, 0)}),
        ("none", {"kind": "sparse"}),
        ("none", {"kind": "shared"}),
        ("none", {"kind": "factored"}),
        ("ans", {"kind": "sparse", "entries": 512 * WIDE, "lengths": (0, 0, 0, 1, 8)}),
    ],
)
def test_a_file_of_many_weights_takes_little_memory_before_it_is_refused(coder: Coder, fields: dict[str, Any]) -> None:
    if coder == "ans":
        pytest.importorskip("constriction", reason="the ans extra is not installed")
    data = forged({"classes": WIDE}, coder, **fields)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Failure, match=r"is not what was written$|another number of weights|does not end"):
            container.decode(data, "it")
        assert time.process_time() - began < 5
        assert tracemalloc.get_traced_memory()[1] < 2**28 + 4 * len(data)
    finally:
        tracemalloc.stop()


def test_a_file_too_small_for_its_network_is_refused_before_anything_is_decoded() -> None:
    data = forged({"classes": 500_000}, "none", kind="full", values=1, kept=512 * 500_000, lengths=(2, 0, 0, 0, 0))
    tracemalloc.start()
    with pytest.raises(Failure, match=r"^it has 257,235,424 numbers, more than are read from a file of"):
        container.decode(data, "it")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_large_codes_are_decoded_in_steps(coder: Coder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step ends makes no difference."""
    network = examples.network(density=0.3)
    data = container.encode(network, coder)
    monkeypatch.setattr(coding, "STEP", 8)
    assert examples.same(container.decode(data, "it"), network)
    assert container.encode(network, coder) == data
