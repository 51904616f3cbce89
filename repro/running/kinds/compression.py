"""Experiments of kind `compression`: each variant's file is made, its bytes are counted, its network is measured."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from repro.compression import stages
from repro.compression.rounding import Rounded, Rounder
from repro.config.specification import Compression
from repro.formats import files, inspecting, nnc, released
from repro.formats.shared import CompressedNetwork, dense
from repro.planning.experiments import Experiment, Variant
from repro.progress import Progress
from repro.records import Store, variants
from repro.records.compressed import Answers, CompressedRecord, Layer
from repro.records.environment import describe
from repro.rules.statistics import mean_interval, paired_loss
from repro.running import classification
from repro.running.calibrating import calibrated, key_of, save_array
from repro.running.images import Images, images_for
from repro.running.registry import register
from repro.storage import cache_folder

BINS = 61  # of a histogram of weights; odd, so that one lies around zero


@register("compression")
def carry_out(
    experiment: Experiment,
    due: Sequence[Variant],
    store: Store,
    data_dir: Path,
    device: torch.device,
    progress: Progress,
) -> int:
    """Compress and measure variants; records are written one by one. None fails alone: 0.

    Calibration sees one half of the photographs, without labels, and measuring the other (`imagenet_val.half_of`).

    Raises:
        Failure: the released file, the photographs or a coder's package are not there.
    """
    path = data_dir / released.FILE
    original = released.read(path)
    images = images_for(original, original.inputs, data_dir, "measuring")
    before = cached_scores(original, images, device)

    @cache
    def rounder(count: int) -> Rounder:
        seen = images_for(original, original.inputs, data_dir, "calibration", count)
        return Rounder(original, calibrated(original, seen), seen.prepare(seen.images))

    for variant in due:
        assert variant.compress is not None
        progress(f"{variant.name}: compressing")
        how = variant.compress
        network, price = compressed(original, how, rounder, progress)
        file = written(network, how, original)
        progress(f"{variant.name}: {file.bytes:,} bytes, measuring")
        after = cached_scores(file.network, images, device)
        record = CompressedRecord(
            experiment=experiment.name,
            variant=variant.name,
            compression=how,
            source=hashlib.sha256(path.read_bytes()).hexdigest(),
            network=network.network,
            price=price,
            parameters=file.network.parameters,
            bytes=file.bytes,
            header=file.header,
            sha256=file.sha256,
            layers=file.layers,
            answers=compared(before, after, images),
            encode_seconds=file.encode_seconds,
            decode_seconds=file.decode_seconds,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            environment=describe(device.type, "float32"),
        )
        variants.save(store.folder.parent, record)
        progress(f"{variant.name}: {file.bytes:,} bytes, {record.answers.lost:+.1f} points of top-1 lost")
    return 0


class Written(NamedTuple):
    """A compressed file: the network that is read from it, where its bytes are, and the processor time it takes.

    header: bytes that belong to no layer.
    """

    network: CompressedNetwork
    bytes: int
    sha256: str
    header: int
    layers: tuple[Layer, ...]
    encode_seconds: float
    decode_seconds: float


def written(network: CompressedNetwork, how: Compression, original: CompressedNetwork) -> Written:
    """Write the network to a file and read it again. Raises Failure where the coder's package is not installed."""
    began, account = time.process_time(), []
    if how.coder == "nncodec":
        data = nnc.encode(network, how.qp)
        encoded = time.process_time()
        again = nnc.decode(data, network)
        decoded = time.process_time()
    else:
        data = released.encode(network) if how.coder == "released" else files.encode(network, how.coder)
        encoded = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ("net.net" if how.coder == "released" else "net.sqz")
            file.write_bytes(data)
            again = files.open_network(file)
            decoded = time.process_time()
            account = inspecting.account(file)
    header, layers = layers_of(len(data), account, again, original)
    sha256 = hashlib.sha256(data).hexdigest()
    return Written(again, len(data), sha256, header, layers, encoded - began, decoded - encoded)


