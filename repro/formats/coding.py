"""Code symbols and masks as bytes, by one of four coders.

none: fixed width. gaps: as none, but the mask's gaps by Huffman; the reading of the paper that gives its 0.47 MB.
huffman: canonical Huffman codes. ans: asymmetric numeral systems, by constriction.

Every coder gives a table (what a reader must know of the symbols) and the data. Numbers of symbols are kept elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from repro.errors import Failure, to_install
from repro.formats import huffman

Coder = Literal["none", "gaps", "huffman", "ans"]
CODERS: tuple[Coder, ...] = get_args(Coder)

ESCAPE = 15  # a gap of so many zeros, and no weight after them
GAPS = 16
ADVANCE = np.array([*range(1, ESCAPE + 1), ESCAPE])  # places that each gap goes on, the weight behind it included
# ANS counts a symbol's information in quarters of a bit, which costs its codes less than 0.002 bits each.
STEPS = 4
# Log odds of a kept weight in a byte: from -8 to 8 nats.
ODDS_STEPS = 16
EVEN = 128
# Symbols or weights decoded at a time, which bounds the memory. A multiple of 8: of any width, these are whole bytes.
STEP = 2**20
KERNEL = 9  # the largest area of a kernel whose places are told apart


class Coded(NamedTuple):
    """A table and the data it explains."""

    table: bytes
    data: bytes


# --- symbols: uint8 [n] below `alphabet` -----------------------------------------------------------------------------


def encode_symbols(symbols: np.ndarray, alphabet: int, coder: Coder) -> Coded:
    """Symbols as bytes. They must be ranked: none occurs more often than a smaller one."""
    if coder in ("none", "gaps"):
        return Coded(b"", pack(symbols, width(alphabet)))
    counts = np.bincount(symbols, minlength=alphabet)
    if coder == "huffman":
        # Sorted: of symbols that occur equally often, any may have the longer code.
        lengths = np.sort(huffman.code_lengths(counts))
        return Coded(tally(lengths), huffman.encode(symbols, lengths))
    levels = np.clip(np.rint(-STEPS * np.log2(counts / max(1, len(symbols)))), 0, 255).astype(np.uint8)
    return Coded(tally(levels), encode_ranked(symbols, levels) if alphabet > 1 else b"")


def decode_symbols(coded: Coded, alphabet: int, count: int, coder: Coder) -> np.ndarray:
    """The inverse of `encode_symbols`. Raises Failure where the bytes are not `count` symbols of the alphabet."""
    if coder in ("none", "gaps"):
        symbols = unpack(coded.data, width(alphabet), count)
        if count and symbols.max() >= alphabet:
            raise Failure("its codes are beyond its codebook")
        return symbols
    levels = untally(coded.table, alphabet)
    if coder == "huffman":
        return huffman.decode(coded.data, levels, count)
    return decode_ranked(coded.data, levels, count) if alphabet > 1 else np.zeros(count, np.uint8)


def tally(levels: np.ndarray) -> bytes:
    """Ascending levels (uint8 [K]) as the first one and how many there are of each; the last number is left to K."""
    return bytes([levels[0]]) + np.bincount(levels - levels[0])[:-1].astype(np.uint8).tobytes()


def untally(table: bytes, alphabet: int) -> np.ndarray:
    """The inverse of `tally`, uint8 [K]. Raises Failure where the table is none of so many levels."""
    counts = np.frombuffer(table[1:], np.uint8).astype(np.int64)
    rest = alphabet - int(counts.sum())
    if not table or rest < 1 or table[0] + len(counts) > 255:
        raise Failure("its code table does not fit its codebook")
    return np.repeat(np.arange(table[0], table[0] + len(counts) + 1, dtype=np.uint8), [*counts, rest])


# --- masks: which weights were kept -----------------------------------------------------------------------------------


def encode_mask(mask: np.ndarray, coder: Coder) -> tuple[Coded, int]:
    """A mask (bool, in the weights' shape) as bytes, and how many entries these are."""
    if coder == "ans":
        return encode_flags(mask), mask.size
    entries = gaps(np.flatnonzero(mask))
    if coder == "none":
        return Coded(b"", pack(entries, 4)), len(entries)
    lengths = huffman.code_lengths(np.bincount(entries, minlength=GAPS))
    return Coded(pack(lengths, 4), huffman.encode(entries, lengths)), len(entries)


def decode_mask(coded: Coded, shape: tuple[int, ...], entries: int, coder: Coder) -> np.ndarray:
    """The inverse of `encode_mask`, bool. Raises Failure where the bytes are not a mask of that shape."""
    if coder == "ans":
        return decode_flags(coded, shape)
    if coder == "none":
        found = unpack(coded.data, 4, entries)
    else:
        found = huffman.decode(coded.data, unpack(coded.table, 4, GAPS), entries)
    mask = np.zeros(int(np.prod(shape)), bool)
    passed = 0
    for first in range(0, len(found), STEP):
        part = found[first : first + STEP]
        ends = passed + np.cumsum(ADVANCE[part])
        places = ends[part != ESCAPE] - 1
        if len(places) and places[-1] >= len(mask):
            raise Failure("it keeps weights beyond its shape")
        mask[places] = True
        passed = int(ends[-1])
    return mask.reshape(shape)


def gaps(places: np.ndarray) -> np.ndarray:
    """The number of zeros before each kept weight, uint8 of 0 to 14; `ESCAPE` is 15 zeros without a weight."""
    zeros = np.diff(places, prepend=-1) - 1
    escapes = zeros // ESCAPE
    entries = np.full(len(places) + int(escapes.sum()), ESCAPE, np.uint8)
    entries[np.arange(len(places)) + np.cumsum(escapes)] = zeros % ESCAPE
    return entries


# --- fixed width ------------------------------------------------------------------------------------------------------


def width(alphabet: int) -> int:
    """Bits of a code for so many symbols."""
    return (alphabet - 1).bit_length()


def pack(symbols: np.ndarray, bits: int) -> bytes:
    """The lowest `bits` of each symbol, highest bit first, padded with zeros to a whole byte."""
    return np.packbits(np.unpackbits(symbols.astype(np.uint8)[:, None], axis=1)[:, 8 - bits :]).tobytes()


def unpack(data: bytes, bits: int, count: int) -> np.ndarray:
    """The inverse of `pack`, uint8. Raises Failure where the data is not as long as `count` symbols."""
    if len(data) != -(-count * bits // 8):
        raise Failure("its data is not as long as it says")
    symbols = np.zeros(count, np.uint8)
    for first in range(0, count if bits else 0, STEP):
        part = symbols[first : first + STEP]
        content = np.frombuffer(data, np.uint8, -(-len(part) * bits // 8), first * bits // 8)
        found = np.unpackbits(content, count=len(part) * bits).reshape(len(part), bits)
        part[:] = np.packbits(np.pad(found, ((0, 0), (8 - bits, 0))), axis=1).reshape(len(part))
    return symbols


# --- ANS --------------------------------------------------------------------------------------------------------------


def constriction() -> ModuleType:
    """constriction. Raises Failure where it is not installed."""
    try:
        import constriction
    except ImportError as error:
        raise Failure(f"the ANS coder needs constriction: {to_install('ans')}") from error
    return constriction


def categorical(levels: np.ndarray) -> Any:
    """The model of symbols whose information is `levels` / 4 bits. Weights are whole, so every machine has the same."""
    weights = np.maximum(1, np.rint(2.0 ** (24 - levels / STEPS)))
    return constriction().stream.model.Categorical((weights / weights.sum()).astype(np.float32), perfect=False)


def encode_ranked(symbols: np.ndarray, levels: np.ndarray) -> bytes:
    """Symbols by the model of their levels."""
    coder = constriction().stream.stack.AnsCoder()
    coder.encode_reverse(symbols.astype(np.int32), categorical(levels))
    return coder.get_compressed().astype("<u4").tobytes()


def decode_ranked(data: bytes, levels: np.ndarray, count: int) -> np.ndarray:
    """The inverse of `encode_ranked`, uint8 [count]."""
    symbols, model = np.empty(count, np.uint8), categorical(levels)
    with opened(data) as coder:
        for first in range(0, count, STEP):
            part = symbols[first : first + STEP]
            part[:] = coder.decode(model, len(part))
    return symbols


def encode_flags(mask: np.ndarray) -> Coded:
    """A mask, place by place of all kernels at once; a context is the place and how many its kernel kept before it."""
    bits = by_kernel(mask)
    tallies = np.cumsum(bits, axis=1) - bits
    context = context_of(np.arange(bits.shape[1]), tallies)
    total = np.bincount(context.ravel(), minlength=contexts(bits.shape[1]))
    ones = np.bincount(context.ravel(), weights=bits.ravel(), minlength=len(total))
    table = np.clip(np.rint(EVEN + ODDS_STEPS * np.log((ones + 0.4) / (total - ones + 0.4))), 0, 255).astype(np.uint8)
    coder, model = constriction().stream.stack.AnsCoder(), constriction().stream.model.Bernoulli(perfect=False)
    for place in reversed(range(bits.shape[1])):
        coder.encode_reverse(bits[:, place].astype(np.int32), model, likely(table)[context[:, place]])
    return Coded(table.tobytes(), coder.get_compressed().astype("<u4").tobytes())


def decode_flags(coded: Coded, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `encode_flags`, bool."""
    mask = np.zeros(shape, bool)
    bits = by_kernel(mask)
    table = np.frombuffer(coded.table, np.uint8)
    if len(table) != contexts(bits.shape[1]):
        raise Failure("its ANS table does not fit its shape")
    tallies = np.zeros(len(bits), np.uint8)
    model, odds = constriction().stream.model.Bernoulli(perfect=False), likely(table)
    with opened(coded.data) as coder:
        for place in range(bits.shape[1]):
            for first in range(0, len(bits), STEP):
                part, tally = bits[first : first + STEP, place], tallies[first : first + STEP]
                part[:] = coder.decode(model, odds[context_of(place, tally)])
                tally += part
    return mask


def by_kernel(mask: np.ndarray) -> np.ndarray:
    """The mask as a view [kernels, area]; where the kernels are large, or there are none, of area 1."""
    area = int(np.prod(mask.shape[2:]))
    return mask.reshape(-1, area if area <= KERNEL else 1)


def contexts(area: int) -> int:
    return area * (area + 1) // 2


def context_of(place: Any, tally: np.ndarray) -> np.ndarray:
    """The context of a place (from 0) in a kernel that has kept `tally` weights before it."""
    return contexts(place) + tally


def likely(table: np.ndarray) -> np.ndarray:
    """Probabilities from log odds, in whole 2**-20ths, so that every machine has the same."""
    return np.clip(np.rint(2**20 / (1 + np.exp((EVEN - table.astype(float)) / ODDS_STEPS))), 1, 2**20 - 1) / 2**20


@contextmanager
def opened(data: bytes) -> Iterator[Any]:
    """A decoder of the data, which must be read to its end. Raises Failure where it is damaged."""
    try:
        coder = constriction().stream.stack.AnsCoder(np.frombuffer(data, "<u4").astype(np.uint32, copy=False))
        yield coder
        whole = coder.is_empty()
    except (AssertionError, ValueError) as error:  # what constriction raises for bytes that its coder never wrote
        raise Failure("its ANS data is damaged") from error
    if not whole:
        raise Failure("its ANS data does not end where it says")
