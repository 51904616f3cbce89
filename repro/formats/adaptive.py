"""The adaptive model of the second version of `.sqz`: probabilities for a layer's integer codes.

A step takes one column of each row of the layer, another one in each. Whether a weight is zero is expected by how many
were in its row, its column and its kernel; how large it is, by how large those were. Expectations fall into bins, and
each bin counts what came true. The counts cost nothing, since the reader sees the same ones.

Of the released SqueezeNet rounded to 314,000 bytes this takes 1.7 % off the entropy of each layer's codes with a table,
1.5 % off static tables for classes of density. Mixing six expectations of a zero took off .3 % more.

All is whole numbers, so that every machine decodes the same. `docs/format.md` specifies it. One model serves both
directions: a Coder either knows the symbols of a step or reads them.
"""

from functools import cache

import numpy as np

from repro.formats.rans import LANES, ONE, TOKENS, BitReader, BitWriter, Coder, least_of, tokens_of

ALPHABET = 40  # tokens of a weight: magnitudes below 2**16
COUNT = 32  # what an occurrence adds
CARRIED = 1024  # the largest sum of a bin's counts that goes over to the next layer
ODDS_BINS = 64
SIZE_BINS = 16
KERNEL = 9  # the largest area of a kernel whose places are told apart
FINE = 16  # parts of a count, and of an octave
PRIOR = 8  # of a row, column or kernel: so many weights as the layer has them
TABLE = 4096
PART = 2**18  # weights whose low bits are read at a time, which bounds the memory


