"""The record of a compressed file: its bytes, and what the network in it answers. Imports no torch."""

from typing import ClassVar

from repro.config.specification import Compression, Count, Positive, Spec
from repro.records import variants
from repro.records.record import NonNegative, Share
from repro.records.store import Store
from repro.records.variants import VariantRecord


class Layer(Spec, frozen=True):
    """One layer's part of a file.

    values: different weights, zero included. codebook, tables, codes, index, biases: bytes.
    histogram: kept weights in `BINS` bins from -`reach` to `reach`, reach being the layer's largest magnitude before.
    """

    layer: str
    weights: Count
    kept: Count
    outputs: Count
    values: Count
    codebook: Count
    tables: Count
    codes: Count
    index: Count
    biases: Count
    reach: NonNegative
    histogram: tuple[Count, ...]

    def __post_init__(self) -> None:
        if self.kept > self.weights:
            raise ValueError("more weights were kept than there are")


class Answers(Spec, frozen=True):
    """The answers of a network to photographs.

    images: what they are, and which. checksum: of pixels and labels. total: how many.
    top1, top5: right answers. hits: which are right, one bit an image in the order of their names' hashes, as hex.
    against: top-1 right answers of the network as released, on the same images.
    lost, low, high: points of top-1 lost against it, with the 95 % interval of paired shares.
    lost5, low5, high5: the same of top-5.
    agreement: share of images with the same answer.
    divergence: Kullback-Leibler of the answers from the released network's, in nats.
    divergence_low, divergence_high: its 95 % interval over images, by the bootstrap.
    """

    images: str
    checksum: str
    total: Positive
    top1: Count
    top5: Count
    hits: str
    against: Count
    lost: float
    low: float
    high: float
    agreement: Share
    divergence: float
    divergence_low: float
    divergence_high: float
    lost5: float
    low5: float
    high5: float

    def __post_init__(self) -> None:
        if max(self.top1, self.top5, self.against) > self.total:
            raise ValueError("more right answers than images")


class CompressedRecord(VariantRecord, frozen=True):
    """One compressed file.

    source: SHA-256 of the file that was compressed. price: that rounding came to, in nats a bit; 0 = none.
    bytes: on disk. header: of these, those of no layer. sha256: of the file.
    encode_seconds, decode_seconds: of processor time, for the whole network.
    """

    FOLDER: ClassVar[str] = "compressed"

    compression: Compression
    source: str
    network: str
    price: NonNegative
    parameters: Count
    bytes: Count
    header: Count
    sha256: str
    layers: tuple[Layer, ...]
    answers: Answers
    encode_seconds: NonNegative
    decode_seconds: NonNegative

    @property
    def nonzero(self) -> int:
        """Kept weights and all biases, as the paper's Table 1 counts."""
        return sum(layer.kept + layer.outputs for layer in self.layers)


def find(store: Store, experiment: str, variant: str, compression: Compression) -> CompressedRecord | None:
    """The record of a variant as it is specified now; None, and a line in the store's problems where it is damaged."""
    record = variants.find(store, CompressedRecord, experiment, variant)
    return record if record and record.compression == compression else None
