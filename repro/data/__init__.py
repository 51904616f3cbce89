"""The data sets, their identity, and loading them. Neither torch nor numpy is imported before `load` is called."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repro.config.specification import Data
from repro.data import bike_ship, files, imagenet
from repro.data.catalogue import (
    CIFAR10_FILES,
    DATASETS,
    MNIST_FILES,
    MODIFIED_MNIST_FILES,
    SYNTHETIC,
    SYNTHETIC_SIZE,
    DatasetInfo,
    files_checksum,
)
from repro.data.preparation import prepare, status
from repro.errors import BadInput, unknown
from repro.storage import cache_folder

if TYPE_CHECKING:
    import torch

    from repro.data.photographs import Arrays
    from repro.data.streaming import PhotographSet

# ImageNet's photographs, all or some, cannot be fetched: the user puts them there.
BY_USER = ("bike-ship", "imagenet")

__all__ = [
    "BY_USER",
    "DATASETS",
    "SYNTHETIC_SIZE",
    "Dataset",
    "DatasetInfo",
    "ImageSet",
    "checksum",
    "load",
    "prepare",
    "status",
]


@dataclass(frozen=True)
class ImageSet:
    """Images in memory. images: uint8 [N, C, H, W] at their own size; labels: int64 [N]."""

    images: "torch.Tensor"
    labels: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: "torch.Tensor | slice") -> "ImageSet":
        return ImageSet(self.images[index], self.labels[index])

    def to(self, device: "torch.device | str") -> "ImageSet":
        return ImageSet(self.images.to(device), self.labels.to(device))

    @property
    def size(self) -> int:
        """Height and width of the images."""
        return self.images.shape[-1]

    def batches(
        self,
        rows: "Iterable[torch.Tensor]",
        places: "Iterable[torch.Tensor] | None" = None,
        seed: int = 0,
        epoch: int = 0,
    ) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
        """Images and labels of each row of indices (int64 [B], on the images' device).

        What else a `PhotographSet` wants to know makes no difference here, where images are not cut as they are read.
        """
        for row in rows:
            yield self.images[row], self.labels[row]


@dataclass(frozen=True)
class Dataset:
    """What a run trains on and what it is measured on; `info` has the counts of these two sets.

    Images are in memory but for ImageNet's, which stay on disk.
    """

    train: "ImageSet | PhotographSet"
    test: "ImageSet | PhotographSet"
    info: DatasetInfo
    checksum: str

    def to(self, device: "torch.device | str") -> "Dataset":
        return replace(self, train=self.train.to(device), test=self.test.to(device))


def checksum(spec: Data, root: Path) -> str | None:
    """The identity of the images `spec` selects from; None where only an absent folder could tell.

    For the official sets and the synthetic ones it is known without the files.
    """
    if spec.name not in DATASETS:
        raise unknown("data set", spec.name, DATASETS)
    if spec.cut != "squash" and not DATASETS[spec.name].published_bytes:
        raise BadInput(f"data.cut = {spec.cut}: {DATASETS[spec.name].title}'s images are squares already; leave it out")
    if spec.synthetic:
        return f"{spec.name}-{SYNTHETIC}"
    match spec.name:
        case "cifar10":
            return files_checksum(CIFAR10_FILES)
        case "mnist":
            return files_checksum(MNIST_FILES)
        case "modified-mnist":
            return files_checksum(MODIFIED_MNIST_FILES)
        case "imagenet":
            return imagenet.listing(root).checksum if imagenet.present(root) else None
    photographs = bike_ship.names(root)
    return files.folder_checksum(root / bike_ship.FOLDER, photographs) if photographs else None


def load(spec: Data, root: Path) -> Dataset:
    """The images that `spec` selects; what is absent is downloaded or built first.

    holdout = k: the last k training images are what is measured; training does without them, and the test set is not
    touched. train_images = n: then, of the training images left, the first n when taken class by class in turn: each
    class gets equally many, as far as it has that many.
    """
    identity = checksum(spec, root)  # before anything else: it knows which names there are
    info = DATASETS[spec.name]
    if spec.synthetic:
        from repro.data import synthetic

        train, measured = in_memory(synthetic.make(spec.name))
        grey = {"mean": (synthetic.MEAN,) * info.channels, "std": (synthetic.STD,) * info.channels}
        info = replace(info, substitute="synthetic images in the place of the real ones", **grey)
    elif spec.name == imagenet.NAME:
        found = imagenet.listing(root)
        identity = found.checksum
        train, measured = on_disk(found, spec, root)
        whole = (len(train), len(measured)) == (info.train, info.test)
        substitute = "" if whole else f"a part: {len(train):,} photographs of {len(found.classes):,} classes"
        info = replace(info, classes=found.classes, substitute=substitute)
    else:
        prepare([spec.name], root)
        identity = identity or checksum(spec, root)
        train, measured = in_memory(_read(spec.name, root))
        if spec.name == "bike-ship" and bike_ship.is_original(bike_ship.names(root)):
            info = replace(info, substitute="")
    assert identity is not None

    if max(spec.holdout, spec.train_images + spec.holdout) > len(train) or spec.holdout == len(train):
        asked = f"{spec.train_images} training images and a holdout of {spec.holdout}"
        raise BadInput(f"{info.title} has {len(train)} training images, not enough for {asked}")
    if spec.holdout:
        train, measured = train[: len(train) - spec.holdout], train[len(train) - spec.holdout :]
    if spec.train_images:
        train = train[_first_of_each_class(train.labels, spec.train_images)]
    info = replace(info, train=len(train), test=len(measured), size=train.size)
    return Dataset(train, measured, info, identity)


def in_memory(parts: "tuple[Arrays, Arrays]") -> tuple[ImageSet, ImageSet]:
    """Training and test set from arrays."""
    import torch

    train, test = (ImageSet(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return train, test


def on_disk(found: imagenet.Listing, spec: Data, root: Path) -> "tuple[PhotographSet, PhotographSet]":
    """Training and test set of photographs that are decoded as they are needed."""
    import numpy as np
    import torch

    from repro.data.streaming import PhotographSet

    folder = root / imagenet.NAME
    train, test = (
        PhotographSet(folder, np.array(names), torch.tensor(labels), spec.pixels, spec.cut, training)
        for (names, labels), training in ((found.train, True), (found.val, False))
    )
    return train, test


def _read(name: str, root: Path) -> "tuple[Arrays, Arrays]":
    """Training and test set as pairs of arrays: images, uint8 [N, C, H, W], and labels, int64 [N]."""
    match name:
        case "cifar10":
            from repro.data import cifar10

            return cifar10.read(root)
        case "mnist":
            from repro.data import mnist

            return mnist.read(root)
        case "modified-mnist":
            from repro.data import mnist

            return mnist.read(cache_folder(), MODIFIED_MNIST_FILES)
        case _:
            from repro.data import photographs

            return photographs.read_bike_ship(root)


def _first_of_each_class(labels: "torch.Tensor", count: int) -> "torch.Tensor":
    """Indices, ascending, of `count` images: every class's first one, every class's second one, and so on."""
    import torch

    rank = torch.empty_like(labels)  # rank within its class
    for label in labels.unique():
        members = labels == label
        rank[members] = torch.arange(int(members.sum()))
    return torch.argsort(rank, stable=True)[:count].sort().values
