"""Canonical Huffman codes of at most 15 bits, for symbols of one byte, encoded and decoded by arrays.

A code is its lengths alone: codes of one length are consecutive numbers, in the order of the symbols, and shorter ones
come first. A symbol that is alone has a code of one bit.
"""

import numpy as np

from repro.errors import Failure

LIMIT = 15
# Decoded at a time: what this many bytes hold stays in a processor's cache, and bounds the memory.
BLOCK = 2**13
# Bits of which all codes are looked up at once, at least `LIMIT`, where there are so many bytes of data: for fewer, the
# tables would take longer than they save.
WINDOW = 16
LONG = 2**18
DOUBLINGS = 3


def code_lengths(counts: np.ndarray) -> np.ndarray:
    """The lengths of an optimal code among those of at most 15 bits, by package-merge (Larmore and Hirschberg 1990).

    Args:
        counts: int [K], K <= 256: how often each symbol occurs.

    Returns: uint8 [K]; 0 for symbols that do not occur.
    """
    lengths = np.zeros(len(counts), np.uint8)
    used = np.flatnonzero(counts).tolist()
    coins: list[tuple[int, tuple[int, ...]]] = sorted((int(counts[symbol]), (symbol,)) for symbol in used)
    if len(coins) == 1:
        lengths[coins[0][1]] = 1
        return lengths
    row = coins
    for _ in range(LIMIT - 1):
        packages = [(a + b, x + y) for (a, x), (b, y) in zip(row[::2], row[1::2], strict=False)]
        row = sorted(coins + packages, key=lambda item: item[0])
    for _, symbols in row[: max(0, 2 * len(coins) - 2)]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths


def canonical(lengths: np.ndarray) -> np.ndarray:
    """The code of each symbol, int64 [K]; symbols of length 0 have none.

    Raises:
        Failure: the lengths are not those of a complete prefix code.
    """
    codes = np.zeros(len(lengths), np.int64)
    used = np.flatnonzero(lengths)
    if lengths.max(initial=0) > LIMIT:
        raise Failure(f"its Huffman code has more than {LIMIT} bits")
    ordered = used[np.argsort(lengths[used], kind="stable")]
    # Counted in units of the longest code possible, each code begins where the one before it ends.
    spans = 1 << (LIMIT - lengths[ordered].astype(np.int64))
    if (len(used) > 1 and spans.sum() != 1 << LIMIT) or (len(used) == 1 and lengths[used[0]] != 1):
        raise Failure("its Huffman code is not a complete prefix code")
    codes[ordered] = (np.cumsum(spans) - spans) >> (LIMIT - lengths[ordered])
    return codes


def encode(symbols: np.ndarray, lengths: np.ndarray) -> bytes:
    """The symbols (uint8 [n]) one after the other, the first bit highest; padded with zero bits to a whole byte."""
    codes = canonical(lengths)[symbols]
    sizes = lengths[symbols].astype(np.int64)
    ends = np.cumsum(sizes)
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    for place in range(int(lengths.max(initial=0))):  # the last bit of every code, then the last but one
        has = sizes > place
        bits[ends[has] - 1 - place] = codes[has] >> place & 1
    return np.packbits(bits).tobytes()


def decode(data: bytes, lengths: np.ndarray, count: int) -> np.ndarray:
    """`count` symbols, uint8: the inverse of `encode`.

    At every bit of a block, the codes that lie whole within a window that begins there are looked up together; the
    windows that do begin where another one ends are found by `follow`. So time is for bits, not for symbols.

    Raises:
        Failure: the data is too short or too long for so many symbols, or not padded with zeros.
    """
    canonical(lengths)  # refuses what is no code
    if not count and not data:
        return np.zeros(0, np.uint8)
    if not 0 < count <= 8 * len(data) or not lengths.any():
        raise Failure("its Huffman data is too short or too long")
    width = WINDOW if len(data) > LONG else int(lengths.max(initial=0))
    symbols, counts, sizes = windows_of(lengths, width)
    content = np.frombuffer(data, np.uint8)
    shifts = 24 - width - np.arange(8)
    places = np.arange(8 * min(BLOCK, len(data)) + width)
    found = np.empty(count, np.uint8)
    missing, begin, end = count, 0, 0
    for first in range(0, len(data), BLOCK):
        part = content[first : first + BLOCK + 2]
        block = np.zeros(min(BLOCK, len(data) - first) + 2, np.int64)  # beyond the data come zeros
        block[: len(part)] = part
        words = block[:-2] << 16 | block[1:-1] << 8 | block[2:]
        windows = (words[:, None] >> shifts & (1 << width) - 1).ravel()
        size = len(windows)
        hop = places[: size + width].copy()  # beyond the block nothing goes on
        hop[:size] += sizes[windows]
        starts = follow(hop, begin, size)
        if not len(starts):
            begin -= size
            continue
        here = windows[starts]
        decoded = symbols[here][np.arange(symbols.shape[1]) < counts[here, None]]
        begin = int(hop[starts[-1]])
        if len(decoded) >= missing:  # of the last window only some are due
            surplus = np.cumsum(counts[here], dtype=np.int64) - missing
            last = int(np.argmax(surplus >= 0))
            due = int(counts[here[last]]) - int(surplus[last])
            begin = int(starts[last]) + int(lengths[symbols[here[last], :due]].sum())
            decoded = decoded[:missing]
        found[count - missing :][: len(decoded)] = decoded
        missing -= len(decoded)
        end = 8 * first + begin
        begin -= size
        if not missing:
            break
    if missing or -(-end // 8) != len(data) or (end % 8 and data[-1] << end % 8 & 0xFF):
        raise Failure("its Huffman data does not hold as many symbols as it says")
    return found


def windows_of(lengths: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tables of the symbols in each window of `width` bits, at least the longest code, from its first bit on.

    Returns: the symbols of the codes that lie whole within it, uint8 [2^width, at most width], how many there are,
    uint8 [2^width], and their bits, uint8 [2^width].
    """
    used = np.flatnonzero(lengths)
    ordered = used[np.argsort(lengths[used], kind="stable")]
    spans = 1 << (width - lengths[ordered].astype(np.int64))
    if len(used) == 1:
        spans *= 2  # either bit is its code
    symbol_at = np.repeat(ordered.astype(np.uint8), spans)
    length_at = np.repeat(lengths[ordered].astype(np.int64), spans)
    whole = np.arange(1 << width)
    symbols = np.zeros((1 << width, width // int(length_at.min())), np.uint8)
    counts, sizes = np.zeros(1 << width, np.uint8), np.zeros(1 << width, np.int64)
    for place in range(symbols.shape[1]):
        rest = whole << sizes & (1 << width) - 1
        # Behind the window zeros stand for bits that are not known; a code that ends within it has none of them.
        fits = (counts == place) & (sizes + length_at[rest] <= width)
        symbols[fits, place] = symbol_at[rest[fits]]
        sizes[fits] += length_at[rest[fits]]
        counts[fits] += 1
    return symbols, counts, sizes.astype(np.uint8)


def follow(hop: np.ndarray, begin: int, end: int) -> np.ndarray:
    """begin, hop[begin], hop[hop[begin]], ... as far as they are below `end`, from where on all hop to themselves."""
    hops = [hop]
    for _ in range(DOUBLINGS):
        hops.append(hops[-1][hops[-1]])
    far, path = hops[-1], []
    while begin < end:
        path.append(begin)
        begin = int(far[begin])
    places = np.array(path, np.int64)
    for hop in reversed(hops[:-1]):
        places = np.stack([places, hop[places]], axis=1).ravel()
    return places[places < end]
