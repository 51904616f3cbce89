"""The data sets, their identity, and loading them. Neither torch nor numpy is imported before `load` is called."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.specification import Data
from repro.data import sets
from repro.data.catalogue import DATASETS, FAMILIES, SOURCES, SYNTHETIC_SIZE, DatasetInfo, find, no_such
from repro.data.images import Dataset, ImageSet, in_memory
from repro.errors import BadInput
from repro.progress import Progress, silent

if TYPE_CHECKING:
    import torch

__all__ = [
    "DATASETS",
    "SYNTHETIC_SIZE",
    "Dataset",
    "DatasetInfo",
    "ImageSet",
    "checksum",
    "find",
    "load",
    "prepare",
    "status",
]

sets.discover()


def checksum(spec: Data, root: Path) -> str | None:
    """The identity of the images `spec` selects from; None where the folder that decides it is absent.

    For the official sets and the synthetic ones it is known without the files.
    """
    if spec.name not in DATASETS:
        raise no_such(spec.name, DATASETS)
    source = find(spec.name)
    if spec.cut != "squash" and not (info := source.planned(root)).published_bytes:
        raise BadInput(f"data.cut = {spec.cut}: {info.title}'s images are squares already; leave it out")
    return source.stand_in(root) if spec.synthetic else source.checksum(root)


def prepare(names: Iterable[str], root: Path, progress: Progress = silent) -> None:
    """Make each named data set ready to load; returns at once for those that are.

    progress: called with a line for every step that takes time.

    Raises:
        Failure: a file is missing or damaged; the line names it.
    """
    for name in names:
        find(name).prepare(root, progress)


def status(root: Path) -> list[dict[str, Any]]:
    """One row per data set, as `catalogue.Status` has it; of those from outside, for the ones that can be listed."""
    outside = [f"{name}:{member}" for name, family in sorted(FAMILIES.items()) for member in family.here(root)]
    return [find(name).status(root)._asdict() for name in [*sorted(SOURCES), *outside]]


def load(spec: Data, root: Path) -> Dataset:
    """The images that `spec` selects; what is absent is downloaded or built first.

    holdout = k: the last k training images are what is measured; training does without them, and the test set is not
    touched. train_images = n: then, of the training images left, the first n when taken class by class in turn: each
    class gets equally many, as far as it has that many.
    """
    identity = checksum(spec, root)  # before anything else: it knows which names there are
    source = find(spec.name)
    if spec.synthetic:
        from repro.data import synthetic

        info = source.planned(root)
        train, measured = map(in_memory, synthetic.make(info))
        grey = {"mean": (synthetic.MEAN,) * info.channels, "std": (synthetic.STD,) * info.channels}
        info = replace(info, substitute="synthetic images in the place of the real ones", **grey)
    else:
        source.ensure(root)
        identity = identity or checksum(spec, root)
        train, measured = source.load(spec, root)
        info = source.describe(root)
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


def _first_of_each_class(labels: "torch.Tensor", count: int) -> "torch.Tensor":
    """Indices, ascending, of `count` images: every class's first one, every class's second one, and so on."""
    import torch

    rank = torch.empty_like(labels)  # of an image within its class
    for label in labels.unique():
        members = labels == label
        rank[members] = torch.arange(int(members.sum()))
    return torch.argsort(rank, stable=True)[:count].sort().values
