"""Photographs of the ILSVRC 2012 validation set, all or some: to measure a network on, and to calibrate one.

`imagenet-val/wnids.txt` names the 1,000 classes in order, a WordNet id at the beginning of each line; photographs lie
in `imagenet-val/val/WORDNET-ID/`. A photograph that is not square is squashed, not cropped, so an accuracy measured
here is not the published centre crop's; it serves to compare two versions of a network on the same photographs.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.data.catalogue import DatasetInfo, Half, register
from repro.data.folders import COMMON_SIZE, IMAGENET_MEAN, IMAGENET_STD, ImageFolder, Listing, Part, part
from repro.data.sets import imagenet
from repro.errors import Failure
from repro.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from repro.data.images import ImageSet

NAME = "imagenet-val"
CLASSES = imagenet.CLASSES


@register
class ImageNetVal(ImageFolder):
    info = DatasetInfo(
        name=NAME,
        title="ILSVRC 2012 validation photographs",
        classes=tuple(map(str, range(CLASSES))),
        channels=3,
        size=COMMON_SIZE,
        train=0,
        test=50_000,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        source="ILSVRC 2012, https://image-net.org",
    )
    citation = imagenet.CITATION
    advice = "for `repro evaluate` and `repro compress`: ILSVRC 2012 photographs in val/WORDNET-ID, beside wnids.txt"

    def listing(self, root: Path) -> Listing:
        """In the order of a hash of their names, so that the first n are a fair draw.

        Raises:
            Failure: the list of classes is absent or damaged.
        """
        home = self.home(root)
        classes = class_indices(home)
        found = part(home, "val", classes)
        order = sorted(range(len(found.names)), key=lambda n: (digest(found.names[n]), found.labels[n]))
        test = Part(tuple(found.names[n] for n in order), tuple(found.labels[n] for n in order))
        return Listing(tuple(classes), Part(), test)

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        if not self.listing(root).test.names:
            raise Failure(
                f"no photographs in {self.home(root) / 'val'}: put some there, in a folder for each WordNet id"
            )

    def note(self, root: Path, found: Listing) -> str:
        measuring = sum(half_of(name) == "measuring" for name in found.test.names)
        return f"{self.advice}; {measuring:,} of them measure"

    def sample(self, root: Path, half: Half, limit: int | None = None) -> "ImageSet":
        from repro.data.images import in_memory

        found = read(root, half, limit)
        return in_memory((found.images, found.labels))


@dataclass(frozen=True)
class Photographs:
    """images: uint8 [N, 3, 227, 227], RGB; labels: int64 [N]; names: of the files; checksum: of names and labels."""

    images: "np.ndarray"
    labels: "np.ndarray"
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def checksum(self) -> str:
        """The checksum of pixels and labels, 64 hex digits."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()


def read(root: Path, half: Half = "all", limit: int | None = None) -> Photographs:
    """The photographs below a data root, in the order of a hash of their names (so that the first n are a fair draw).

    Args:
        half: one of the two halves that never mix (see `half_of`), or all.
        limit: the first so many.

    Raises:
        Failure: they are not there, or damaged.
    """
    import numpy as np

    from repro.data import photographs

    source = ImageNetVal()
    source.prepare(root)
    found = source.listing(root).test
    chosen = [one for one in zip(*found, strict=True) if half in ("all", half_of(one[0]))][:limit]
    if not chosen:
        raise Failure(f"no photographs of the {half} half in {source.home(root) / 'val'}")
    files = [source.home(root) / name for name, _ in chosen]
    labels = np.array([label for _, label in chosen], np.int64)
    return Photographs(photographs.read(files, COMMON_SIZE), labels, tuple(file.name for file in files))


def half_of(name: str) -> Half:
    """The half that a photograph belongs to, by the first bit of its file name's SHA-256, whatever else is there.

    `calibration` photographs may shape a compressed file (without their labels); `measuring` ones only measure it.
    """
    return "measuring" if int(digest(name)[0], 16) >= 8 else "calibration"


def digest(name: str) -> str:
    """SHA-256 of a file's name; folders before it make no difference."""
    return hashlib.sha256(Path(name).name.encode()).hexdigest()


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
