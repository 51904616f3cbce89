"""The batch files of CIFAR: pickles, of which nothing is executed."""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import Failure
from repro.storage import read_limited

Arrays = tuple[np.ndarray, np.ndarray]
LARGEST = 2**25  # bytes of a batch file; the official ones have 31 million
# Of the 30,000 operations of an official batch, all but 70 push a label or a name, or keep it under a number.
OPERATIONS, OTHERS = 50_000, 500
PLAIN = {"BININT1", "SHORT_BINSTRING", "BINPUT", "LONG_BINPUT"}


def read_batch(file: Path) -> Arrays:
    """Images and labels of one batch file, a pickle written by Python 2. Runs nothing that the file may contain."""
    try:
        content = read_limited(file, LARGEST)
    except FileNotFoundError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}") from error
    try:
        check(content)
        batch = _Reader(io.BytesIO(content), encoding="bytes").load()
        images = batch[b"data"].pixels().reshape(-1, 3, 32, 32)
        if not isinstance(batch[b"labels"], list) or not all(type(label) is int for label in batch[b"labels"]):
            raise ValueError("its labels are not a list of numbers")
        labels = np.array(batch[b"labels"], dtype=np.int64)
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise Failure(f"{file} is not a CIFAR-10 batch file: {error or type(error).__name__}") from error
    if labels.shape != images.shape[:1] or not ((labels >= 0) & (labels < 10)).all():
        raise Failure(f"{file} is not a CIFAR-10 batch file: {labels.size} labels for {len(images)} images")
    return images, labels


def check(content: bytes) -> None:
    """Raises ValueError for a pickle that could take more time or memory than a batch file does.

    That takes many containers, a container in several places, or a value kept under a number beyond all others.
    """
    others = 0
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        name = operation.name
        others += name not in PLAIN
        again = name == "DUP" or name.endswith("GET")
        far = name.endswith("PUT") and int(argument or 0) > OPERATIONS
        if count > OPERATIONS or others > OTHERS or again or far:
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
