"""Getting the data sets on disk: download what is absent, check what is there, build what is derived."""

import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repro.data import bike_ship, files, imagenet
from repro.data.catalogue import CIFAR10_FILES, DATASETS, MNIST_FILES, MODIFIED_MNIST_FILES
from repro.errors import Failure, unknown
from repro.storage import cache_folder, write_atomic

# What a user without a network has to put below the data root.
BY_HAND = {
    "cifar10": "cifar-10-python.tar.gz or its folder cifar-10-batches-py",
    "mnist": "the four files *-ubyte or *-ubyte.gz in MNIST/raw",
}


def prepare(names: Iterable[str], root: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """Makes each named data set ready to load; returns at once for those that are.

    progress: told in words about every step that takes time. Raises Failure naming the file that is missing or damaged.
    """
    for name in names:
        if name not in DATASETS:
            raise unknown("data set", name, DATASETS)
        match name:
            case "cifar10":
                _official(name, root, CIFAR10_FILES, progress)
            case "mnist":
                _official(name, root, MNIST_FILES, progress)
            case "modified-mnist":
                _modified_mnist(root, progress)
            case "bike-ship":
                _bike_ship(root)
            case "imagenet":
                progress("looking through the folders of ImageNet")
                imagenet.listing(root)


def _official(name: str, root: Path, official: dict[str, str], progress: Callable[[str], None]) -> None:
    if files.is_verified(root, official):
        return
    with _alone():
        if files.missing(root, official):
            progress(f"downloading {DATASETS[name].title} to {root}")
            _download(name, root)
        absent = files.missing(root, official)
        if absent:
            raise Failure(f"{root / absent[0]} is missing: put {BY_HAND[name]} into {root}")
        progress(f"checking {DATASETS[name].title}")
        files.verify(root, official, f"delete it and run `repro data prepare {name}`")


def _download(name: str, root: Path) -> None:
    """Fetches and unpacks the official archives with torchvision; an archive that is already there is not fetched.

    They are unpacked aside, and each file moved when all are whole: a kill leaves no half of one.
    """
    from torchvision.datasets import CIFAR10, MNIST
    from torchvision.datasets.utils import download_and_extract_archive

    place = root if name == "cifar10" else root / "MNIST" / "raw"
    aside = place / "unpacking.partial"
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)  # torchvision sets none: a silent network would hang for ever
    try:
        shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
        aside.mkdir(parents=True)
        if name == "cifar10":
            download_and_extract_archive(CIFAR10.url, str(place), str(aside), md5=CIFAR10.tgz_md5)
        else:
            for archive, md5 in MNIST.resources:
                _first_that_works(
                    lambda mirror, archive=archive, md5=md5: download_and_extract_archive(
                        mirror + archive, str(place), str(aside), md5=md5
                    ),
                    MNIST.mirrors,
                )
        for file in [path for path in aside.rglob("*") if path.is_file()]:
            target = place / file.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
    except Exception as error:  # torchvision raises URLError, RuntimeError, EOFError, tarfile's errors, OSError
        raise Failure(f"cannot download {name} ({error}); without a network put {BY_HAND[name]} into {root}") from error
    finally:
        socket.setdefaulttimeout(timeout)
        shutil.rmtree(aside, ignore_errors=True)


def _first_that_works(fetch: Callable[[str], None], mirrors: Iterable[str]) -> None:
    error: Exception = RuntimeError("no mirror")
    for mirror in mirrors:
        try:
            return fetch(mirror)
        except Exception as failed:
            error = failed
    raise error


def _modified_mnist(root: Path, progress: Callable[[str], None]) -> None:
    folder = cache_folder()
    if files.is_verified(folder, MODIFIED_MNIST_FILES):
        return
    _official("mnist", root, MNIST_FILES, progress)
    with _alone():
        if files.missing(folder, MODIFIED_MNIST_FILES):
            from repro.data import mnist, modified_mnist

            progress("building Modified MNIST (about half a minute)")
            for name, content in modified_mnist.build_files(mnist.read(root)).items():
                write_atomic(folder / name, content)
        files.verify(folder, MODIFIED_MNIST_FILES, "delete it, and it is built again")


def _bike_ship(root: Path) -> None:
    photographs = bike_ship.names(root)
    for split in bike_ship.SPLITS:
        labels = {bike_ship.label_of(name) for name in photographs if bike_ship.split_of(name) == split}
        if labels != {0, 1}:
            place = root / bike_ship.FOLDER / split
            raise Failure(f"{place} does not hold photographs of both classes: put them into {bike_ship.LAYOUT}")
    files.folder_checksum(root / bike_ship.FOLDER, photographs)


@contextmanager
def _alone() -> Iterator[None]:
    """Two processes never download or build at the same time."""
    from filelock import FileLock

    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache_folder() / "prepare.lock")
        lock.acquire()
    except OSError as error:
        raise Failure(f"cannot write to the cache {cache_folder()}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def status(root: Path) -> list[dict[str, Any]]:
    """One row per data set: name, present, verified (found whole before, untouched since), path, images, note."""
    return [_status(name, root) for name in DATASETS]


def _status(name: str, root: Path) -> dict[str, Any]:
    info = DATASETS[name]
    images, note = f"{info.train:,} + {info.test:,}", info.substitute
    if name == "bike-ship":
        path = root / bike_ship.FOLDER
        try:
            photographs = bike_ship.names(root)
        except Failure as error:
            photographs, note = [], str(error)
        counts = [sum(bike_ship.split_of(name) == split for name in photographs) for split in bike_ship.SPLITS]
        images = f"{counts[0]:,} + {counts[1]:,}"
        present = all(counts)
        verified = present and files.marker(path, photographs).exists()
        note = "" if bike_ship.is_original(photographs) else note
        if others := bike_ship.strangers(root) if photographs else []:
            note = f"{note}; passed over as no photographs: {', '.join(others[:3])}".removeprefix("; ")
            note += f" and {len(others) - 3} more" if len(others) > 3 else ""
    elif name == imagenet.NAME:
        path, present, verified = root / imagenet.NAME, imagenet.present(root), False
        if present:
            try:
                found = imagenet.listing(root)
                images = f"{len(found.train[0]):,} + {len(found.val[0]):,}"
                note = f"{len(found.classes):,} classes; photographs are checked as they are decoded"
            except Failure as error:
                present, note = False, str(error)
    else:
        base, official = {
            "cifar10": (root, CIFAR10_FILES),
            "mnist": (root, MNIST_FILES),
            "modified-mnist": (cache_folder(), MODIFIED_MNIST_FILES),
        }[name]
        path = (base / next(iter(official))).parent
        present = not files.missing(base, official)
        verified = present and files.is_verified(base, official)
    return {"name": name, "present": present, "verified": verified, "path": str(path), "images": images, "note": note}
