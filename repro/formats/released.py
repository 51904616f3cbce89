"""Read and write the released file `compressed_SqueezeNet.net` (songhan/SqueezeNet-Deep-Compression).

Little-endian, without a magic number, names or shapes. First the number of entries of each convolution, uint32. Then,
for each convolution in the network's order: the codebook (256 float32, the first one 0), the bias (float32), the
codes (one byte an entry), and the gaps (four bits an entry, low half first). A gap counts the zeros since the entry
before, in the order [C_out, C_in, kH, kW]; a filler has gap 15 and code 0. The original keeps 4 bits a code in dense
layers; SqueezeNet has none, so no such file exists and none is read here.
"""

import math
from pathlib import Path

import numpy as np

from repro.errors import BadInput, Failure
from repro.formats.shared import CompressedNetwork, Inputs, Shared, Tensor
from repro.models import architecture
from repro.models.layers import Architecture, Conv, Linear

FILE = "weights/compressed_SqueezeNet.net"  # in the data folder
CODEBOOK = 256
SPAN = 15
# The released network pads conv10 by one pixel (forresti/SqueezeNet #14): a border of ReLU(bias) in the average.
NETWORK = "squeezenet"
OPTIONS = {"conv10_padding": 1}
INPUTS = Inputs("imagenet-val", 227, "caffe")


def read(path: Path) -> CompressedNetwork:
    """The released network. Raises Failure where the file is not it: cut, altered, or another."""
    tensors = decode(content(path), architecture(NETWORK, OPTIONS), str(path))
    return CompressedNetwork(NETWORK, OPTIONS, tensors, INPUTS)


def content(path: Path) -> bytes:
    """The file's bytes. Raises Failure where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from error


def convolutions(definition: Architecture) -> dict[str, tuple[int, int, int, int]]:
    """Shapes of the convolutions' weights by state-dict prefix, in the network's order.

    Raises:
        BadInput: the network has dense layers or batch norm, which the format has no place for.
    """
    shapes = {}
    for prefix, (_, layer) in definition.named_parts().items():
        if not isinstance(layer, Conv):
            kind = "dense layers" if isinstance(layer, Linear) else "batch norm"
            raise BadInput(f"the released format is for networks of convolutions; this one has {kind}")
        shapes[prefix] = layer.shape
    return shapes


def decode(data: bytes, definition: Architecture, where: str) -> dict[str, Tensor]:
    """The tensors of a network's convolutions by state-dict name. Raises Failure where the bytes do not fit it."""
    shapes = convolutions(definition)
    header = 4 * len(shapes)
    if len(data) < header:
        raise Failure(f"{where} is cut off: {len(data)} bytes are less than its header")
    counts = np.frombuffer(data, "<u4", len(shapes)).astype(np.int64)
    sizes = [4 * CODEBOOK + 4 * shape[0] + n + (n + 1) // 2 for shape, n in zip(shapes.values(), counts, strict=True)]
    if header + sum(sizes) != len(data):
        raise Failure(f"{where} is damaged or of another network: {len(data)} bytes, not the {header + sum(sizes)} due")
    tensors: dict[str, Tensor] = {}
    offset = header

    def take(kind: str, count: int) -> np.ndarray:
        nonlocal offset
        array = np.frombuffer(data, kind, count, offset)
        offset += array.nbytes
        return array

    for (prefix, shape), count in zip(shapes.items(), counts.tolist(), strict=True):
        if count > math.prod(shape):
            raise Failure(f"{where} is damaged or of another network: {prefix} has more entries than weights")
        codebook, bias, codes = take("<f4", CODEBOOK), take("<f4", shape[0]), take("u1", count)
        halves = take("u1", (count + 1) // 2)
        if codebook[0] != 0 or not np.isfinite(codebook).all() or not np.isfinite(bias).all():
            raise Failure(f"{where} is damaged: {prefix} has numbers that are not finite, or fillers that are not zero")
        entries = np.stack([halves & 15, halves >> 4], axis=1).ravel()[:count]
        places = np.cumsum(entries.astype(np.int64) + 1) - 1
        if count and places[-1] >= math.prod(shape):
            raise Failure(f"{where} is damaged or of another network: {prefix} has weights beyond its shape")
        flat = np.zeros(math.prod(shape), np.uint8)
        flat[places] = codes
        tensors[f"{prefix}.weight"] = Shared(flat.reshape(shape), codebook.astype(np.float32))
        tensors[f"{prefix}.bias"] = bias.astype(np.float32)
    return tensors


def encode(network: CompressedNetwork) -> bytes:
    """The network in the released format: for the released file itself, the same bytes.

    Raises:
        BadInput: it has layers that the format has no place for, or weights that share no codebook.
    """
    shapes = convolutions(architecture(network.network, network.options))
    counts, body = [], []
    for prefix in shapes:
        weight, bias = network.tensors[f"{prefix}.weight"], network.tensors[f"{prefix}.bias"]
        if not isinstance(weight, Shared) or not isinstance(bias, np.ndarray):
            raise BadInput(f"the released format needs shared weights; {prefix} has none: give --bits 8 or fewer")
        flat = weight.codes.ravel()
        entries, fillers = gaps(np.flatnonzero(flat))
        codes = np.zeros(len(entries), np.uint8)
        codes[~fillers] = flat[flat != 0]
        halves = np.zeros(len(entries) + len(entries) % 2, np.uint8)
        halves[: len(entries)] = entries
        codebook = np.zeros(CODEBOOK, "<f4")
        codebook[: len(weight.codebook)] = weight.codebook
        counts.append(len(entries))
        body += [codebook.tobytes(), bias.astype("<f4").tobytes(), codes.tobytes()]
        body.append((halves[::2] | halves[1::2] << 4).astype(np.uint8).tobytes())
    return np.array(counts, "<u4").tobytes() + b"".join(body)


def gaps(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of zeros before each kept weight, in entries of 0 to 15, and which of the entries are fillers.

    Args:
        places: int64 [n], ascending.

    Returns: int64 [n + fillers], bool [n + fillers].
    """
    zeros = np.diff(places, prepend=-1) - 1
    fillers = zeros // (SPAN + 1)
    own = np.arange(len(places)) + np.cumsum(fillers)  # where each weight's own entry stands, behind its fillers
    entries = np.full(len(places) + int(fillers.sum()), SPAN, np.int64)
    is_filler = np.ones(len(entries), bool)
    entries[own] = zeros - fillers * (SPAN + 1)
    is_filler[own] = False
    return entries, is_filler
