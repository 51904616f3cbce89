"""The file: a compressed network in one checked, self-describing container (`.sqz`).

    magic and version   4 bytes, "SQZ" and 1
    header's length     uint32, little-endian as all numbers
    header              deflated MessagePack: network, options, what images it takes, coder, every tensor's name, shape
                        and section lengths, and a digest of the decoded numbers
    checksum            CRC-32 of all the above
    sections            of each tensor in turn: values, code table, codes, index table, index
    checksum            CRC-32 of the sections

Nothing is decoded before both checksums and all declared sizes agree with each other, with the file's length and with
the network that the header names. Decoding is exact: the digest of what comes out is compared too.

A codebook is in the order of its entries' frequency, so that a Huffman table is a few counts. Values are float16 where
that loses nothing, float32 elsewhere.
"""

import hashlib
import math
import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from repro import models
from repro.errors import BadInput, Failure
from repro.formats import coding
from repro.formats.coding import Coded, Coder
from repro.formats.shared import CompressedNetwork, Factored, Inputs, Shared, Tensor, dense, shape_of
from repro.models.layers import BatchNorm

MAGIC = b"SQZ\x01"
HEADER_LIMIT = 2**20  # bytes of an inflated header
WEIGHTS_LIMIT = 2**28  # of a network; VGG-19 has 2**27.1
SECTIONS = ("values", "code table", "codes", "index table", "index")

# plain: all numbers as they are. sparse: those that are not zero as they are, behind a mask. shared: codes of a
# codebook, of the weights kept behind a mask, or (`full`) of all weights, zero being in the codebook. factored: two
# matrices whose product the weights are.
Kind = Literal["plain", "sparse", "factored", "shared", "full"]
Encoder = Callable[[str, Any, Coder], "tuple[Entry, tuple[bytes, ...]]"]


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One tensor in the header.

    half: its values are float16.
    values: of the codebook, or stored.
    kept: weights that have a code or a value of their own.
    entries: of the index: gaps and escapes, or flags.
    lengths: of its sections, in bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: Kind
    half: bool
    values: int
    kept: int
    entries: int
    lengths: tuple[int, int, int, int, int]


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the file says of itself."""

    network: str
    options: dict[str, Any]
    inputs: Inputs
    coder: Coder
    tensors: tuple[Entry, ...]
    digest: bytes


class Opened(NamedTuple):
    """A file whose checksums and sizes agree, not yet decoded."""

    header: Header
    sections: dict[str, tuple[bytes, ...]]
    overhead: dict[str, int]
    size: int


# --- writing ----------------------------------------------------------------------------------------------------------


def encode(network: CompressedNetwork, coder: Coder = "huffman") -> bytes:
    """The whole file.

    Raises:
        BadInput: the tensors are not the network's.
        Failure: the coder's library is not installed.
    """
    shapes = shapes_of(network.network, network.options)
    found = {name: shape_of(tensor) for name, tensor in network.tensors.items()}
    wrong = [name for name in {*shapes, *found} if shapes.get(name) != found.get(name)]
    if wrong:
        raise BadInput(f"{', '.join(sorted(wrong)[:4])}: not the tensors of {network.network}")
    coded = {name: encode_tensor(name, network.tensors[name], coder) for name in shapes}
    header = Header(
        network=network.network,
        options=dict(models.canonical(network.network, network.options)),
        inputs=network.inputs,
        coder=coder,
        tensors=tuple(entry for entry, _ in coded.values()),
        digest=digest(network.tensors),
    )
    packed = zlib.compress(msgspec.msgpack.encode(header), 9)
    front = MAGIC + number(len(packed)) + packed
    body = b"".join(section for _, sections in coded.values() for section in sections)
    return front + number(zlib.crc32(front)) + body + number(zlib.crc32(body))


def encode_tensor(name: str, tensor: Tensor, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    """One tensor as the shortest of the kinds that it can have."""
    choices: list[Encoder]
    if isinstance(tensor, Shared):
        choices = [as_shared, as_full] if coder != "gaps" else [as_shared]  # the paper has gaps for every layer
    elif isinstance(tensor, Factored):
        choices = [as_factored]
    else:
        choices = [as_plain, as_sparse] if tensor.ndim > 1 else [as_plain]
    found = [choice(name, tensor, coder) for choice in choices]
    return min(found, key=lambda one: sum(map(len, one[1])))


def as_plain(name: str, tensor: np.ndarray, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    values, half = numbers(tensor.ravel())
    return entry(name, tensor.shape, "plain", half, tensor.size, tensor.size, 0, (values, b"", b"", b"", b""))


def as_sparse(name: str, tensor: np.ndarray, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    kept = tensor[tensor != 0]
    values, half = numbers(kept)
    index, entries = coding.encode_mask(tensor != 0, coder)
    return entry(name, tensor.shape, "sparse", half, len(kept), len(kept), entries, (values, b"", b"", *index))


def as_factored(name: str, tensor: Factored, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    joined = np.concatenate([tensor.left.ravel(), tensor.right.ravel()])
    values, half = numbers(joined)
    return entry(name, tensor.shape, "factored", half, joined.size, joined.size, 0, (values, b"", b"", b"", b""))


def as_shared(name: str, tensor: Shared, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    codes = tensor.codes[tensor.codes != 0]
    index, entries = coding.encode_mask(tensor.codes != 0, coder)
    (values, half), alphabet, coded = ranked(codes, tensor.codebook, coder)
    return entry(name, tensor.codes.shape, "shared", half, alphabet, len(codes), entries, (values, *coded, *index))


def as_full(name: str, tensor: Shared, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    (values, half), alphabet, coded = ranked(tensor.codes.ravel(), tensor.codebook, coder)
    sections = (values, *coded, b"", b"")
    return entry(name, tensor.codes.shape, "full", half, alphabet, tensor.codes.size, 0, sections)


def ranked(codes: np.ndarray, codebook: np.ndarray, coder: Coder) -> tuple[tuple[bytes, bool], int, Coded]:
    """The codebook's entries in use, by frequency, and the codes coded as their ranks."""
    counts = np.bincount(codes, minlength=len(codebook))
    order = np.lexsort((codebook, -counts))[: np.count_nonzero(counts)]
    ranks = np.zeros(len(codebook), np.uint8)
    ranks[order] = np.arange(len(order))
    coded = coding.encode_symbols(ranks[codes], len(order), coder) if len(order) else Coded(b"", b"")
    return numbers(codebook[order]), len(order), coded


