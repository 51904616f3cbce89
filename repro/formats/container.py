"""The `.sqz` file: a compressed network in one checked, self-describing container.

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
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import msgspec
import numpy as np

from repro import models
from repro.errors import BadInput, Failure
from repro.formats import coding
from repro.formats.coding import Coded, Coder
from repro.formats.shared import CompressedNetwork, Factored, Grid, Inputs, Shared, Tensor, dense, shape_of
from repro.models.layers import BatchNorm

MAGIC = b"SQZ\x01"
HEADER_LIMIT = 2**20  # bytes of an inflated header
# Numbers of a network, its largest tensor counted twice: in decoding, each takes a byte of memory. VGG-19 has 2**27.9.
NUMBERS_LIMIT = 2**28
# A small file can stand for many zeros, which take time and memory: so many numbers, and so many more for each byte.
NUMBERS_FREE = 2**25
NUMBERS_A_BYTE = 64
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
    """The header of the file."""

    network: str
    options: dict[str, Any]
    inputs: Inputs
    coder: Coder
    tensors: tuple[Entry, ...]
    digest: bytes


class Sparse(NamedTuple):
    """Weights that share nothing while they are decoded: those behind the mask, in order; the others are zero."""

    mask: np.ndarray
    values: np.ndarray

    def weights(self) -> np.ndarray:
        """float32, in the mask's shape."""
        found = np.zeros(self.mask.shape, np.float32)
        found[self.mask] = self.values
        return found


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
        Failure: the coder's library is not installed, or the network is larger than what is read again.
    """
    shapes = shapes_of(network.network, network.options)
    check_tensors(network, shapes)
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
    data = front + number(zlib.crc32(front)) + body + number(zlib.crc32(body))
    check_size(shapes, len(data), f"{network.network}, compressed,")
    return data


def check_tensors(network: CompressedNetwork, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises BadInput where the tensors are not those of these shapes."""
    found = {name: shape_of(tensor) for name, tensor in network.tensors.items()}
    wrong = [name for name in {*shapes, *found} if shapes.get(name) != found.get(name)]
    if wrong:
        raise BadInput(f"{', '.join(sorted(wrong)[:4])}: not the tensors of {network.network}")


def encode_tensor(name: str, tensor: Tensor, coder: Coder) -> tuple[Entry, tuple[bytes, ...]]:
    """One tensor as the shortest of the kinds that it can have."""
    choices: list[Encoder]
    if isinstance(tensor, Shared):
        choices = [as_shared, as_full] if coder != "gaps" else [as_shared]  # the paper has gaps for every layer
    elif isinstance(tensor, Factored):
        choices = [as_factored]
    else:
        tensor = dense(tensor)
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


def digest(tensors: Mapping[str, Tensor | Sparse]) -> bytes:
    """Eight bytes that depend on every bit of the numbers that the network computes with."""
    found = hashlib.blake2b(digest_size=8)
    for tensor in tensors.values():
        # Of a product the factors: its own last bits are the processor's.
        for part in (tensor.left, tensor.right) if isinstance(tensor, Factored) else (plain(tensor),):
            for piece in pieces(part):
                found.update(piece.astype("<f4").tobytes())
    return found.digest()


def plain(tensor: Any) -> Any:
    """Numbers on a grid as an array; everything else as it is."""
    return tensor.weights() if isinstance(tensor, Grid) else tensor


def pieces(tensor: np.ndarray | Shared | Sparse) -> Iterator[np.ndarray]:
    """The tensor's numbers in order, a piece at a time: all of them at once would take four bytes each."""
    whole = tensor.codes if isinstance(tensor, Shared) else tensor.mask if isinstance(tensor, Sparse) else tensor
    whole, taken = whole.reshape(-1), 0
    for first in range(0, len(whole), coding.STEP):
        part = whole[first : first + coding.STEP]
        if isinstance(tensor, Sparse):
            begin, taken = taken, taken + np.count_nonzero(part)
            part = Sparse(part, tensor.values[begin:taken]).weights()
        yield tensor.codebook[part] if isinstance(tensor, Shared) else part


