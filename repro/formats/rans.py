"""Code integers as bytes: interleaved rANS for what a model predicts, plain bits for the rest.

rANS (Duda 2013; as a range coder, Giesen 2014) with whole numbers only, so that every machine decodes the same. The
symbols of a step are shared out to `LANES` states, which arrays take forward together. `docs/format.md` specifies it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from repro.errors import Failure

LANES = 128
SCALE = 16  # bits of a share, and of a word of the stream
ONE = 1 << SCALE  # the sum of shares, and the least value of a state between two symbols
MASK = ONE - 1

DIRECT = 16  # integers below it are a token by themselves
TOKENS = 72  # of integers below 2**32


class Coder(Protocol):
    """Either direction."""

    def symbols(self, kind: str, known: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The symbols of a step, int64 [n].

        Args:
            kind: what they are, for accounts.
            known: the symbols, int64 [n]; a decoder does not look at them.
            starts: where the share of each symbol begins, int64 [n, K + 1]; the first is 0, the last `ONE`.
        """
        ...


@dataclass
class Encoder:
    """Keeps the shares of what is coded, because rANS takes the last symbol first.

    information: bits by kind.
    """

    information: Counter[str] = field(default_factory=Counter)
    shares: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def symbols(self, kind: str, known: np.ndarray, starts: np.ndarray) -> np.ndarray:
        index = np.arange(len(known))
        start = starts[index, known]
        share = starts[index, known + 1] - start
        self.information[kind] += float((SCALE - np.log2(share)).sum())  # pyright: ignore[reportArgumentType]
        self.shares.append((start, share))
        return known

    def finish(self) -> bytes:
        """The states that a decoder begins with, and the words that it reads."""
        states, words = np.full(LANES, ONE, np.int64), []
        for start, share in reversed(self.shares):
            for first in reversed(range(0, len(start), LANES)):
                begin, width = start[first : first + LANES], share[first : first + LANES]
                state = states[: len(width)]
                full = state >= width << SCALE
                words.append((state[full] & MASK)[::-1])
                state[full] >>= SCALE
                state[:] = (state // width << SCALE) + state % width + begin
        joined = np.concatenate(words)[::-1] if words else np.zeros(0, np.int64)
        return states.astype("<u4").tobytes() + joined.astype("<u2").tobytes()


class Decoder:
    """The inverse of Encoder. Raises Failure where the stream is too short to be one."""

    def __init__(self, data: bytes):
        if len(data) < 4 * LANES or len(data) % 2:
            raise Failure("its stream is cut off")
        self.states = np.frombuffer(data, "<u4", LANES).astype(np.int64)
        self.words = np.frombuffer(data, "<u2", offset=4 * LANES)
        self.taken = 0
        if self.states.min() < ONE:
            raise Failure("its stream is damaged")

    def symbols(self, kind: str, known: np.ndarray, starts: np.ndarray) -> np.ndarray:
        found = np.empty(len(starts), np.int64)
        for first in range(0, len(starts), LANES):
            part = starts[first : first + LANES]
            state = self.states[: len(part)]
            slot = state & MASK
            symbol = (part[:, 1:-1] <= slot[:, None]).sum(1)
            index = np.arange(len(part))
            begin = part[index, symbol]
            state[:] = (part[index, symbol + 1] - begin) * (state >> SCALE) + slot - begin
            low = np.flatnonzero(state < ONE)
            if len(low):
                words = self.words[self.taken : self.taken + len(low)]
                if len(words) < len(low):
                    raise Failure("its stream is cut off")
                state[low] = state[low] << SCALE | words
                self.taken += len(low)
            found[first : first + LANES] = symbol
        return found

    def finish(self) -> None:
        """Raises Failure where the stream does not end here."""
        if self.taken != len(self.words) or (self.states != ONE).any():
            raise Failure("its stream does not end where it says")


# --- integers as a token and low bits ---------------------------------------------------------------------------------


def tokens_of(values: np.ndarray) -> np.ndarray:
    """Tokens, int64, of integers from 0 to 2**32 - 1: themselves, then two for each power of two."""
    octave = np.frexp(np.maximum(values, 1).astype(float))[1].astype(np.int64) - 1
    half = values >> np.maximum(octave - 1, 0) & 1
    return np.where(values < DIRECT, values, DIRECT + 2 * (octave - 4) + half).astype(np.int64)


def least_of(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least integer of each token, and how many low bits are to be added to it."""
    beyond = np.maximum(tokens - DIRECT, 0)
    bits = np.where(tokens < DIRECT, 0, 3 + (beyond >> 1))
    return np.where(tokens < DIRECT, tokens, (2 + (beyond & 1)) << bits), bits


class BitWriter:
    """Numbers of so many bits each, one after the other, the highest bit first."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []

    def put(self, numbers: np.ndarray, widths: np.ndarray) -> None:
        found = np.zeros(int(widths.sum()), np.uint8)
        for at, of, shift in bits_of(widths):
            found[at] = numbers[of] >> shift & 1
        self.parts.append(found)

    def finish(self) -> bytes:
        """Padded with zero bits to a whole byte."""
        return np.packbits(np.concatenate(self.parts)).tobytes() if self.parts else b""


class BitReader:
    """The inverse of BitWriter."""

    def __init__(self, data: bytes):
        self.data = np.frombuffer(data, np.uint8)
        self.taken = 0

    def get(self, widths: np.ndarray) -> np.ndarray:
        """The next numbers, int64. Raises Failure where the bits end."""
        begin, self.taken = self.taken, self.taken + int(widths.sum())
        if self.taken > 8 * len(self.data):
            raise Failure("its bits are cut off")
        bits = np.unpackbits(self.data[begin // 8 : -(-self.taken // 8)])[begin % 8 :]
        numbers = np.zeros(len(widths), np.int64)
        for at, of, shift in bits_of(widths):
            numbers[of] |= bits[at].astype(np.int64) << shift
        return numbers

    def finish(self) -> None:
        """Raises Failure where the bits do not end here."""
        if -(-self.taken // 8) != len(self.data) or (self.taken % 8 and self.data[-1] << self.taken % 8 & 0xFF):
            raise Failure("its bits do not end where they say")


def bits_of(widths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """For each value that a bit can have in its number: where such bits stand, which numbers have one, its exponent."""
    ends = np.cumsum(widths)
    for shift in range(int(widths.max(initial=0))):
        of = np.flatnonzero(widths > shift)
        yield ends[of] - 1 - shift, of, shift
