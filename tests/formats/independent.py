"""A reader of version 2 of `.sqz`, written from docs/format.md; it shares no code with the project.

`python tests/formats/independent.py FILE.sqz` prints the shape and the CRC-32 of each tensor.
"""

import hashlib
import math
import struct
import sys
import zlib

import msgspec
import numpy as np

MANTISSAS = [8388608, 9147842, 9975792, 10878679, 11863283, 12937002, 14107901, 15384775]
LOGS = np.array([0] + [(n**16).bit_length() - 1 for n in range(1, 4096)])


def log(n):
    halvings = sum((np.array(n) >= 2**k).astype(int) for k in range(12, 40))
    return LOGS[n >> halvings] + 16 * halvings


def starts(counts):
    sums = np.concatenate([np.zeros((len(counts), 1), int), np.cumsum(counts, 1)], 1)
    kinds = counts.shape[1]
    return sums * (65536 - kinds) // sums[:, -1:] + np.arange(kinds + 1)


class Reader:
    def __init__(self, stream, bits):
        self.states = [int(x) for x in struct.unpack("<128I", stream[:512])]
        self.words = list(struct.unpack(f"<{(len(stream) - 512) // 2}H", stream[512:]))[::-1]
        self.bits, self.taken = "".join(f"{byte:08b}" for byte in bits), 0
        self.flags, self.sizes = np.full((64, 2), 16), np.full((16, 72), 2)
        self.counts = {}

    def symbols(self, lists):
        found = []
        for i, s in enumerate(lists.tolist()):
            x = self.states[i % 128]
            slot = x % 65536
            k = 0
            while s[k + 1] <= slot:
                k += 1
            x = (s[k + 1] - s[k]) * (x // 65536) + slot - s[k]
            self.states[i % 128] = x if x >= 65536 else x * 65536 + self.words.pop()
            found.append(k)
        return np.array(found)

    def low(self, token, more=0):
        """The least integer of a token, and the number that its low bits (and some more) are."""
        least, width = (token, 0) if token < 16 else ((2 + token % 2) << 3 + (token - 16) // 2, 3 + (token - 16) // 2)
        begin, self.taken = self.taken, self.taken + width + more
        assert self.taken <= len(self.bits)
        return least, int(self.bits[begin : self.taken] or "0", 2)

    def numbers(self, kind, n):
        counts = self.counts.setdefault(kind, np.full((1, 72), 2))
        tokens = []
        for first in range(0, n, 128):
            part = self.symbols(np.repeat(starts(counts), min(128, n - first), 0))
            np.add.at(counts[0], part, 32)
            tokens += part.tolist()
        return np.array([sum(self.low(token)) for token in tokens], dtype=np.int64)

    def codes(self, shape, kinds):
        rows, columns = shape[0], math.prod(shape[1:])
        area = math.prod(shape[2:]) if math.prod(shape[2:]) <= 9 else 1
        r = np.arange(rows)
        token = np.full((rows, columns), -1)
        row1, row_t, col1, col_t, col_n = (np.zeros(n, int) for n in (rows, rows, columns, columns, columns))
        all1, all_t, all_n = 1, 2, 4
        for t in range(columns):
            j, p = (r * (columns // area) // rows * area + t) % columns, t % area
            if p == 0:
                ker1, ker_t = np.zeros(rows, int), np.zeros(rows, int)
            d = min(max(128 * all1 // all_n, 1), 127)
            whole = log(all1) - log(all_n - all1)
            expected = -whole
            for ones, seen in ((row1, t), (col1[j], col_n[j]), *([(ker1, p)] if p else [])):
                expected = expected + log(16 * ones + d) - log(16 * (seen - ones) + 128 - d)
            bins = np.clip((expected - (whole if p else 0) + 3) // 6 + 32, 0, 63)
            flag = self.symbols(starts(self.flags)[bins])
            np.add.at(self.flags, (bins, flag), 32)
            k = np.flatnonzero(flag)
            if len(k):
                mean = max(16 * all_t // all1, 1)
                expected = -log(mean) * (2 if p else 1)
                for sizes, ones in ((row_t, row1), (col_t[j], col1[j]), *([(ker_t, ker1)] if p else [])):
                    expected = expected + log(16 * sizes[k] + 8 * mean) - log(ones[k] + 8)
                bins = np.clip((expected - 44) // 8, 0, 15)
                found = self.symbols(starts(self.sizes[:, :kinds])[bins])
                np.add.at(self.sizes, (bins, found), 32)
                token[k, j[k]] = found
                for sums, add in ((row1, 1), (row_t, found), (ker1, 1), (ker_t, found)):
                    sums[k] += add
                np.add.at(col1, j[k], 1)
                np.add.at(col_t, j[k], found)
                all1, all_t = all1 + len(k), all_t + int(found.sum())
            np.add.at(col_n, j, 1)
            all_n += rows
        codes = np.zeros(rows * columns, np.int64)
        for place in np.flatnonzero(token.ravel() >= 0).tolist():
            least, rest = self.low(int(token.flat[place]), 1)
            codes[place] = (least + rest // 2 + 1) * (-1 if rest % 2 else 1)
        for counts in (self.flags, self.sizes):
            while (large := counts.sum(1) > 1024).any():
                counts[large] = (counts[large] + 1) // 2
        return codes.reshape(shape)


def unfold(u):
    return np.where(u % 2 == 1, -(u + 1) // 2, u // 2)


def read(data):
    """The header's network and options, and all tensors in order, float32."""
    begin = 12 + struct.unpack("<I", data[4:8])[0]
    assert data[:4] == b"SQZ\x02"
    assert zlib.crc32(data[: begin - 4]) == struct.unpack("<I", data[begin - 4 : begin])[0]
    assert zlib.crc32(data[begin:-4]) == struct.unpack("<I", data[-4:])[0]
    network, options, _, entries, (a, b, c), digest = msgspec.msgpack.decode(zlib.decompress(data[8 : begin - 4]))
    assert begin + a + b + c + 4 == len(data)
    reader, rest = Reader(data[begin : begin + a], data[begin + a : begin + a + b]), data[begin + a + b : -4]
    tensors = []
    for shape, kind, tokens, base, negative, positive in ([*entry, 0, 0, 0, 0][:6] for entry in entries):
        if kind in ("half", "float"):
            size = math.prod(shape) * (2 if kind == "half" else 4)
            tensor, rest = np.frombuffer(rest[:size], "<f2" if kind == "half" else "<f4").reshape(shape), rest[size:]
        elif kind == "codebook":
            below, above = (np.cumsum(reader.numbers("codebook", n)) for n in (negative, positive))
            values = np.concatenate([below[::-1], [0], above]).astype("<u4").view("<f4") * np.float32(1)
            values[:negative] *= -1
            tensor = values[reader.codes(shape, tokens) + negative]
        else:
            exponents = base + (unfold(reader.numbers("tables", shape[0])) if len(shape) > 1 else np.zeros(1, int))
            codes = reader.codes(shape, tokens) if len(shape) > 1 else unfold(reader.numbers("biases", shape[0]))
            steps = np.array([MANTISSAS[e % 8] * 2.0 ** (e // 8 - 23) for e in exponents.tolist()])
            tensor = codes * steps.reshape(-1, *[1] * (len(shape) - 1))
        tensors.append(tensor.astype("<f4"))
    assert not reader.words and set(reader.states) == {65536}  # noqa: PT018
    assert hashlib.blake2b(b"".join(t.tobytes() for t in tensors), digest_size=8).digest() == digest
    return network, options, tensors


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        for one in read(file.read())[2]:
            print(one.shape, f"{zlib.crc32(one.tobytes()):08x}")