def compressed(
    original: CompressedNetwork, how: Compression, rounder: Callable[[int], Rounder], progress: Progress
) -> tuple[CompressedNetwork, float]:
    """The network as it will be in the file, and the price it was rounded at (0 = by none).

    rounder: of a number of images.
    """
    if how.bits:
        return stages.share(original, how.bits, how.init), 0.0
    if not how.images:
        return original, 0.0
    one = rounder(how.images)

    def tried(found: Rounded) -> None:
        progress(f"  {found.bytes:,} bytes at {found.price:.2e} nats a bit")

    found = one.within_bytes(how.max_bytes, tried) if how.max_bytes else one.at(how.price)
    return found.network, found.price


def layers_of(
    size: int, account: list[dict[str, Any]], network: CompressedNetwork, original: CompressedNetwork
) -> tuple[int, tuple[Layer, ...]]:
    """Bytes that belong to no layer, and each layer's part of a file of so many bytes.

    account: of `inspecting.account`; empty where the format does not say, and then all bytes are the header's.
    """
    by_layer = {row["layer"]: row for row in account}
    nothing = dict.fromkeys(inspecting.KINDS, 0)
    layers = []
    for name, prefix in inspecting.weight_layers(network).items():
        row, weights = by_layer.get(name, nothing), dense(network.tensors[f"{prefix}.weight"])
        reach = float(np.abs(dense(original.tensors[f"{prefix}.weight"])).max())
        counts, _ = np.histogram(weights[weights != 0].clip(-reach, reach), BINS, (-reach, reach))
        layers.append(
            Layer(
                layer=name,
                weights=weights.size,
                kept=int(np.count_nonzero(weights)),
                outputs=len(weights),
                values=len(np.unique(weights)),
                codebook=row["codebook"] + row["values"],
                tables=row["tables"],
                codes=row["codes"],
                index=row["index"],
                biases=row["biases"],
                reach=reach,
                histogram=tuple(counts.tolist()),
            )
        )
    own = sum(one.codebook + one.tables + one.codes + one.index + one.biases for one in layers)
    return size - own, tuple(layers)


def compared(before: torch.Tensor, after: torch.Tensor, images: Images) -> Answers:
    """The answers of a compressed network, compared with those of the released one."""
    first, top1, top5 = (
        classification.right(logits, images.labels, among) for logits, among in ((before, 1), (after, 1), (after, 5))
    )
    lost, interval = paired_loss(first, top1)
    lost5, interval5 = paired_loss(classification.right(before, images.labels, 5), top5)
    nats = classification.divergences(before, after)
    divergence = mean_interval(nats)
    return Answers(
        images=images.title,
        checksum=hashlib.sha256(images.images.numpy().tobytes() + images.labels.numpy().tobytes()).hexdigest(),
        total=len(top1),
        top1=int(top1.sum()),
        top5=int(top5.sum()),
        hits=np.packbits(top1).tobytes().hex(),
        against=int(first.sum()),
        lost=lost,
        low=interval.low,
        high=interval.high,
        agreement=float((before.argmax(1) == after.argmax(1)).float().mean()),
        divergence=float(nats.mean()),
        divergence_low=divergence.low,
        divergence_high=divergence.high,
        lost5=lost5,
        low5=interval5.low,
        high5=interval5.high,
    )


# --- what takes minutes is kept -------------------------------------------------------------------------------------


def cached_scores(network: CompressedNetwork, images: Images, device: torch.device) -> torch.Tensor:
    """The network's logits, float32 [N, classes]; computed once for the same numbers and images."""
    path = cache_folder() / "scores" / f"{key_of(network, images)}.npy"
    try:
        return torch.from_numpy(np.load(path))
    except (OSError, ValueError):
        found = classification.scores(files.module(network), images.images, images.prepare, device)
        save_array(path, found.numpy())
        return found
