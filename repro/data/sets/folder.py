"""Photographs in a folder of the user's, as `data = { folder = "PATH" }` or `--data folder:PATH` name it.

Either PATH/train/CLASS/* and PATH/test/CLASS/* (or PATH/val/CLASS/*), or PATH/CLASS/*, of which a tenth is measured and
never trained on: which photographs these are is decided by a hash of their names, whatever else is there. A PATH that
does not begin with / is below the data folder. Identities rest on names and contents, not on the place.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from repro.data import files
from repro.data.catalogue import DatasetInfo, External, family
from repro.data.folders import (
    COMMON_SIZE,
    IMAGENET_MEAN,
    IMAGENET_STD,
    PHOTOGRAPHS,
    ImageFolder,
    Listing,
    Part,
    class_folders,
    part,
)
from repro.errors import BadInput, Failure
from repro.progress import Progress, silent

# More photographs stay on disk, as ImageNet's do: 227x227 pixels of so many are 3 GB.
MOST_IN_MEMORY = 20_000
MEASURED = 10  # one photograph of so many, where the folder has no test set


@family("folder")
class Folder(External, ImageFolder):
    def __init__(self, place: str):
        if not place:
            raise BadInput("folder: give a path behind it, as in folder:flowers")
        self.place = place

    def home(self, root: Path) -> Path:
        return root / os.path.expanduser(self.place)

    def planned(self, root: Path) -> DatasetInfo:
        """With ImageNet's means, which do not depend on which photographs are in the folder."""
        found, home = self.listing(root), self.home(root)
        info = DatasetInfo(
            name=f"folder:{self.place}",
            title=home.resolve().name,
            classes=found.classes,
            channels=3,
            size=COMMON_SIZE,
            train=len(found.train.names),
            test=len(found.test.names),
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            source="photographs of the user's",
        )
        if info.train + info.test <= MOST_IN_MEMORY:
            return info
        return replace(info, published_bytes=sum((home / name).stat().st_size for name in found.names))

    def listing(self, root: Path) -> Listing:
        home = self.home(root)
        if not home.is_dir():
            raise Failure(f"{home}: there is no such folder; a path that does not begin with / is below {root}")
        if (home / "train").is_dir():
            train, test, classes, place = *self.given(home), home / "train"
        else:
            train, test, classes, place = *self.divided(home), home
        if len(classes) < 2:
            raise Failure(f"{place} has {len(classes)} folders of photographs; there must be one for each class")
        empty = set(range(len(classes))) - set(train.labels)
        if empty:
            raise Failure(f"{place / classes[min(empty)]} holds no photographs to train on ({', '.join(PHOTOGRAPHS)})")
        if not test.names:
            raise Failure(f"{home} has too few photographs to set some apart; make folders train and test in it")
        return Listing(classes, train, test)

    def given(self, home: Path) -> tuple[Part, Part, tuple[str, ...]]:
        """Training set, test set and classes of a folder that has both sets."""
        split = next((split for split in ("test", "val") if (home / split).is_dir()), None)
        if split is None:
            raise Failure(f"{home} has a folder train, but none named test or val")
        classes = visible(home, "train")
        if strangers := set(visible(home, split)) - set(classes):
            name = min(strangers)
            raise Failure(f"{home / split / name}: there is no folder {name} in {home / 'train'}")
        number = {name: label for label, name in enumerate(classes)}
        train, test = (part(home, each, number) for each in ("train", split))
        if split and not test.names:
            raise Failure(f"{home / split} holds no photographs ({', '.join(PHOTOGRAPHS)})")
        return train, test, classes

    def divided(self, home: Path) -> tuple[Part, Part, tuple[str, ...]]:
        """The same of a folder of classes."""
        classes = visible(home, "")
        found = part(home, "", {name: label for label, name in enumerate(classes)})
        pairs = list(zip(*found, strict=True))
        train, test = ([pair for pair in pairs if measured(pair[0]) == which] for which in (False, True))
        return Part(*zip(*train, strict=True)), Part(*zip(*test, strict=True)), classes

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        progress(f"reading {self.home(root)}")
        files.folder_checksum(self.home(root), self.listing(root).names)


def visible(home: Path, split: str) -> tuple[str, ...]:
    """The class folders of a split, without those that programs hide."""
    return tuple(name for name in class_folders(home, split) if not name.startswith("."))


def measured(name: str) -> bool:
    """Whether a photograph CLASS/FILE belongs to the tenth that is measured."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % MEASURED == 0
