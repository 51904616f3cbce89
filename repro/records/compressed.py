"""What compressing a network left: a file's bytes, and what the network in it answers. Knows no torch."""

import os
from pathlib import Path
from typing import Any

import msgspec

from repro.config.specification import Compression, Count, Positive, Spec
from repro.errors import Failure
from repro.records.record import Environment, NonNegative, Share
from repro.records.store import LARGEST, Store, sealed
from repro.storage import read_limited, write_atomic

FOLDER = "compressed"  # in the results folder, beside `runs`


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
    """What a network answered to photographs.

    images: what they are, and which. checksum: of pixels and labels. total: how many.
    top1, top5: right answers. hits: which are right, one bit an image in the order of their names' hashes, as hex.
    against: top-1 right answers of the network as released, on the same images.
    lost, low, high: points of top-1 lost against it, with the 95 % interval of paired shares.
    agreement: share of images with the same answer. divergence: Kullback-Leibler, in nats.
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

    def __post_init__(self) -> None:
        if max(self.top1, self.top5, self.against) > self.total:
            raise ValueError("more right answers than images")


class CompressedRecord(Spec, frozen=True):
    """One compressed file.

    source: SHA-256 of the file that was compressed. price: that rounding came to, in nats a bit; 0 = none.
    bytes: on disk. header: of these, those of no layer. sha256: of the file.
    encode_seconds, decode_seconds: of processor time, for the whole network.
    """

    experiment: str
    variant: str
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
    finished: str
    environment: dict[str, Any]

    def __post_init__(self) -> None:
        msgspec.convert(self.environment, Environment)

    @property
    def nonzero(self) -> int:
        """Kept weights and all biases, as the paper's Table 1 counts."""
        return sum(layer.kept + layer.outputs for layer in self.layers)


def place(results: Path, experiment: str, variant: str) -> Path:
    """Where a record is.

    Raises:
        Failure: a name leads to another folder.
    """
    for name in (experiment, variant):
        # Experiments are named by their files, and records by whoever wrote them: not every name was checked before.
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise Failure(f"{name!r} cannot be part of the name of a record: it leads out of {results / FOLDER}")
    return results / FOLDER / experiment / f"{variant}.json"


def find(store: Store, experiment: str, variant: str, compression: Compression) -> CompressedRecord | None:
    """The record of a variant as it is specified now; None, and a line in the store's problems where it is damaged."""
    path = place(store.folder.parent, experiment, variant)
    record = read(store, path) if os.path.lexists(path) else None
    return record if record and record.compression == compression else None


def every(store: Store) -> list[CompressedRecord]:
    """Every readable record of a results folder, in a fixed order; those that are not, in the store's problems."""
    found = (read(store, path) for path in sorted((store.folder.parent / FOLDER).glob("*/*.json")))
    return [record for record in found if record is not None]


def read(store: Store, path: Path) -> CompressedRecord | None:
    """One record; None, and a line in the store's problems, when it is damaged, edited or belongs elsewhere."""
    try:
        content = msgspec.json.decode(read_limited(path, LARGEST), type=dict)
        seal = content.pop("seal", None)
        record = msgspec.convert(content, CompressedRecord)
        if (path.parent.name, path.name) != (record.experiment, f"{record.variant}.json"):
            raise ValueError("it belongs to another variant than its name; was it moved?")
        if seal is not None and seal != sealed(content):
            raise ValueError("it has changed since it was written")
    except Failure as failure:
        store.problems.append(f"{failure}; its record was passed over")
        return None
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        store.problems.append(f"{path} was passed over: {error}")
        return None
    return record


def save(results: Path, record: CompressedRecord) -> None:
    """Write a record."""
    content = msgspec.to_builtins(record)
    content["seal"] = sealed(content)
    text = msgspec.json.format(msgspec.json.encode(content), indent=1)
    write_atomic(place(results, record.experiment, record.variant), text + b"\n")
