"""Huffman codes: optimal, complete, decoded to what was encoded, and nothing else decoded."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import Failure
from repro.formats import huffman

COUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=256).map(np.array)


def cost_without_limit(counts: np.ndarray) -> int:
    """Bits of the best code of any length: the sum of all inner nodes of the tree (Huffman 1952)."""
    heap = [int(count) for count in counts if count]
    if len(heap) == 1:
        return heap[0]
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        node = heapq.heappop(heap) + heapq.heappop(heap)
        total += node
        heapq.heappush(heap, node)
    return total


@settings(deadline=None, max_examples=100)
@given(COUNTS)
def test_lengths_are_optimal_and_complete(counts: np.ndarray) -> None:
    lengths = huffman.code_lengths(counts)
    assert ((lengths > 0) == (counts > 0)).all()
    best = cost_without_limit(counts)
    assert int((lengths * counts).sum()) >= best
    if np.count_nonzero(counts) <= huffman.LIMIT:  # then no code needs more bits than the limit
        assert int((lengths * counts).sum()) == best
    if np.count_nonzero(counts) > 1:
        assert sum(2.0 ** -float(length) for length in lengths if length) == 1


def test_lengths_are_limited() -> None:
    """Fibonacci's numbers have the deepest tree."""
    counts = [1, 1]
    while len(counts) < 30:
        counts.append(counts[-1] + counts[-2])
    lengths = huffman.code_lengths(np.array(counts))
    assert lengths.max() == huffman.LIMIT
    assert sum(2.0 ** -float(length) for length in lengths) == 1


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=2_000), st.integers(1, 8), st.booleans())
def test_decodes_what_was_encoded(content: bytes, bits: int, wide: bool) -> None:
    symbols = np.frombuffer(content, np.uint8) >> (8 - bits)
    lengths = huffman.code_lengths(np.bincount(symbols, minlength=256))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huffman, "LONG", 0 if wide else 2**30)
        assert (huffman.decode(huffman.encode(symbols, lengths), lengths, len(symbols)) == symbols).all()


@pytest.mark.parametrize("long", [0, 2**30], ids=["wide windows", "narrow windows"])
def test_codes_that_cross_blocks(long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huffman, "LONG", long)
    rng = np.random.default_rng(0)
    symbols = np.minimum(rng.geometric(0.1, 300_000) - 1, 255).astype(np.uint8)
    lengths = huffman.code_lengths(np.bincount(symbols, minlength=256))
    data = huffman.encode(symbols, lengths)
    assert len(data) > 4 * huffman.BLOCK
    assert (huffman.decode(data, lengths, len(symbols)) == symbols).all()


def test_dahuffman_agrees_on_the_size() -> None:
    dahuffman = pytest.importorskip("dahuffman")
    symbols = np.random.default_rng(1).binomial(40, 0.3, 20_000).astype(np.uint8)
    lengths = huffman.code_lengths(np.bincount(symbols))
    codec = dahuffman.HuffmanCodec.from_data(symbols.tolist())
    # Its code has an end symbol more, which costs one code at most.
    assert abs(len(codec.encode(symbols.tolist())) - len(huffman.encode(symbols, lengths))) <= 16


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60), st.lists(st.integers(0, 20), max_size=40), st.integers(0, 500))
def test_anything_else_is_decoded_or_refused(data: bytes, lengths: list[int], count: int) -> None:
    try:
        found = huffman.decode(data, np.array(lengths, np.uint8), count)
    except Failure:
        return
    assert len(found) == count
    assert huffman.encode(found, np.array(lengths, np.uint8)) == data or np.count_nonzero(lengths) == 1


@pytest.mark.parametrize("lengths", [[1, 1, 1], [1, 2], [16, 1], [2]])
def test_what_is_no_code_is_refused(lengths: list[int]) -> None:
    with pytest.raises(Failure, match="Huffman code"):
        huffman.canonical(np.array(lengths, np.uint8))


def test_data_of_another_length_is_refused() -> None:
    symbols = np.array([0, 1, 2, 2, 2, 1] * 20, np.uint8)
    lengths = huffman.code_lengths(np.bincount(symbols))
    data = huffman.encode(symbols, lengths)
    for wrong, count in ((data[:-1], 120), (data + b"\0", 120), (data, 119 - 8), (data, 10_000)):
        with pytest.raises(Failure):
            huffman.decode(wrong, lengths, count)
