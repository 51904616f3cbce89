"""Experiments of kind `compression`: each variant's file is made, its bytes are counted, its network is measured."""

import hashlib
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from repro.compression import calibration, stages
from repro.compression.calibration import Statistics
from repro.config.specification import Compression
from repro.formats import container, files, inspecting, released
from repro.formats.shared import CompressedNetwork, dense
from repro.planning import plan
from repro.planning.experiments import Experiment
from repro.records import Store, variants
from repro.records.compressed import Answers, CompressedRecord, Layer
from repro.records.environment import describe
from repro.rules.statistics import paired_loss
from repro.running import classification
from repro.running.images import Images, images_for
from repro.storage import cache_folder, write_atomic

BINS = 61  # of a histogram of weights; odd, so that one lies around zero

Tell = Callable[[str], None]


def carry_out(experiment: Experiment, store: Store, data_dir: Path, device: torch.device, tell: Tell) -> None:
    """Compress and measure what has no record; records are written one by one.

    Calibration sees one half of the photographs, without labels, and measuring the other (`imagenet_val.half_of`).

    Raises:
        Failure: the released file or the photographs are not there.
    """
    path = data_dir / released.FILE
    original = released.read(path)
    images = images_for(original, original.inputs, data_dir, "measuring")
    before = cached_scores(original, images, device)
    for variant in plan.files_to_make(experiment, store):
        assert variant.compress is not None
        tell(f"{variant.name}: compressing")
        how = variant.compress
        seen = calibrated(original, data_dir, how.images) if how.images else {}
        network, price = compressed(original, how, seen)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ("net.net" if how.coder == "released" else "net.sqz")
            began = time.process_time()
            data = released.encode(network) if how.coder == "released" else container.encode(network, how.coder)
            encoded = time.process_time()
            file.write_bytes(data)
            again = files.open_network(file)
            decoded = time.process_time()
            size = file.stat().st_size
            header, layers = layers_of(file, again, original)
        tell(f"{variant.name}: {size:,} bytes, measuring")
        after = cached_scores(again, images, device)
        record = CompressedRecord(
            experiment=experiment.name,
            variant=variant.name,
            compression=how,
            source=hashlib.sha256(path.read_bytes()).hexdigest(),
            network=network.network,
            price=price,
            parameters=again.parameters,
            bytes=size,
            header=header,
            sha256=hashlib.sha256(data).hexdigest(),
            layers=layers,
            answers=compared(before, after, images),
            encode_seconds=encoded - began,
            decode_seconds=decoded - encoded,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            environment=describe(device.type, "float32"),
        )
        variants.save(store.folder.parent, record)
        tell(f"{variant.name}: {size:,} bytes, {record.answers.lost:+.1f} points of top-1 lost")


def compressed(
    original: CompressedNetwork, how: Compression, seen: dict[str, Statistics]
) -> tuple[CompressedNetwork, float]:
    """The network as it will be in the file, and the price it was rounded at (0 = by none)."""
    if how.bits:
        return stages.share(original, how.bits, how.init), 0.0
    if how.price:
        return stages.rounded(original, seen, how.price), how.price
    if how.max_bytes:
        assert how.coder != "released"
        return stages.within(original, seen, how.max_bytes, how.coder)
    return original, 0.0


def layers_of(file: Path, network: CompressedNetwork, original: CompressedNetwork) -> tuple[int, tuple[Layer, ...]]:
    """Bytes that belong to no layer, and each layer's part of a file."""
    by_layer = {row["layer"]: row for row in inspecting.account(file)}
    layers = []
    for name, prefix in inspecting.weight_layers(network).items():
        row, weights = by_layer[name], dense(network.tensors[f"{prefix}.weight"])
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
    return file.stat().st_size - own, tuple(layers)


def compared(before: torch.Tensor, after: torch.Tensor, images: Images) -> Answers:
    """What a compressed network answers, beside what the released one does."""
    first, top1, top5 = (
        classification.right(logits, images.labels, among) for logits, among in ((before, 1), (after, 1), (after, 5))
    )
    lost, interval = paired_loss(first, top1)
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
        divergence=classification.divergence(before, after),
    )


# --- what takes minutes is kept -------------------------------------------------------------------------------------


def cached_scores(network: CompressedNetwork, images: Images, device: torch.device) -> torch.Tensor:
    """The network's logits, float32 [N, classes]; computed once for the same numbers and images."""
    key = hashlib.sha256(container.digest(network.tensors) + str(sorted(network.options.items())).encode())
    key.update(images.images.numpy().tobytes())
    path = cache_folder() / "scores" / f"{key.hexdigest()[:40]}.npy"
    try:
        return torch.from_numpy(np.load(path))
    except (OSError, ValueError):
        found = classification.scores(files.module(network), images.images, images.prepare, device)
        keep(path, found.numpy())
        return found


def calibrated(network: CompressedNetwork, data_dir: Path, count: int) -> dict[str, Statistics]:
    """Statistics over calibration photographs; computed once for the same numbers and images."""
    images = images_for(network, network.inputs, data_dir, "calibration", count)
    key = hashlib.sha256(container.digest(network.tensors) + str(sorted(network.options.items())).encode())
    key.update(images.images.numpy().tobytes())
    folder = cache_folder() / "calibration" / key.hexdigest()[:40]
    prefixes = list(inspecting.weight_layers(network).values())
    try:
        return {
            prefix: Statistics(*(np.load(folder / f"{prefix}.{field}.npy") for field in Statistics.__annotations__))
            for prefix in prefixes
        }
    except (OSError, ValueError):
        found = calibration.calibrate(
            files.module(network), lambda n: images.prepare(images.images[n : n + 1]), len(images.labels)
        )
        for prefix, one in found.items():
            for field in Statistics.__annotations__:
                keep(folder / f"{prefix}.{field}.npy", getattr(one, field))
        return found


def keep(path: Path, array: np.ndarray) -> None:
    """Write an array to the cache."""
    import io

    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_atomic(path, content.getvalue())
