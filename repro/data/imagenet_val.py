"""Photographs of the ILSVRC 2012 validation set, all or some: to measure a network on, and to calibrate one.

`imagenet-val/wnids.txt` names the 1,000 classes in order, a WordNet id at the beginning of each line; photographs lie
in `imagenet-val/val/WORDNET-ID/`. A photograph that is not square is squashed, not cropped, so an accuracy measured
here is not the published centre crop's; it serves to compare two versions of a network on the same photographs.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from repro.errors import Failure

NAME = "imagenet-val"
TITLE = "ILSVRC 2012 validation photographs"
PIXELS = 227
PHOTOGRAPHS = (".jpeg", ".jpg", ".png")
CLASSES = 1000

Half = Literal["all", "calibration", "measuring"]


@dataclass(frozen=True)
class Photographs:
    """images: uint8 [N, 3, 227, 227], RGB; labels: int64 [N]; names: of the files; checksum: of names and labels."""

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def checksum(self) -> str:
        """Of the pixels and labels, 64 hex digits."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()


def read(root: Path, half: Half = "all", limit: int | None = None) -> Photographs:
    """The photographs below a data root, in the order of a hash of their names (so that the first n are a fair draw).

    Args:
        half: one of the two halves that never mix (see `half_of`), or all.
        limit: the first so many.

    Raises:
        Failure: they are not there, or damaged.
    """
    from repro.data import photographs

    chosen = [one for one in listed(root) if half in ("all", half_of(one[2].name))][:limit]
    if not chosen:
        raise Failure(f"no photographs in {root / NAME / 'val'}: put some there, in a folder for each WordNet id")
    images = photographs.read([path for _, _, path in chosen], PIXELS)
    labels = np.array([label for _, label, _ in chosen], np.int64)
    return Photographs(images, labels, tuple(path.name for _, _, path in chosen))


def listed(root: Path) -> list[tuple[str, int, Path]]:
    """What is there: hashes of the photographs' names, in whose order they come, labels and files.

    Raises:
        Failure: the list of classes is absent or damaged.
    """
    classes = class_indices(root / NAME)
    return sorted(
        (digest(path.name), classes[path.parent.name], path)
        for path in (root / NAME / "val").glob("*/*")
        if path.suffix.lower() in PHOTOGRAPHS and path.parent.name in classes
    )


def half_of(name: str) -> Half:
    """Which half a photograph belongs to: by the first bit of its file name's SHA-256, whatever else is in the folder.

    `calibration` photographs may shape a compressed file (without their labels); `measuring` ones only measure it.
    """
    return "measuring" if int(digest(name)[0], 16) >= 8 else "calibration"


def digest(name: str) -> str:
    """SHA-256 of a file's name."""
    return hashlib.sha256(name.encode()).hexdigest()


def class_indices(folder: Path) -> dict[str, int]:
    """Class by WordNet id. Raises Failure where the list is absent or not of 1,000 ids in ascending order."""
    path = folder / "wnids.txt"
    try:
        ids = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}; it lists the classes' WordNet ids") from error
    if len(ids) != CLASSES or ids != sorted(set(ids)):
        raise Failure(f"{path} does not list {CLASSES} WordNet ids in ascending order")
    return {wnid: index for index, wnid in enumerate(ids)}
