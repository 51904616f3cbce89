"""Statistics of a network over calibration images: computed once, and kept in the cache folder."""

import hashlib
import io
from pathlib import Path

import numpy as np

from repro.compression import calibration
from repro.compression.calibration import Statistics
from repro.formats import container, files, inspecting
from repro.formats.shared import CompressedNetwork
from repro.running.images import Images
from repro.storage import cache_folder, write_atomic


def key_of(network: CompressedNetwork, images: Images) -> str:
    """A hash of a network's numbers, options and images."""
    key = hashlib.sha256(container.digest(network.tensors) + str(sorted(network.options.items())).encode())
    key.update(images.images.numpy().tobytes())
    return key.hexdigest()[:40]


ENOUGH = 128  # images, to know which errors matter: of the released SqueezeNet more changed nothing


def calibrated(network: CompressedNetwork, images: Images, most: int = ENOUGH) -> dict[str, Statistics]:
    """Statistics of each layer over the first images; computed once for the same numbers and images.

    Raises:
        BadInput: as `calibrate`.
    """
    images = images._replace(images=images.images[:most], labels=images.labels[:most])
    folder = cache_folder() / "calibration" / key_of(network, images)
    try:
        return {
            prefix: Statistics(*(np.load(folder / f"{prefix}.{field}.npy") for field in Statistics.__annotations__))
            for prefix in inspecting.weight_layers(network).values()
        }
    except (OSError, ValueError):
        found = calibration.calibrate(
            files.module(network), lambda n: images.prepare(images.images[n : n + 1]), len(images.labels)
        )
        for prefix, one in found.items():
            for field in Statistics.__annotations__:
                save_array(folder / f"{prefix}.{field}.npy", getattr(one, field))
        return found


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array to the cache."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_atomic(path, content.getvalue())
