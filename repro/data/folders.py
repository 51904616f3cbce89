"""Data sets that are folders of photographs, one for each class."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from repro.config.specification import Data
from repro.data import files
from repro.data.catalogue import ImageSource, Status, counted
from repro.errors import Failure

if TYPE_CHECKING:
    from repro.data.images import ImageSet
    from repro.data.streaming import PhotographSet

PHOTOGRAPHS = (".jpeg", ".jpg", ".png")
# Photographs of different sizes are squashed to one, that of SqueezeNet's original input.
COMMON_SIZE = 227
# Means and deviations that do not depend on which photographs are in the folder.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Part(NamedTuple):
    """Photographs, by their names relative to the data set's folder, and the numbers of their classes."""

    names: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()


class Listing(NamedTuple):
    """The photographs in a folder."""

    classes: tuple[str, ...]
    train: Part
    test: Part

    @property
    def names(self) -> list[str]:
        """All photographs."""
        return [*self.train.names, *self.test.names]


def class_folders(home: Path, split: str) -> list[str]:
    """The folders of a split, sorted; none when it is not there."""
    return sorted(entry.name for entry in files.entries(home, split) if entry.is_dir())


def photographs(home: Path, folder: str) -> list[str]:
    """The photographs in one folder of the data set, sorted; other files are passed over."""
    return [name for name in _names(home, folder) if name.lower().endswith(PHOTOGRAPHS)]


def other_files(home: Path, folders: Iterable[str]) -> list[str]:
    """The files beside the photographs that are none."""
    return [name for folder in folders for name in _names(home, folder) if not name.lower().endswith(PHOTOGRAPHS)]


def _names(home: Path, folder: str) -> list[str]:
    return sorted(f"{folder}/{entry.name}" for entry in files.entries(home, folder))


def part(home: Path, split: str, label_of: Mapping[str, int]) -> Part:
    """The photographs of a split, class folder by class folder and by name; other folders are passed over."""
    folders = [folder for folder in class_folders(home, split) if folder in label_of]
    within = f"{split}/" if split else ""
    found = [(name, label_of[folder]) for folder in folders for name in photographs(home, f"{within}{folder}")]
    return Part(tuple(name for name, _ in found), tuple(label for _, label in found))


class ImageFolder(ImageSource):
    """Photographs that the user puts into a folder of the data root.

    They are kept in memory, or stay on disk where `info.published_bytes` says that they are too many.

    Attributes:
        advice: what `status` says where there are none.
    """

    fetched = False
    advice: str = ""

    def home(self, root: Path) -> Path:
        """The folder that names of photographs are relative to."""
        return root / self.info.name

    def listing(self, root: Path) -> Listing:
        """List the photographs; looks at names alone.

        Raises:
            Failure: what is there is not as it should be.
        """
        raise NotImplementedError

    def checksum(self, root: Path) -> str | None:
        """The checksum of names and contents, which are read once."""
        names = self.listing(root).names
        return files.folder_checksum(self.home(root), names) if names else None

    def note(self, root: Path, found: Listing) -> str:
        """The note in `status` on photographs that are there."""
        return self.describe(root).substitute

    def verified(self, root: Path, found: Listing) -> bool:
        """Whether the photographs have been read for `checksum` and not changed since."""
        return files.marker(self.home(root), found.names).exists()

    def status(self, root: Path) -> Status:
        info, home, found = self.planned(root), self.home(root), None
        note = self.advice or info.substitute
        try:
            found = self.listing(root) if home.is_dir() else None
            note = self.note(root, found) if found else note
        except Failure as error:
            found, note = None, str(error)
        train, test = (len(found.train.names), len(found.test.names)) if found else (0, 0)
        present = test > 0 and (train > 0 or not info.train)
        verified = found is not None and present and self.verified(root, found)
        return Status(info.name, present, verified, counted(train, test), str(home), note)

    def load(self, spec: Data, root: Path) -> "tuple[ImageSet | PhotographSet, ImageSet | PhotographSet]":
        return (self.on_disk if self.describe(root).published_bytes else self.decoded)(spec, root)

    def decoded(self, spec: Data, root: Path) -> "tuple[ImageSet, ImageSet]":
        """Training and test set in memory: at their own size if all are equal squares, else at `COMMON_SIZE`."""
        import numpy as np

        from repro.data.images import in_memory
        from repro.data.photographs import read

        found = self.listing(root)
        pixels = read([self.home(root) / name for name in found.names], COMMON_SIZE)
        labels = np.array(found.train.labels + found.test.labels, np.int64)
        count = len(found.train.names)
        return in_memory((pixels[:count], labels[:count])), in_memory((pixels[count:], labels[count:]))

    def on_disk(self, spec: Data, root: Path) -> "tuple[PhotographSet, PhotographSet]":
        """Training and test set of photographs that are decoded as they are needed."""
        import numpy as np
        import torch

        from repro.data.streaming import PhotographSet

        found = self.listing(root)
        train, test = (
            PhotographSet(self.home(root), np.array(names), torch.tensor(labels), spec.pixels, spec.cut, training)
            for (names, labels), training in ((found.train, True), (found.test, False))
        )
        return train, test
