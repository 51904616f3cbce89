"""Read the batch files of CIFAR: pickles, of which nothing is executed."""

import io
import pickle
import pickletools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import Failure
from repro.storage import read_limited

Arrays = tuple[np.ndarray, np.ndarray]
# Of a file of 10,000 images; others scale these.
LARGEST = 2**25  # bytes; the official ones have 31 million
# Of the 30,000 operations of an official batch, all but 70 push a label or a name, or keep it under a number.
OPERATIONS, OTHERS = 50_000, 500
PLAIN = {"BININT1", "SHORT_BINSTRING", "BINPUT", "LONG_BINPUT"}


def read_batch(
    file: Path, title: str = "CIFAR-10", labelled: bytes = b"labels", classes: int = 10, scale: int = 1
) -> Arrays:
    """Images, uint8 [N, 3, 32, 32], and labels, int64 [N], of one batch file.

    Args:
        title: of the data set, for errors.
        labelled: the key of the labels.
        scale: the file may have this many times 10,000 images.

    Raises:
        Failure: it cannot be read, or is not such a file.
    """
    batch = unpickled(file, title, scale)
    try:
        images = batch[b"data"].pixels().reshape(-1, 3, 32, 32)
        if not isinstance(batch[labelled], list) or not all(type(label) is int for label in batch[labelled]):
            raise ValueError("its labels are not a list of numbers")
        labels = np.array(batch[labelled], dtype=np.int64)
    except Exception as error:  # what was unpickled can be anything
        raise refused(file, title, error) from error
    if labels.shape != images.shape[:1] or not ((labels >= 0) & (labels < classes)).all():
        raise refused(file, title, f"{labels.size} labels for {len(images)} images")
    return images, labels


def read_batches(files: Sequence[Path]) -> Arrays:
    """Images and labels of batch files of CIFAR-10 with as many images each, in the order of the files.

    Images go to their place in one array as they are read: whole arrays put together at the end would hold
    everything twice.

    Raises:
        Failure: as `read_batch`; a file has more or fewer images than the first.
    """
    images, labels = np.empty(0, np.uint8), np.empty(0, np.int64)
    for place, file in enumerate(files):
        part, part_labels = read_batch(file)
        if place == 0:
            images = np.empty((len(files) * len(part), *part.shape[1:]), np.uint8)
            labels = np.empty(len(files) * len(part), np.int64)
        rows = slice(place * len(part), (place + 1) * len(part))
        if len(part) * len(files) != len(images):
            raise refused(file, "CIFAR-10", f"{len(part)} images instead of {len(images) // len(files)}")
        images[rows], labels[rows] = part, part_labels
    return images, labels


def read_names(file: Path, title: str, key: bytes) -> tuple[str, ...]:
    """The names of classes in a file that goes with the batches. Raises Failure as `read_batch`."""
    content = unpickled(file, title)
    try:
        return tuple(name.decode("ascii") for name in content[key])
    except Exception as error:
        raise refused(file, title, error) from error


def unpickled(file: Path, title: str, scale: int = 1) -> Any:
    """Read a pickle that was written by Python 2, without running anything that the file may contain."""
    try:
        content = read_limited(file, scale * LARGEST)
    except FileNotFoundError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}") from error
    try:
        check(content, scale)
        return _Reader(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise refused(file, title, error) from error


def refused(file: Path, title: str, why: object) -> Failure:
    """The error about a file of another kind."""
    return Failure(f"{file} is not a {title} batch file: {str(why) or type(why).__name__}")


def check(content: bytes, scale: int = 1) -> None:
    """Raises ValueError for a pickle that could take more time or memory than a batch file does.

    That takes many containers, a container in several places, or a value kept under a number beyond all others.
    """
    others = 0
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        name = operation.name
        others += name not in PLAIN
        again = name == "DUP" or name.endswith("GET")
        far = name.endswith("PUT") and int(argument or 0) > scale * OPERATIONS
        if count > scale * OPERATIONS or others > scale * OTHERS or again or far:
            raise ValueError("it is made of more than images and labels")


class _Element:
    """Stands in for numpy's element type while unpickling: keeps its name."""

    def __init__(self, name: bytes = b"", *_: Any) -> None:
        self.name = name

    def __setstate__(self, _: Any) -> None:
        pass


class _Array:
    """Stands in for numpy's array while unpickling: keeps its bytes."""

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Element, bool, bytes]) -> None:
        _, self.shape, self.element, self.fortran, self.content = state

    def pixels(self) -> np.ndarray:
        """The array itself: uint8, [images, 3 x 32 x 32]."""
        if self.element.name != b"u1" or self.fortran:
            raise ValueError("its pixels are not bytes in row order")
        return np.frombuffer(self.content, np.uint8).reshape(self.shape).copy()


class _Reader(pickle.Unpickler):
    """Unpickles containers, numbers and strings; the three names of numpy that a batch uses give inert stand-ins."""

    stand_ins: dict[tuple[str, str], Any] = {
        ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Array(),
        ("numpy", "ndarray"): None,
        ("numpy", "dtype"): _Element,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.stand_ins:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which no batch file needs")
        return self.stand_ins[module, name]
