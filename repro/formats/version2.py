"""The second version of `.sqz`: integers by an adaptive model, for networks rounded to a grid or to codebooks.

    magic and version   4 bytes, "SQZ" and 2
    header's length     uint32, little-endian as all numbers
    header              deflated MessagePack (see `Header`)
    checksum            CRC-32 of all the above
    stream, bits        of all tensors together, as `repro.formats.rans` has them
    numbers             float16 or float32 of those tensors that are neither
    checksum            CRC-32 of stream, bits and numbers

`docs/format.md` is the specification. Sizes are checked before memory is taken, and what is decoded has to agree with a
digest; names follow from the network.
"""

import math
import zlib
from collections import Counter
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from repro import models
from repro.errors import BadInput, Failure
from repro.formats import container
from repro.formats.adaptive import ALPHABET, Model
from repro.formats.container import number, numbers, shapes_of
from repro.formats.rans import LANES, BitReader, BitWriter, Decoder, Encoder
from repro.formats.shared import CompressedNetwork, Grid, Inputs, Shared, Tensor, dense, shape_of

MAGIC = b"SQZ\x02"
# Of a network whose file is small: so many numbers, so many steps of the coder, and more for each byte. Decoding is
# over in 5 seconds, and takes 256 MB at most.
NUMBERS_FREE, NUMBERS_A_BYTE, NUMBERS_LIMIT = 2**21, 8, 2**23
STEPS_FREE, BYTES_A_STEP, STEPS_LIMIT = 2**15, 16, 2**16
EXPONENTS = 800  # 2**100
VALUES = 2**16  # of a codebook, on either side of zero

Kind = Literal["grid", "codebook", "half", "float"]


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One tensor in the header.

    kind: grid = a Grid; codebook = weights of a codebook; half, float = float16 or float32 in the file's last part.
    tokens: of weights that may occur; 0 where there are none.
    base: grid: what exponents are counted from.
    negative, positive: codebook: its values.
    """

    shape: tuple[int, ...]
    kind: Kind
    tokens: int = 0
    base: int = 0
    negative: int = 0
    positive: int = 0


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The header of the file. lengths: of stream, bits and numbers, in bytes."""

    network: str
    options: dict[str, Any]
    inputs: Inputs
    tensors: tuple[Entry, ...]
    lengths: tuple[int, int, int]
    digest: bytes


class Parts(NamedTuple):
    """A file's parts while they are written; `information` is what each tensor takes, in bits by kind."""

    coder: Encoder
    model: Model
    bits: BitWriter
    numbers: list[bytes]
    information: list[Counter[str]]


# --- writing ----------------------------------------------------------------------------------------------------------


def encode(network: CompressedNetwork) -> bytes:
    """The whole file.

    Raises:
        BadInput: the tensors are not the network's, or a part of it is a product of factors.
        Failure: the network is larger than what is read again.
    """
    return assemble(network, *parts_of(network))


def parts_of(network: CompressedNetwork) -> tuple[list[Entry], Parts]:
    """The tensors' entries, and everything coded. Raises as `encode`."""
    shapes = shapes_of(network.network, network.options)
    container.check_tensors(network, shapes)
    check_size(shapes, NUMBERS_LIMIT, f"{network.network}, compressed,")
    parts = Parts(Encoder(), Model(), BitWriter(), [], [])
    entries = []
    for name in shapes:
        before, held = Counter(parts.coder.information), sum(map(len, parts.bits.parts))
        entry = write(network.tensors[name], parts)
        spent = Counter({k: v - before[k] for k, v in parts.coder.information.items()})
        spent["codes" if entry.tokens else "biases"] += sum(map(len, parts.bits.parts)) - held
        if entry.kind in ("half", "float"):
            spent["values"] += 8 * len(parts.numbers[-1])
        parts.information.append(spent)
        entries.append(entry)
    return entries, parts


def assemble(network: CompressedNetwork, entries: list[Entry], parts: Parts) -> bytes:
    """The file of what was coded. Raises Failure as `encode`."""
    body = (parts.coder.finish(), parts.bits.finish(), b"".join(parts.numbers))
    header = Header(
        network=network.network,
        options=dict(models.canonical(network.network, network.options)),
        inputs=network.inputs,
        tensors=tuple(entries),
        lengths=(len(body[0]), len(body[1]), len(body[2])),
        digest=container.digest(network.arrays()),
    )
    packed = zlib.compress(msgspec.msgpack.encode(header), 9)
    front = MAGIC + number(len(packed)) + packed
    whole = b"".join(body)
    data = front + number(zlib.crc32(front)) + whole + number(zlib.crc32(whole))
    check_size({str(index): entry.shape for index, entry in enumerate(entries)}, len(data), network.network)
    return data


