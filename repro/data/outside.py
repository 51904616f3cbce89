"""Data sets from outside: arrays that a function of a study's file or of an installed package returns.

    def cifar100(folder, classes=100, channels=3, pixels=32, train=50_000, test=10_000):
        ...
        return train_images, train_labels, test_images, test_labels

`repro.config.functions` has the names. `folder` is the data folder. Images are uint8, [N, C, H, W] or [N, H, W, C],
or [N, H, W] of one channel; labels are integers from 0. The defaults of the other arguments say what the set is, so
that runs are planned without executing anything; `classes` is their number or a list of their names. Arrays that do
not agree with them are refused. The file's content is part of the identity of runs; arrays that change while the file
does not are noticed on the same machine.
"""

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config import functions
from repro.config.functions import REQUIRED, Function
from repro.data.catalogue import DatasetInfo, External, of_bytes
from repro.errors import BadInput, Failure
from repro.progress import Progress, silent
from repro.storage import cache_folder, read_limited, write_atomic

if TYPE_CHECKING:
    import numpy as np

    from repro.data.catalogue import Arrays

COUNTS = ("channels", "pixels", "train", "test")
MOST_CLASSES = 100_000


class ArraySet(External):
    """The data set of FILE.py:FUNCTION or PACKAGE:NAME."""

    def __init__(self, name: str):
        self.name, self.function = name, functions.find(name, "data set")

    def planned(self, root: Path) -> DatasetInfo:
        """The description by the function's arguments; means and deviations are known once it has been called."""
        given = {"channels": 3, **self.function.options}
        names = class_names(given.get("classes"))
        if not names or not all(isinstance(given.get(name), int) and given[name] > 0 for name in COUNTS):
            raise BadInput(
                f"{self.name}: its arguments say what the set is: "
                f"def {self.function.name}(folder, classes=10, channels=3, pixels=32, train=50_000, test=10_000)"
            )
        half = (0.5,) * given["channels"]
        return DatasetInfo(
            name=self.name,
            title=self.function.name,
            classes=names,
            channels=given["channels"],
            size=given["pixels"],
            train=given["train"],
            test=given["test"],
            mean=half,
            std=half,
            source=self.name,
        )

    def describe(self, root: Path) -> DatasetInfo:
        import numpy as np

        (images, _), _ = self.read(root)
        moments = [of_bytes(np.bincount(images[:, c].ravel(), minlength=256)) for c in range(images.shape[1])]
        mean, std = zip(*moments, strict=True)
        return replace(self.planned(root), mean=mean, std=std)

    def checksum(self, root: Path) -> str:
        """The checksum of the file and the function's name."""
        return hashlib.sha256(f"{self.function.source} {self.function.name}".encode()).hexdigest()

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        """Call the function and check its arrays.

        Raises:
            Failure: it raises an error, or its arrays are not as it should be.
        """
        progress(f"reading {self.name}")
        self.read(root)

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        return called(self.name, self.function.source, root.resolve())


def class_names(given: Any) -> tuple[str, ...]:
    """The names of classes of which the number or the names are given; none where neither is."""
    if isinstance(given, int) and given <= MOST_CLASSES:
        given = range(given)
    return tuple(map(str, given)) if isinstance(given, range | tuple | list) else ()


@lru_cache(maxsize=1)
def called(name: str, source: str, root: Path) -> "tuple[Arrays, Arrays]":
    """Training and test images with their labels; a function is called once for each content of its file."""
    one = ArraySet(name)
    options = {"folder": root} if one.function.options.get("folder") is REQUIRED else {}
    try:
        returned = functions.load(one.function)(**options)
    except Failure:
        raise
    except Exception as error:
        raise Failure(f"{name}: {type(error).__name__}: {error}") from error
    if not isinstance(returned, tuple) or len(returned) != 4:
        raise Failure(f"{name} should return train_images, train_labels, test_images, test_labels")
    info = one.planned(root)
    train = arranged(f"{name}: training images", info, info.train, *returned[:2])
    test = arranged(f"{name}: test images", info, info.test, *returned[2:])
    same_as_before(one.function, one.checksum(root), [*train, *test])
    return train, test


def arranged(what: str, info: DatasetInfo, count: int, images: Any, labels: Any) -> "Arrays":
    """Images as uint8 [N, C, H, W] and labels as int64 [N].

    Raises:
        Failure: they are not so many, of another shape or type, or a label has no class.
    """
    import numpy as np

    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim == 3:
        images = images[:, None]
    side, channels = (info.size, info.size), info.channels
    if images.shape[1:] == (*side, channels) and images.shape[1:] != (channels, *side):
        images = images.transpose(0, 3, 1, 2)
    if images.shape != (count, channels, *side) or images.dtype != np.uint8:
        wanted = f"uint8 {[count, channels, *side]}"
        raise Failure(f"{what}: {images.dtype} {list(images.shape)} where {wanted} was expected")
    classes = len(info.classes)
    whole = np.issubdtype(labels.dtype, np.integer)
    if labels.shape != (count,) or not whole or labels.min() < 0 or labels.max() >= classes:
        raise Failure(f"{what}: labels should be {count:,} whole numbers from 0 to {classes - 1}")
    return np.ascontiguousarray(images), labels.astype(np.int64)


def same_as_before(function: Function, checksum: str, arrays: "list[np.ndarray]") -> None:
    """Raises Failure where an unchanged file gave other arrays on this machine before."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}".encode())
        digest.update(array.data)
    known = cache_folder() / "verified" / f"arrays-{checksum}"
    try:
        before = read_limited(known, 100).decode()
    except FileNotFoundError:
        write_atomic(known, digest.hexdigest())
        return
    if before != digest.hexdigest():
        raise Failure(
            f"{function.path}: {function.name} gives other images than before: "
            "change the file too, such as a comment on the version, and its runs are told apart"
        )