class Model:
    """Counts of the symbols so far, over all layers of a file.

    flags: zero or not, by expected odds. sizes: tokens by expected size. numbers: tokens of what is no weight, by kind.
    """

    def __init__(self) -> None:
        self.flags = np.full((ODDS_BINS, 2), COUNT // 2, np.int64)
        self.sizes = np.full((SIZE_BINS, TOKENS), 2, np.int64)
        self.numbers: dict[str, np.ndarray] = {}

    def write_numbers(self, coder: Coder, bits: BitWriter, kind: str, values: np.ndarray) -> None:
        """Integers that are no weights, from 0 to 2**32 - 1."""
        tokens = tokens_of(values)
        self._numbers(coder, kind, tokens)
        least, widths = least_of(tokens)
        bits.put(values - least, widths)

    def read_numbers(self, coder: Coder, bits: BitReader, kind: str, count: int) -> np.ndarray:
        """The inverse of `write_numbers`, int64 [count]."""
        tokens = np.zeros(count, np.int64)
        self._numbers(coder, kind, tokens)
        least, widths = least_of(tokens)
        return least + bits.get(widths)

    def _numbers(self, coder: Coder, kind: str, tokens: np.ndarray) -> None:
        counts = self.numbers.setdefault(kind, np.full(TOKENS, 2, np.int64))
        for first in range(0, len(tokens), LANES):
            part = tokens[first : first + LANES]
            part[:] = coder.symbols(kind, part, np.broadcast_to(starts_of(counts), (len(part), TOKENS + 1)))
            counts += COUNT * np.bincount(part, minlength=TOKENS)

    def write_codes(self, coder: Coder, bits: BitWriter, codes: np.ndarray) -> int:
        """A layer's codes, [rows, inputs, ...] with magnitudes up to 2**16; how many tokens a reader must allow for."""
        flat = codes.ravel()
        sizes = np.abs(flat).astype(np.int64) - 1
        tokens = np.where(flat == 0, 0, tokens_of(np.maximum(sizes, 0)) + 1).astype(np.uint8)
        alphabet = max(1, int(tokens.max(initial=0)))
        self.walk(coder, tokens.reshape(len(codes), -1), area_of(codes.shape), alphabet)
        kept = np.flatnonzero(tokens)
        least, widths = least_of(tokens[kept].astype(np.int64) - 1)
        bits.put((sizes[kept] - least) << 1 | (flat[kept] < 0), widths + 1)
        return alphabet

    def read_codes(self, coder: Coder, bits: BitReader, shape: tuple[int, ...], alphabet: int) -> np.ndarray:
        """The inverse of `write_codes`, int32 in the shape."""
        codes = np.zeros(shape, np.int32)
        tokens = np.zeros((shape[0], codes[0].size), np.uint8)
        self.walk(coder, tokens, area_of(shape), alphabet)
        for first in range(0, codes.size, PART):
            token, part = tokens.reshape(-1)[first : first + PART], codes.reshape(-1)[first : first + PART]
            kept = np.flatnonzero(token)
            least, widths = least_of(token[kept].astype(np.int64) - 1)
            rest = bits.get(widths + 1)
            size = least + (rest >> 1) + 1
            part[kept] = np.where(rest & 1, -size, size)
        return codes

    def walk(self, coder: Coder, tokens: np.ndarray, area: int, alphabet: int) -> None:
        """A layer's tokens, uint8 [rows, columns], known or to be filled in: 0 = a zero weight, else its size's token
        and one.

        So that rows and columns become known equally fast, row r begins at channel r x channels / rows.
        """
        rows, columns = tokens.shape
        row = np.arange(rows)
        begin = row * (columns // area) // rows * area
        seen = Seen(rows, columns)
        for step in range(columns):
            column, place = (begin + step) % columns, step % area
            seen.enter(step, place, column)
            part = tokens[row, column].astype(np.int64)
            bins = seen.odds_bins()
            flags = coder.symbols("index", (part > 0).astype(np.int64), starts_of(self.flags)[bins])
            self.flags += COUNT * np.bincount(2 * bins + flags, minlength=2 * ODDS_BINS).reshape(ODDS_BINS, 2)
            kept = np.flatnonzero(flags)
            if len(kept):
                bins = seen.size_bins(kept)
                token = coder.symbols("codes", part[kept] - 1, starts_of(self.sizes[:, :alphabet])[bins])
                self.sizes += COUNT * np.bincount(TOKENS * bins + token, minlength=self.sizes.size).reshape(-1, TOKENS)
                tokens[kept, column[kept]] = token + 1
                seen.add(kept, token)
            seen.leave()
        for counts in (self.flags, self.sizes):  # the next layer weighs more than all before it
            while (large := counts.sum(1) > CARRIED).any():
                counts[large] = (counts[large] + 1) >> 1


class Seen:
    """Sums over the weights of one layer that are known: of each row, column, current kernel, and of all.

    ones: weights that are not zero. sizes: of their tokens.
    """

    def __init__(self, rows: int, columns: int):
        self.ones, self.sizes = np.zeros((2, rows), np.int64)
        self.column_ones, self.column_sizes, self.column_seen = np.zeros((3, columns), np.int64)
        self.kernel_ones, self.kernel_sizes = np.zeros((2, rows), np.int64)
        self.all_ones, self.all_sizes, self.all_seen = 1, 2, 4

    def enter(self, step: int, place: int, column: np.ndarray) -> None:
        """Begin a step: the place in the kernel, and the column of each row."""
        self.step, self.place, self.column = step, place, column
        if place == 0:
            self.kernel_ones[:], self.kernel_sizes[:] = 0, 0

    def odds_bins(self) -> np.ndarray:
        """The bin of each row's next weight: rows', columns' and kernels' odds, each against the layer's."""
        likely = min(max(FINE * PRIOR * self.all_ones // self.all_seen, 1), FINE * PRIOR - 1)

        def odds(ones: np.ndarray, seen: np.ndarray | int) -> np.ndarray:
            return log(FINE * ones + likely) - log(FINE * (seen - ones) + FINE * PRIOR - likely)

        whole = int(log(np.array(self.all_ones)) - log(np.array(self.all_seen - self.all_ones)))
        expected = odds(self.ones, self.step) - whole
        expected += odds(self.column_ones[self.column], self.column_seen[self.column])
        if self.place:
            expected += odds(self.kernel_ones, self.place) - whole
        return np.clip((expected + 3) // 6 + ODDS_BINS // 2, 0, ODDS_BINS - 1)

    def size_bins(self, kept: np.ndarray) -> np.ndarray:
        """The bin of each weight that is not zero: rows', columns' and kernels' mean tokens against the layer's."""
        mean = max(FINE * self.all_sizes // self.all_ones, 1)
        whole = int(log(np.array(mean)))

        def size(sizes: np.ndarray, ones: np.ndarray) -> np.ndarray:
            return log(FINE * sizes + PRIOR * mean) - log(ones + PRIOR)

        at = self.column[kept]
        expected = size(self.sizes[kept], self.ones[kept]) + size(self.column_sizes[at], self.column_ones[at]) - whole
        if self.place:
            expected += size(self.kernel_sizes[kept], self.kernel_ones[kept]) - whole
        return np.clip((expected - 4 * FINE + 20) // 8, 0, SIZE_BINS - 1)  # tokens are in sixteenths: four octaves

    def add(self, kept: np.ndarray, token: np.ndarray) -> None:
        """The weights of this step that are not zero."""
        at, columns = self.column[kept], len(self.column_seen)
        for ones, sizes in ((self.ones, self.sizes), (self.kernel_ones, self.kernel_sizes)):
            ones[kept] += 1
            sizes[kept] += token
        self.column_ones += np.bincount(at, minlength=columns)
        self.column_sizes += np.bincount(at, token, columns).astype(np.int64)
        self.all_ones += len(kept)
        self.all_sizes += int(token.sum())

    def leave(self) -> None:
        """End the step."""
        self.column_seen += np.bincount(self.column, minlength=len(self.column_seen))
        self.all_seen += len(self.column)


def area_of(shape: tuple[int, ...]) -> int:
    """The area of a kernel; 1 where its places are not told apart."""
    area = int(np.prod(shape[2:]))
    return area if area <= KERNEL else 1


@cache
def logarithms() -> np.ndarray:
    """floor(16 log2 n) for n from 1 to 4095, by whole numbers."""
    return np.array([0, *((n**FINE).bit_length() - 1 for n in range(1, TABLE))], np.int64)


def log(numbers: np.ndarray) -> np.ndarray:
    """16 log2 of positive integers, rounded down; of those beyond 4095, of their 12 highest bits."""
    shift = np.maximum(np.frexp(numbers.astype(float))[1] - 12, 0)
    return logarithms()[numbers >> shift] + FINE * shift


def starts_of(counts: np.ndarray) -> np.ndarray:
    """Cumulative frequencies [..., K + 1] for symbols with these counts [..., K], each share at least 1."""
    kinds = counts.shape[-1]
    sums = np.zeros((*counts.shape[:-1], kinds + 1), np.int64)
    np.cumsum(counts, axis=-1, out=sums[..., 1:])
    return sums * (ONE - kinds) // sums[..., -1:] + np.arange(kinds + 1)