def write(tensor: Tensor, parts: Parts) -> Entry:
    """Code one tensor. Raises BadInput where it is none of the kinds."""
    coder, model, bits = parts.coder, parts.model, parts.bits
    shape = shape_of(tensor)
    if isinstance(tensor, Grid):
        base = int(np.median(tensor.exponents))
        if len(shape) == 1:
            model.write_numbers(coder, bits, "biases", folded(tensor.codes.astype(np.int64)))
            return Entry(shape, "grid", base=base)
        model.write_numbers(coder, bits, "tables", folded(tensor.exponents - base))
        return Entry(shape, "grid", model.write_codes(coder, bits, tensor.codes), base)
    if isinstance(tensor, Shared) and len(shape) > 1 and (codebook := Codebook.of(tensor)):
        for ranks in (codebook.negative, codebook.positive):
            model.write_numbers(coder, bits, "codebook", np.diff(ranks, prepend=0))
        tokens = model.write_codes(coder, bits, codebook.codes)
        return Entry(shape, "codebook", tokens, 0, len(codebook.negative), len(codebook.positive))
    if not isinstance(tensor, np.ndarray | Shared):
        raise BadInput("the context coder takes no products of factors; give --coder huffman")
    stored, half = numbers(dense(tensor).ravel())
    parts.numbers.append(stored)
    return Entry(shape, "half" if half else "float")


class Codebook(NamedTuple):
    """Weights as ranks: code k is the k-th positive value, -k the negative one of k-th magnitude.

    negative, positive: magnitudes as the whole numbers that float32's bits are, ascending.
    """

    codes: np.ndarray
    negative: np.ndarray
    positive: np.ndarray

    @classmethod
    def of(cls, tensor: Shared) -> "Codebook | None":
        """None where a value is infinite, no number, or a zero with a sign."""
        used = np.unique(tensor.codes)
        values = tensor.codebook[used].astype(np.float32)
        if not np.isfinite(values).all() or (np.signbit(values) & (values == 0)).any():
            return None
        ranks = np.zeros(256, np.int32)
        sides = []
        for sign in (-1, 1):
            bits = np.abs(values[values * sign > 0]).view(np.uint32).astype(np.int64)
            found = np.unique(bits)
            ranks[used[values * sign > 0]] = sign * (np.searchsorted(found, bits) + 1)
            sides.append(found)
        return cls(ranks[tensor.codes], *sides)


def folded(values: np.ndarray) -> np.ndarray:
    """Integers as whole numbers: 0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return np.where(values < 0, -2 * values - 1, 2 * values)


def unfolded(values: np.ndarray) -> np.ndarray:
    """The inverse of `folded`."""
    return np.where(values & 1, -(values + 1) // 2, values // 2)


def check_size(shapes: dict[str, tuple[int, ...]], size: int, where: str) -> None:
    """Raises Failure where a network of these shapes is too large, or too large for a file of so many bytes."""
    found = sum(math.prod(shape) for shape in shapes.values())
    steps = sum(math.prod(shape[1:]) * -(-shape[0] // LANES) for shape in shapes.values())
    most = min(NUMBERS_LIMIT, NUMBERS_FREE + NUMBERS_A_BYTE * size)
    if found > most or steps > min(STEPS_LIMIT, STEPS_FREE + size // BYTES_A_STEP):
        raise Failure(
            f"{where} has {found:,} numbers, more than the context coder takes in {size:,} bytes: use --coder huffman"
        )


# --- reading ----------------------------------------------------------------------------------------------------------


def decode(data: bytes, where: str) -> CompressedNetwork:
    """The network in a file's bytes. Raises Failure where they are not what `encode` wrote."""
    header, (stream, low, stored) = unwrap(data, where)
    names = list(shapes_of(header.network, header.options))
    tensors: dict[str, Tensor] = {}
    name = names[0]
    try:
        coder, model, bits = Decoder(stream), Model(), BitReader(low)
        for name, entry in zip(names, header.tensors, strict=True):
            if entry.kind in ("half", "float"):
                size = math.prod(entry.shape) * (2 if entry.kind == "half" else 4)
                kind = "<f2" if entry.kind == "half" else "<f4"
                tensors[name] = np.frombuffer(stored[:size], kind).astype(np.float32).reshape(entry.shape)
                stored = stored[size:]
            else:
                tensors[name] = read(entry, coder, model, bits)
        coder.finish()
        bits.finish()
    except Failure as error:
        raise Failure(f"{where}: {name}: {error}") from error
    if container.digest(tensors) != header.digest:
        raise Failure(f"{where}: what it decodes to is not what was written")
    return CompressedNetwork(header.network, header.options, tensors, header.inputs)