def entry(
    name: str, shape: tuple[int, ...], kind: Kind, half: bool, values: int, kept: int, entries: int,
    sections: tuple[bytes, ...],
) -> tuple[Entry, tuple[bytes, ...]]:  # fmt: skip
    a, b, c, d, e = map(len, sections)
    return Entry(name, shape, kind, half, values, kept, entries, (a, b, c, d, e)), sections


def numbers(values: np.ndarray) -> tuple[bytes, bool]:
    """Values as float16 where each is one, else as float32; and which."""
    half = np.clip(values, -65504, 65504).astype("<f2")
    exact = np.array_equal(half.astype(np.float32).view(np.uint32), values.astype(np.float32).view(np.uint32))
    return (half if exact else values.astype("<f4")).tobytes(), exact


def number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def digest(tensors: Mapping[str, Tensor]) -> bytes:
    """Eight bytes that depend on every bit of the numbers that the network computes with."""
    found = hashlib.blake2b(digest_size=8)
    for tensor in tensors.values():
        # Of a product the factors: its own last bits are the processor's.
        arrays = [tensor.left, tensor.right] if isinstance(tensor, Factored) else [dense(tensor)]
        for array in arrays:
            found.update(array.astype("<f4").tobytes())
    return found.digest()


def shapes_of(network: str, options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The network's tensors in the state dict's order. Batch norm's counter, which no evaluation uses, is left out."""
    shapes: dict[str, tuple[int, ...]] = {}
    for prefix, (_, layer) in models.architecture(network, options).named_parts().items():
        if isinstance(layer, BatchNorm):
            for kind in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{prefix}.{kind}"] = (layer.inputs,)
            continue
        shapes[f"{prefix}.weight"] = layer.shape
        shapes[f"{prefix}.bias"] = (layer.outputs,)
    return shapes


# --- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path) -> CompressedNetwork:
    """The network in a file.

    Raises:
        Failure: the file cannot be read, or is not what `write` writes: cut, altered, or made up.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from error
    return decode(data, str(path))


def decode(data: bytes, where: str) -> CompressedNetwork:
    """The network in a file's bytes. Raises Failure as `read`."""
    header, sections, _, _ = unwrap(data, where)
    tensors: dict[str, Tensor] = {}
    for one in header.tensors:
        try:
            tensors[one.name] = decode_tensor(one, sections[one.name], header.coder)
        except Failure as error:
            raise Failure(f"{where}: {one.name}: {error}") from error
    if digest(tensors) != header.digest:
        raise Failure(f"{where}: what it decodes to is not what was written")
    return CompressedNetwork(header.network, header.options, tensors, header.inputs)


def unwrap(data: bytes, where: str) -> Opened:
    """Check all that can be checked without decoding. Raises Failure as `read`."""
    if data[:3] != MAGIC[:3]:
        raise Failure(f"{where} is not a compressed network (.sqz)")
    if data[3:4] != MAGIC[3:4]:
        raise Failure(f"{where} has version {data[3] if len(data) > 3 else 'none'} of the format; this reads 1")
    begin = 8 + int.from_bytes(data[4:8], "little") if len(data) >= 8 else len(data)
    if begin + 8 > len(data):
        raise Failure(f"{where} is cut off in its header")
    if zlib.crc32(data[:begin]) != int.from_bytes(data[begin : begin + 4], "little"):
        raise Failure(f"{where} is damaged: its header's checksum differs")
    header = parse(data[8:begin], where)
    body = data[begin + 4 : -4]
    declared = sum(sum(one.lengths) for one in header.tensors)
    if declared != len(body):
        raise Failure(f"{where} is cut off: {len(body)} bytes of sections, not the {declared} due")
    if zlib.crc32(body) != int.from_bytes(data[-4:], "little"):
        raise Failure(f"{where} is damaged: its sections' checksum differs")
    sections, offset = {}, 0
    for one in header.tensors:
        ends = np.cumsum([offset, *one.lengths]).tolist()
        sections[one.name] = tuple(body[a:b] for a, b in pairwise(ends))
        offset = ends[-1]
    return Opened(header, sections, {"magic, length": 8, "header": begin - 8, "checksums": 8}, len(data))


def parse(packed: bytes, where: str) -> Header:
    """The header, with every declared size checked against the network. Raises Failure."""
    damaged = Failure(f"{where} is damaged: its header makes no sense")
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(packed, HEADER_LIMIT)
        if not inflate.eof or inflate.unused_data:
            raise damaged
        header = msgspec.msgpack.decode(plain, type=Header)
        shapes = shapes_of(header.network, header.options)
    except (zlib.error, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise damaged from error
    except BadInput as error:
        raise Failure(f"{where} holds a network that is not known here: {error}") from error
    if sum(map(math.prod, shapes.values())) > WEIGHTS_LIMIT:
        raise Failure(f"{where} declares more than {WEIGHTS_LIMIT:,} numbers")
    if {one.name: one.shape for one in header.tensors} != shapes or len(header.tensors) != len(shapes):
        raise Failure(f"{where} is damaged: its tensors are not those of {header.network}")
    for one in header.tensors:
        size = math.prod(one.shape)
        stored = one.lengths[0] == one.values * (2 if one.half else 4)
        counts = min(one.values, one.kept, one.entries, *one.lengths) >= 0 and one.kept <= size
        # An index has at most a gap for each weight kept and an escape for each 15 zeros.
        if not (stored and counts and one.entries <= size + 1 and one.values <= (256 if "code" in one.kind else size)):
            raise damaged
    return header


def decode_tensor(one: Entry, sections: tuple[bytes, ...], coder: Coder) -> Tensor:
    """One tensor from its sections. Raises Failure where they do not fit its entry."""
    stored, code_table, codes, index_table, index = sections
    values = np.frombuffer(stored, "<f2" if one.half else "<f4").astype(np.float32)
    if one.kind == "plain":
        if len(values) != math.prod(one.shape):
            raise Failure("it has another number of values than its shape")
        return values.reshape(one.shape)
    if one.kind == "factored":
        outputs = one.shape[0]
        inputs = math.prod(one.shape[1:])
        rank, rest = divmod(len(values), outputs + inputs)
        if rest:
            raise Failure("its factors do not fit its shape")
        left, right = np.split(values, [rank * outputs])
        return Factored(left.reshape(outputs, rank), right.reshape(rank, inputs), one.shape)
    if one.kind == "full":
        mask = np.ones(one.shape, bool)
    else:
        mask = coding.decode_mask(Coded(index_table, index), one.shape, one.entries, coder)
    if np.count_nonzero(mask) != one.kept:
        raise Failure("its index keeps another number of weights than it says")
    if one.kind == "sparse":
        if len(values) != one.kept:
            raise Failure("it has another number of values than it keeps")
        weights = np.zeros(one.shape, np.float32)
        weights[mask] = values
        return weights
    if len(values) > 256 or (one.kept and not len(values)):
        raise Failure("its codebook is too large, or empty")
    ranks = coding.decode_symbols(Coded(code_table, codes), len(values), one.kept, coder) if one.kept else values[:0]
    # In memory the first entry of a codebook is zero; in the file it stands where its frequency puts it, or not at all.
    zero = np.flatnonzero(values == 0)
    if len(zero) > 1 or len(values) - len(zero) > 255:
        raise Failure("its codebook has more values than codes can tell apart")
    new_code = np.zeros(len(values), np.uint8)
    new_code[values != 0] = np.arange(1, len(values) - len(zero) + 1)
    found = np.zeros(one.shape, np.uint8)
    found[mask] = new_code[ranks.astype(np.intp)]
    return Shared(found, np.concatenate([np.zeros(1, np.float32), values[values != 0]]))
