"""ImageNet (ILSVRC 2012) as its users have it: `imagenet/train` and `imagenet/val`, each with a folder for every class.

The folders are named by WordNet id; in the order of these names they are the classes. Any part of ImageNet will do.
Photographs stay on disk and are decoded as they are needed (`photographs.py`), so only their names are read here.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from repro.data.files import entries
from repro.errors import Failure

NAME = "imagenet"
SPLITS = ("train", "val")
PHOTOGRAPHS = (".jpeg", ".jpg", ".png")
CLASSES = 1000  # the network's outputs


class Listing(NamedTuple):
    """classes: WordNet ids. train, val: names of photographs relative to `imagenet/`, class by class, and the classes
    they show, by number."""

    classes: tuple[str, ...]
    train: tuple[tuple[str, ...], tuple[int, ...]]
    val: tuple[tuple[str, ...], tuple[int, ...]]

    @property
    def checksum(self) -> str:
        """The identity of the photographs, by their names: reading 150 GB for it would take longer than an epoch."""
        names = "\n".join((*self.train[0], *self.val[0]))
        return hashlib.sha256(names.encode()).hexdigest()


def present(root: Path) -> bool:
    """Whether there is anything of ImageNet below a data root."""
    return (root / NAME / "train").is_dir()


@cache
def listing(root: Path) -> Listing:
    """What is there. It is looked up once; a run of days does not notice what is added meanwhile.

    Raises:
        Failure: nothing is there, a class has no photographs to train on, or one is measured that is not trained on.
    """
    home = root / NAME
    folders = {split: sorted(e.name for e in entries(home, split) if e.is_dir()) for split in SPLITS}
    classes = tuple(folders["train"])
    for split in SPLITS:
        if not folders[split]:
            raise Failure(f"no photographs in {home / split}: put a folder there for each class, named by WordNet id")
    if len(classes) > CLASSES:
        raise Failure(f"{home / 'train'} has {len(classes):,} folders, more than ImageNet's {CLASSES:,} classes")
    strangers = sorted(set(folders["val"]) - set(classes))
    if strangers:
        raise Failure(f"{home / 'val' / strangers[0]}: there is no folder {strangers[0]} in {home / 'train'}")
    found = {split: named(home, split, folders[split], classes) for split in SPLITS}
    empty = set(range(len(classes))) - set(found["train"][1])
    if empty:
        raise Failure(f"{home / 'train' / classes[min(empty)]} holds no photographs ({', '.join(PHOTOGRAPHS)})")
    if not found["val"][0]:
        raise Failure(f"the folders of {home / 'val'} hold no photographs ({', '.join(PHOTOGRAPHS)})")
    return Listing(classes, found["train"], found["val"])


def named(
    home: Path, split: str, folders: list[str], classes: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The photographs of a split, class by class and by name, and their classes; other files are passed over."""
    number = {wnid: label for label, wnid in enumerate(classes)}
    found = [
        (f"{split}/{folder}/{name}", number[folder])
        for folder in folders
        for name in sorted(e.name for e in entries(home, f"{split}/{folder}") if e.name.lower().endswith(PHOTOGRAPHS))
    ]
    return tuple(name for name, _ in found), tuple(label for _, label in found)