def check_size(shapes: Mapping[str, tuple[int, ...]], size: int, where: str) -> None:
    """Raises Failure where a network of these shapes is too large, or too large for a file of so many bytes."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    if sum(sizes) + max(sizes) > NUMBERS_LIMIT or sum(sizes) > NUMBERS_FREE + NUMBERS_A_BYTE * size:
        raise Failure(f"{where} has {sum(sizes):,} numbers, more than are read from a file of {size:,} bytes")


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
    found: dict[str, Tensor | Sparse] = {}
    for one in header.tensors:
        try:
            found[one.name] = decode_tensor(one, sections[one.name], header.coder)
        except Failure as error:
            raise Failure(f"{where}: {one.name}: {error}") from error
    if digest(found) != header.digest:
        raise Failure(f"{where}: what it decodes to is not what was written")
    tensors = {name: one.weights() if isinstance(one, Sparse) else one for name, one in found.items()}
    return CompressedNetwork(header.network, header.options, tensors, header.inputs)


def unwrap(data: bytes, where: str) -> Opened:
    """Check all that can be checked without decoding. Raises Failure as `read`."""
    if data[:3] != MAGIC[:3]:
        raise Failure(f"{where} is not a compressed network (.sqz)")
    if data[3:4] != MAGIC[3:4]:
        raise Failure(f"{where} has version {data[3] if len(data) > 3 else 'none'} of the format; 1 and 2 are read")
    begin = 8 + int.from_bytes(data[4:8], "little") if len(data) >= 8 else len(data)
    if begin + 8 > len(data):
        raise Failure(f"{where} is cut off in its header")
    if zlib.crc32(data[:begin]) != int.from_bytes(data[begin : begin + 4], "little"):
        raise Failure(f"{where} is damaged: its header's checksum differs")
    header = parse(data[8:begin], len(data), where)
    body = memoryview(data)[begin + 4 : -4]
    declared = sum(sum(one.lengths) for one in header.tensors)
    if declared != len(body):
        raise Failure(f"{where} is cut off: {len(body)} bytes of sections, not the {declared} due")
    if zlib.crc32(body) != int.from_bytes(data[-4:], "little"):
        raise Failure(f"{where} is damaged: its sections' checksum differs")
    sections, offset = {}, 0
    for one in header.tensors:
        ends = np.cumsum([offset, *one.lengths]).tolist()
        sections[one.name] = tuple(bytes(body[a:b]) for a, b in pairwise(ends))
        offset = ends[-1]
    return Opened(header, sections, {"magic, length": 8, "header": begin - 8, "checksums": 8}, len(data))


class OfNetwork(Protocol):
    """A header that names a network and its options."""

    @property
    def network(self) -> str: ...

    @property
    def options(self) -> dict[str, Any]: ...


H = TypeVar("H", bound=OfNetwork)


def inflated(packed: bytes, kind: type[H], where: str) -> tuple[H, dict[str, tuple[int, ...]]]:
    """A header of a kind, which names a network, and the shapes of that network's tensors. Raises Failure."""
    damaged = nonsense(where)
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(packed, HEADER_LIMIT)
        if not inflate.eof or inflate.unused_data:
            raise damaged
        header = msgspec.msgpack.decode(plain, type=kind)
        return header, shapes_of(header.network, header.options)
    except (zlib.error, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise damaged from error
    except BadInput as error:
        raise Failure(f"{where} holds a network that is not known here: {error}") from error


def nonsense(where: str) -> Failure:
    """The refusal of a header that contradicts itself."""
    return Failure(f"{where} is damaged: its header makes no sense")


def parse(packed: bytes, size: int, where: str) -> Header:
    """The header, with every declared size checked against the network and the file's size. Raises Failure."""
    header, shapes = inflated(packed, Header, where)
    check_size(shapes, size, where)
    if {one.name: one.shape for one in header.tensors} != shapes or len(header.tensors) != len(shapes):
        raise Failure(f"{where} is damaged: its tensors are not those of {header.network}")
    for one in header.tensors:
        size = math.prod(one.shape)
        stored = one.lengths[0] == one.values * (2 if one.half else 4)
        counts = min(one.values, one.kept, one.entries, *one.lengths) >= 0 and one.kept <= size
        # An index has at most a gap for each weight kept and an escape for each 15 zeros.
        if not (stored and counts and one.entries <= size + 1 and one.values <= (256 if "code" in one.kind else size)):
            raise nonsense(where)
    return header


def decode_tensor(one: Entry, sections: tuple[bytes, ...], coder: Coder) -> Tensor | Sparse:
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
    mask = None
    if one.kind != "full":
        mask = coding.decode_mask(Coded(index_table, index), one.shape, one.entries, coder)
    if one.kept != (math.prod(one.shape) if mask is None else np.count_nonzero(mask)):
        raise Failure("its index keeps another number of weights than it says")
    if one.kind == "sparse":
        if len(values) != one.kept:
            raise Failure("it has another number of values than it keeps")
        assert mask is not None
        return Sparse(mask, values)
    if len(values) > 256 or (one.kept and not len(values)):
        raise Failure("its codebook is too large, or empty")
    ranks = np.zeros(0, np.uint8)
    if one.kept:
        ranks = coding.decode_symbols(Coded(code_table, codes), len(values), one.kept, coder)
    # In memory the first entry of a codebook is zero; in the file it stands where its frequency puts it, or not at all.
    zero = np.flatnonzero(values == 0)
    if len(zero) > 1 or len(values) - len(zero) > 255:
        raise Failure("its codebook has more values than there are codes")
    new_code = np.zeros(len(values), np.uint8)
    new_code[values != 0] = np.arange(1, len(values) - len(zero) + 1)
    # The codes take the place of the mask, or of the ranks.
    found, taken = ranks if mask is None else mask.view(np.uint8).reshape(-1), 0
    for first in range(0, len(found), coding.STEP):
        part = found[first : first + coding.STEP]
        kept = np.ones(len(part), bool) if mask is None else part != 0
        begin, taken = taken, taken + np.count_nonzero(kept)
        part[kept] = new_code[ranks[begin:taken]]
    return Shared(found.reshape(one.shape), np.concatenate([np.zeros(1, np.float32), values[values != 0]]))