def read(entry: Entry, coder: Decoder, model: Model, bits: BitReader) -> Tensor:
    """One tensor of a grid or codebook. Raises Failure where it is damaged."""
    if entry.kind == "codebook":
        sides = [
            np.cumsum(model.read_numbers(coder, bits, "codebook", count)) for count in (entry.negative, entry.positive)
        ]
        # Of infinity and what is no number the bits are larger.
        if any(len(side) and side[-1] >= 0x7F800000 for side in sides):
            raise Failure("its codebook is damaged")
        codes = model.read_codes(coder, bits, entry.shape, entry.tokens)
        negative, positive = (side.astype(np.uint32).view(np.float32) for side in sides)
        values = np.concatenate([np.zeros(1, np.float32), positive, -negative[::-1]])
        if codes.max(initial=0) > len(positive) or -codes.min(initial=0) > len(negative):
            raise Failure("its codes are beyond its codebook")
        # Negative codes count from the end.
        return Shared((codes % len(values)).astype(np.uint8), values) if len(values) <= 256 else values[codes]
    if len(entry.shape) == 1:
        exponents = np.array([entry.base], np.int64)
        codes = unfolded(model.read_numbers(coder, bits, "biases", entry.shape[0]))
    else:
        exponents = entry.base + unfolded(model.read_numbers(coder, bits, "tables", entry.shape[0]))
        codes = model.read_codes(coder, bits, entry.shape, entry.tokens)
    if np.abs(exponents).max() > EXPONENTS or np.abs(codes).max() >= 2**24:
        raise Failure("its steps or codes are too large")
    return Grid(codes.astype(np.int32), exponents)


def unwrap(data: bytes, where: str) -> tuple[Header, tuple[bytes, bytes, bytes]]:
    """Check all that can be checked without decoding; the header, and stream, bits and numbers. Raises Failure."""
    begin = 8 + int.from_bytes(data[4:8], "little") if len(data) >= 8 else len(data)
    if data[:4] != MAGIC or begin + 8 > len(data):
        raise Failure(f"{where} is cut off in its header, or no compressed network (.sqz)")
    if zlib.crc32(data[:begin]) != int.from_bytes(data[begin : begin + 4], "little"):
        raise Failure(f"{where} is damaged: its header's checksum differs")
    header = parse(data[8:begin], len(data), where)
    body = data[begin + 4 : -4]
    if min(header.lengths) < 0 or sum(header.lengths) != len(body):
        raise Failure(f"{where} is cut off: {len(body)} bytes, not the {sum(header.lengths)} due")
    if zlib.crc32(body) != int.from_bytes(data[-4:], "little"):
        raise Failure(f"{where} is damaged: its body's checksum differs")
    first, second, _ = header.lengths
    return header, (body[:first], body[first : first + second], body[first + second :])


def parse(packed: bytes, size: int, where: str) -> Header:
    """The header, with every declared size checked against the network and the file's size. Raises Failure."""
    header, shapes = container.inflated(packed, Header, where)
    if [one.shape for one in header.tensors] != list(shapes.values()):
        raise Failure(f"{where} is damaged: its tensors are not those of {header.network}")
    check_size(shapes, size, where)
    stored = sum(math.prod(one.shape) * {"half": 2, "float": 4}.get(one.kind, 0) for one in header.tensors)
    if stored != header.lengths[2] or not all(map(sensible, header.tensors)):
        raise container.nonsense(where)
    return header


def sensible(entry: Entry) -> bool:
    """Whether an entry can be one that `write` gives."""
    weights = entry.kind == "codebook" or (entry.kind == "grid" and len(entry.shape) > 1)
    return (
        (1 if weights else 0) <= entry.tokens <= (ALPHABET if weights else 0)
        and abs(entry.base) <= EXPONENTS
        and min(entry.negative, entry.positive) >= 0
        and max(entry.negative, entry.positive) <= (VALUES if entry.kind == "codebook" else 0)
        and (entry.kind != "codebook" or len(entry.shape) > 1)
    )
